"""One pixel of a block without the block: inflated down to its row, of which alone the predictor is undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from isal import igzip_lib
from numpy.typing import NDArray

from tileserver.cog import codecs
from tileserver.cog.block import InflateError
from tileserver.cog.codecs import BlockError
from tileserver.cog.tiff import Directory

SPARE = 9 / 8
"""Rows above a row may be longer, compressed, than those below it."""
SPARE_BYTES = 4096


def share(image: Directory, length: int, row: int) -> int:
    """Bytes of a block of so many that mostly hold all rows down to `row`."""
    return min(length, int(length * SPARE * (row + 1) / image.block_height) + SPARE_BYTES)


def pixel_of(image: Directory, pieces: Iterable[bytes], row: int, column: int) -> NDArray[Any]:
    """(bands,) stored numbers at a row and column of a block, whose rows can be decoded before those below them.

    Takes no more `pieces` of the block's bytes than it needs. Raises BlockError.
    """
    length = codecs.row_bytes(image)
    end = (row + 1) * length
    inflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)
    raw = b""
    try:
        for piece in pieces:
            raw += inflate.decompress(piece, end - len(raw))
            if len(raw) == end:
                break
    except (InflateError, EOFError) as error:
        raise BlockError("A block of the file is broken.") from error
    if len(raw) != end:
        raise BlockError("A block of the file is too short.")
    line = codecs.empty(image, 1)
    codecs.unpredict(image, np.frombuffer(raw, np.uint8, length, end - length), line, 0)
    return line[:, 0, column]
