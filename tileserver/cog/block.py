"""One block of a file, decoded from its top as far as somebody asked."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileserver.cog import codecs
from tileserver.cog.stored import Stored
from tileserver.cog.stream import Stream
from tileserver.cog.tiff import Directory

WORTH_BYTES = 1 << 16
"""Blocks smaller than this are decoded at once."""
MOST = 0.9
"""So large a part of a block is dearer row by row than the whole block, which a faster decoder makes."""


class Block:
    """Pixels (bands, height, width), of which the first `ready` rows can be read. Thread-safe."""

    __slots__ = ("_image", "_lock", "_stream", "pixels", "ready")

    def __init__(self, pixels: NDArray[Any], image: Directory | None = None, stream: Stream | None = None) -> None:
        """`stream`: where the rows come from that nobody has asked for yet, all of them at first."""
        self.pixels = pixels
        self.ready = 0 if stream else pixels.shape[1]
        self._image = image
        self._stream = stream
        self._lock = Lock()

    @property
    def nbytes(self) -> int:
        """Memory: the pixels, and what waits beside them."""
        stream = self._stream
        return self.pixels.nbytes + (stream.nbytes if stream else 0)

    def need(self, rows: int) -> None:
        """Have this many rows. Raises BlockError when they cannot be decoded."""
        with self._lock:
            if self._stream is None or self._image is None or rows <= self.ready:
                return
            raw = self._stream.take((rows - self.ready) * codecs.row_bytes(self._image))
            codecs.unpredict(self._image, np.frombuffer(raw, np.uint8), self.pixels, self.ready)
            self.ready = rows
            if rows == self.pixels.shape[1]:
                self._stream = None


def open_block(image: Directory, stored: Stored, row: int, rows: int) -> Block:
    """A block of block row `row` with at least its first `rows` rows. Raises BlockError, SourceUnreadable."""
    height = codecs.block_height(image, row)
    size = height * codecs.row_bytes(image)
    if rows > MOST * height or size < WORTH_BYTES or not codecs.by_rows(image):
        return Block(codecs.decode(image, stored.take(stored.length), row))
    block = Block(codecs.empty(image, height), image, Stream(stored, size))
    block.need(rows)
    return block
