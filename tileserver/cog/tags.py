"""The tags of a TIFF or BigTIFF directory, in both byte orders, read no sooner than they are asked for."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MAX_TAGS = 1024
MAX_BLOCKS = 1 << 20
MAX_HEADER_BYTES = 64 << 20
"""Most that is read of a header: directories may share tables, so that a small file asks for a lot of memory."""
MAX_VALUE_BYTES = 1 << 20
"""Longest tag value read, but for the tables of blocks."""
MAX_REST_BYTES = 1 << 16
PIECE_BYTES = 16 << 10
"""Read at once: the header of most COGs."""

BYTE, ASCII, SHORT, LONG, DOUBLE = 1, 2, 3, 4, 12
TYPES: dict[int, tuple[str, int]] = {
    1: ("B", 1), 2: ("B", 1), 3: ("H", 2), 4: ("I", 4), 5: ("II", 8), 6: ("b", 1), 7: ("B", 1), 8: ("h", 2),
    9: ("i", 4), 10: ("ii", 8), 11: ("f", 4), 12: ("d", 8), 13: ("I", 4), 16: ("Q", 8), 17: ("q", 8), 18: ("Q", 8),
}  # fmt: skip
"""The struct module's letters for each TIFF field type and its bytes; rationals are two numbers."""
SIZES = {field: size for field, (_, size) in TYPES.items()}
FLOATS = frozenset((11, 12))

Read = Callable[[int, int], bytes]
"""(offset, length) to exactly that many bytes; raises when the file ends before."""
Table = NDArray[np.unsignedinteger[Any]]
Order = Literal["<", ">"]
Entries = dict[int, tuple[int, int, int]]
"""Field type, number of values, and the last word by tag: the values where they fit, else where they are."""

_WORDS = {
    (order, field): np.dtype(f"{order}u{TYPES[field][1]}") for order in "<>" for field in (SHORT, LONG, 13, 16, 18)
}


class TiffError(ValueError):
    """A header that is broken, lies, or is no TIFF."""


class HeaderBytes:
    """The bytes of a file of `size` bytes, read in pieces: what comes next is mostly asked for next."""

    __slots__ = ("_left", "_piece", "_read", "_start", "size")

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self.size = size
        self._start = 0
        self._left = MAX_HEADER_BYTES
        self._piece = read(0, min(PIECE_BYTES, size))

    def part(self, offset: int, length: int) -> bytes:
        """Exactly these bytes; raises TiffError where the file has none."""
        at = offset - self._start
        if at < 0 or at + length > len(self._piece):
            if offset + length > self.size:
                raise TiffError("The file's header points beyond its end.")
            self._left -= max(length, PIECE_BYTES)
            if self._left < 0:
                raise TiffError("The file's header is absurdly long.")
            if length >= PIECE_BYTES:
                return self._read(offset, length)
            self._piece = self._read(offset, min(PIECE_BYTES, self.size - offset))
            self._start, at = offset, 0
        return self._piece[at : at + length]


