"""One block of a file, decoded from its top as far as somebody asked."""

from __future__ import annotations

import sys
from threading import Lock
from typing import Any

import numpy as np
from isal import igzip_lib
from numpy.typing import NDArray

from tileserver.cog import codecs
from tileserver.cog.codecs import BlockError
from tileserver.cog.tiff import Directory

InflateError: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # typed as an instance there
WORTH_BYTES = 1 << 16
"""Blocks smaller than this are decoded at once."""
MOST = 0.9
"""So large a part of a block is dearer row by row than the whole block, which a faster decoder makes."""


class Block:
    """Pixels (bands, height, width), of which the first `ready` rows can be read. Thread-safe."""

    __slots__ = ("_lock", "_rest", "pixels", "ready")

    def __init__(self, pixels: NDArray[Any], rest: _Rest | None = None) -> None:
        self.pixels = pixels
        self.ready = 0 if rest else pixels.shape[1]
        self._rest = rest
        self._lock = Lock()

    @property
    def nbytes(self) -> int:
        """Memory: the pixels, and what is still compressed."""
        rest = self._rest
        return self.pixels.nbytes + (rest.nbytes if rest else 0)

    def need(self, rows: int) -> None:
        """Have this many rows. Raises BlockError when they cannot be decoded."""
        with self._lock:
            if self._rest is None or rows <= self.ready:
                return
            self._rest.decode(self.pixels, self.ready, rows)
            self.ready = rows
            if rows == self.pixels.shape[1]:
                self._rest = None


class _Rest:
    """The compressed rows of a block that nobody has asked for yet."""

    __slots__ = ("_data", "_image", "_inflate", "nbytes")

    def __init__(self, image: Directory, data: bytes) -> None:
        self._image = image
        self._inflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)
        self._data = data
        self.nbytes = len(data) + sys.getsizeof(self._inflate)

    def decode(self, out: NDArray[Any], start: int, end: int) -> None:
        """Rows from `start`, which is where it stands, to `end`."""
        wanted = (end - start) * codecs.row_bytes(self._image)
        data, self._data = self._data, b""
        try:
            raw = self._inflate.decompress(data, wanted)
        except (InflateError, EOFError) as error:
            raise BlockError("A block of the file is broken.") from error
        if len(raw) != wanted:
            raise BlockError("A block of the file is too short.")
        codecs.unpredict(self._image, np.frombuffer(raw, np.uint8), out, start)


def open_block(image: Directory, data: bytes, row: int, rows: int) -> Block:
    """A block of block row `row` with at least its first `rows` rows. Raises BlockError."""
    height = codecs.block_height(image, row)
    size = height * codecs.row_bytes(image)
    if rows > MOST * height or size < WORTH_BYTES or not codecs.by_rows(image):
        return Block(codecs.decode(image, data, row))
    block = Block(codecs.empty(image, height), _Rest(image, data))
    block.need(rows)
    return block
