"""One pixel of a block without the block: inflated down to its row, of which alone the predictor is undone."""

from __future__ import annotations

from typing import Any

import numpy as np
from isal import igzip_lib
from numpy.typing import NDArray

from tileserver.cog import codecs
from tileserver.cog.block import InflateError
from tileserver.cog.codecs import BlockError
from tileserver.cog.tiff import Directory


def pixel_of(image: Directory, data: bytes, row: int, column: int) -> NDArray[Any]:
    """(bands,) stored numbers at a row and column of a block, whose rows can be decoded before those below them.

    Raises BlockError.
    """
    length = codecs.row_bytes(image)
    end = (row + 1) * length
    try:
        raw = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB).decompress(data, end)
    except (InflateError, EOFError) as error:
        raise BlockError("A block of the file is broken.") from error
    if len(raw) != end:
        raise BlockError("A block of the file is too short.")
    line = codecs.empty(image, 1)
    codecs.unpredict(image, np.frombuffer(raw, np.uint8, length, end - length), line, 0)
    return line[:, 0, column]