class Tags:
    """One directory."""

    __slots__ = ("_entries", "_header", "_inline", "_long", "_short", "_start", "body", "order")

    def __init__(
        self, header: HeaderBytes, entries: Entries, order: Order, inline: int, start: int, body: bytes
    ) -> None:
        self.order: Order = order
        self.body = body
        """The entries as they lie in the file, and where the next directory is."""
        self._start = start
        self._header = header
        self._entries = entries
        self._inline = inline
        self._short, self._long = (0, 0) if order == "<" else (8 * inline - 16, 8 * inline - 32)

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def shape(self, tag: int) -> tuple[int, int]:
        """Field type and number of values; (0, 0) where there is no such tag."""
        return self._entries.get(tag, (0, 0))[:2]

    def one(self, tag: int, default: int | None = None) -> int:
        """The first value, a whole number."""
        entry = self._entries.get(tag)
        if entry is None:
            if default is None:
                raise TiffError("The file's directory lacks a tag that every image has.")
            return default
        field, count, word = entry
        if count == 1 and field == SHORT:
            return word >> self._short & 0xFFFF
        if count == 1 and field == LONG:
            return word >> self._long & 0xFFFFFFFF
        if not count or field in FLOATS:
            raise TiffError("The file's directory has a tag without a whole number.")
        return int(self.numbers(tag)[0])

    def numbers(self, tag: int) -> tuple[Any, ...]:
        """All values; none where there is no such tag."""
        field, count = self.shape(tag)
        if not count:
            return ()
        data = self.data(tag)
        return struct.unpack(f"{self.order}{count * TYPES[field][0]}", data)

    def data(self, tag: int) -> bytes:
        """The values as they lie in the file."""
        field, count, word = self._entries[tag]
        if field not in TYPES:
            raise TiffError("The file's directory has a tag of an unknown type.")
        length = count * TYPES[field][1]
        if length <= self._inline:
            return self._word(word)[:length]
        if length > MAX_VALUE_BYTES:
            raise TiffError("The file's directory has a tag that is too long.")
        return self._header.part(word, length)

    def table(self, tag: int, blocks: int) -> Table:
        """The first values of a table with one for each block."""
        field, count, word = self._entries.get(tag, (0, 0, 0))
        if not blocks <= count <= MAX_BLOCKS:
            raise TiffError("The file's header has more or fewer blocks than its size needs.")
        if (self.order, field) not in _WORDS:
            raise TiffError("The file's header has a table of an unknown type.")
        dtype = _WORDS[self.order, field]
        length = count * dtype.itemsize
        data = self._word(word) if length <= self._inline else self._header.part(word, length)
        return np.frombuffer(data, dtype, blocks)

    def place(self, tag: int) -> int:
        """Where in the file the values of a tag are."""
        field, count, word = self._entries[tag]
        if count * SIZES[field] > self._inline:
            return word
        return self._start + list(self._entries).index(tag) * (4 + 2 * self._inline) + 4 + self._inline

    def parts(self, without: Collection[int]) -> Iterator[tuple[int, int]]:
        """Where in the file (offset, length) all of the directory is, but for the values of some tags."""
        inline, at = self._inline, self._start
        before = 2 if inline == 4 else 8
        yield at - before, before
        for tag, (field, count, word) in self._entries.items():
            length = count * SIZES.get(field, MAX_REST_BYTES)
            if length <= inline:
                yield at, 4 + inline + (0 if tag in without else inline)
            else:
                yield at, 4 + 2 * inline
                if tag not in without:
                    yield word, length
            at += 4 + 2 * inline
        yield at, inline

    def rest(self, without: Collection[int]) -> list[Any]:
        """All tags, and the values of others than some; raises TiffError where these are broken or too long."""
        found: list[Any] = []
        room = MAX_REST_BYTES
        for tag, (field, count, word) in self._entries.items():
            length = count * SIZES.get(field, MAX_REST_BYTES)
            if tag in without:
                found.append(tag)
            elif length <= self._inline:
                found.append((tag, field, count, word))
            else:
                room -= length
                if room < 0:
                    raise TiffError("The file's directory has long tags.")
                found.append((tag, field, count, self.data(tag)))
        return found

    def _word(self, word: int) -> bytes:
        return word.to_bytes(self._inline, "little" if self.order == "<" else "big")


def signature(header: HeaderBytes) -> tuple[Order, bool, int]:
    """Byte order, BigTIFF or not, offset of the first directory."""
    if header.size < 8:
        raise TiffError("The file is no TIFF.")
    head = header.part(0, min(header.size, 16))
    if head[:2] not in (b"II", b"MM"):
        raise TiffError("The file is no TIFF.")
    order: Order = "<" if head[:2] == b"II" else ">"
    (version,) = struct.unpack_from(f"{order}H", head, 2)
    if version == 42:
        return order, False, struct.unpack_from(f"{order}I", head, 4)[0]
    if version == 43 and len(head) == 16 and struct.unpack_from(f"{order}HH", head, 4) == (8, 0):
        return order, True, struct.unpack_from(f"{order}Q", head, 8)[0]
    raise TiffError("The file is no TIFF.")


def read_tags(header: HeaderBytes, offset: int, order: Order, *, is_big: bool) -> tuple[Tags, int]:
    """The directory at an offset, and where the next one is."""
    first, words, entry = ("Q", "HHQQ", 20) if is_big else ("H", "HHII", 12)
    start, inline = struct.calcsize(f"{order}{first}"), 8 if is_big else 4
    (count,) = struct.unpack(f"{order}{first}", header.part(offset, start))
    if count > MAX_TAGS:
        raise TiffError("The file's directory has too many tags.")
    body = header.part(offset + start, count * entry + inline)
    *flat, following = struct.unpack(f"{order}{words * count}{words[-1]}", body)
    entries: Entries = dict(zip(flat[::4], zip(flat[1::4], flat[2::4], flat[3::4], strict=True), strict=True))
    if len(entries) != count:
        raise TiffError("The file's directory has a tag twice.")
    return Tags(header, entries, order, inline, offset + start, body), following
