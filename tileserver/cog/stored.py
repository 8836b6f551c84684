"""The compressed bytes of one block."""

from __future__ import annotations

from collections.abc import Callable
from weakref import ref

from tileserver.cog.codecs import BlockError
from tileserver.cog.source import ByteSource


class Stored:
    """Read when they are taken, from the beginning on."""

    __slots__ = ("_read", "length", "nbytes", "taken")

    def __init__(self, length: int, read: Callable[[int, int], bytes], nbytes: int = 0) -> None:
        """`read` gives the bytes from one place up to another, 0 being the first of the block."""
        self._read = read
        self.length = length
        self.nbytes = nbytes
        """Memory that they take while they wait."""
        self.taken = 0

    @classmethod
    def of_bytes(cls, data: bytes) -> Stored:
        """What is in memory."""
        return cls(len(data), lambda start, end: data[start:end], len(data))

    @classmethod
    def of_file(cls, source: ByteSource, offset: int, length: int) -> Stored:
        """What is in a file that is near. Blocks stay in the cache when it is closed, and must not keep it open."""
        weak = ref(source)

        def read(start: int, end: int) -> bytes:
            still = weak()
            if still is None:
                raise BlockError("The file of a block is closed.")
            return still.read(offset + start, end - start)

        return cls(length, read)

    def take(self, end: int) -> bytes:
        """The bytes from where the last ones ended up to `end`. Raises BlockError, SourceUnreadable."""
        end = min(end, self.length)
        if end <= self.taken:
            return b""
        data = self._read(self.taken, end)
        self.taken = end
        return data
