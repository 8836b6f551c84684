"""One pixel of a block without the block: inflated down to its row, of which alone the predictor is undone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileserver.cog import codecs
from tileserver.cog.stored import Stored
from tileserver.cog.stream import Stream
from tileserver.cog.tiff import Directory


def pixel_of(image: Directory, stored: Stored, row: int, column: int) -> NDArray[Any]:
    """(bands,) stored numbers at a row and column of a block, whose rows can be decoded before those below them.

    Raises BlockError, SourceUnreadable.
    """
    length = codecs.row_bytes(image)
    stream = Stream(stored, image.block_height * length)
    raw = stream.take((row + 1) * length)
    line = codecs.empty(image, 1)
    codecs.unpredict(image, np.frombuffer(raw, np.uint8, length, row * length), line, 0)
    return line[:, 0, column]
