"""A deflate stream that is inflated as far as somebody asked."""

from __future__ import annotations

import sys

from isal import igzip_lib

from tileserver.cog.codecs import BlockError
from tileserver.cog.stored import Stored

InflateError: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # typed as an instance there
SPARE = 9 / 8
"""The upper rows of a block may be longer, compressed, than those below them."""
SPARE_BYTES = 4096
STEPS = 8
"""Parts of the stream in which more is read where that was too little."""


class Stream:
    """Where it stands is kept. The decoder copies what it is given and does not need yet, so it is given little."""

    __slots__ = ("_failed", "_inflate", "_made", "_size", "_stored")

    def __init__(self, stored: Stored, size: int) -> None:
        """`size` is that of the whole block, inflated."""
        self._stored = stored
        self._size = size
        self._made = 0
        self._failed = False
        self._inflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)

    @property
    def nbytes(self) -> int:
        """Memory that waits with it."""
        return self._stored.nbytes + sys.getsizeof(self._inflate)

    def take(self, count: int) -> bytes:
        """Exactly the next `count` bytes. Raises BlockError, SourceUnreadable.

        After an error the decoder stands nobody knows where, so nothing is taken any more.
        """
        if self._failed:
            raise BlockError("A block of the file is broken or too short.")
        self._failed = True
        try:
            raw = self._inflated(count)
        except (InflateError, EOFError) as error:
            raise BlockError("A block of the file is broken.") from error
        self._failed = False
        self._made += count
        return raw

    def _inflated(self, count: int) -> bytes:
        stored, inflate = self._stored, self._inflate
        end = share(stored.length, (self._made + count) / self._size)
        raw = b""
        while len(raw) < count:
            starving = inflate.needs_input and end <= stored.taken
            data = stored.take(stored.taken + stored.length // STEPS + 1 if starving else end)
            if inflate.eof or (starving and not data):
                raise BlockError("A block of the file is too short.")
            raw += inflate.decompress(data, count - len(raw))
        return raw


def share(length: int, part: float) -> int:
    """Of a stream of so many bytes, those that mostly hold so large a part of what it makes."""
    return min(length, int(length * SPARE * part) + SPARE_BYTES)
