"""TIFF and BigTIFF directories, both byte orders: where the blocks of every image of a file lie.

Layout after the TIFF 6.0 specification, the BigTIFF design and Adobe's technical notes. What a header says is
checked against what a file can hold before anything is allocated: a header that lies is a `TiffError`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MAX_DIRECTORIES = 64
MAX_TAGS = 1024
MAX_BLOCKS = 1 << 22
MAX_SIDE = 1 << 24
MAX_BANDS = 1024
MAX_VALUE_BYTES = 1 << 20
"""Longest tag value read, but for the tables of blocks."""

TYPES: dict[int, str] = {
    1: "u1", 2: "u1", 3: "u2", 4: "u4", 5: "u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 10: "i4", 11: "f4",
    12: "f8", 13: "u4", 16: "u8", 17: "i8", 18: "u8",
}  # fmt: skip
"""NumPy's name of each TIFF field type; rationals are two numbers."""
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, BANDS, ROWS_PER_STRIP, STRIP_BYTES, PLANAR = 273, 277, 278, 279, 284
PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 317, 322, 323, 324, 325
SUBFILE, EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES, LERC = 254, 338, 339, 347, 50674
WANTED = frozenset(
    (WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, BANDS, ROWS_PER_STRIP, PLANAR, PREDICTOR, TILE_WIDTH)
) | {TILE_HEIGHT, SUBFILE, EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES, LERC}
TABLES = frozenset((STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES))

Read = Callable[[int, int], bytes]
"""(offset, length) to exactly that many bytes; raises when the file ends before."""
Table = NDArray[np.int64]
Order = Literal["<", ">"]


class TiffError(ValueError):
    """A header that is broken, lies, or is no TIFF."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Directory:
    """One image of a file: full resolution, an overview or a mask."""

    width: int
    height: int
    block_width: int
    block_height: int
    bands: int
    planar: bool
    """Every band has its own blocks (PlanarConfiguration 2)."""
    bits: int
    kind: str
    """NumPy's letter: u unsigned, i signed, f float; "" for anything else."""
    compression: int
    predictor: int
    photometric: int
    tiled: bool
    reduced: bool
    mask: bool
    extra: tuple[int, ...]
    tables: bytes
    """Shared JPEG tables."""
    lerc: tuple[int, ...]
    offsets: Table
    counts: Table
    big_endian: bool

    @property
    def across(self) -> int:
        """Blocks in a row."""
        return -(-self.width // self.block_width)

    @property
    def down(self) -> int:
        """Blocks in a column."""
        return -(-self.height // self.block_height)

    @property
    def samples(self) -> int:
        """Bands within one block."""
        return 1 if self.planar else self.bands


def directories(read: Read, size: int) -> list[Directory]:
    """All images of a file in file order; `size` is the file's length in bytes."""
    head = read(0, 16 if size >= 16 else 8)
    order, is_big, offset = _signature(head)
    found: list[Directory] = []
    seen: set[int] = set()
    while offset:
        if offset in seen or len(seen) >= MAX_DIRECTORIES:
            raise TiffError("The directories of the file run in a circle or are too many.")
        seen.add(offset)
        tags, offset = _tags(read, size, offset, order, is_big=is_big)
        found.append(_directory(tags, order))
    if not found:
        raise TiffError("The file has no image.")
    return found


def _signature(head: bytes) -> tuple[Order, bool, int]:
    """Byte order, BigTIFF or not, offset of the first directory."""
    if head[:2] not in (b"II", b"MM"):
        raise TiffError("The file is no TIFF.")
    order: Order = "<" if head[:2] == b"II" else ">"
    (version,) = struct.unpack_from(f"{order}H", head, 2)
    if version == 42:
        return order, False, struct.unpack_from(f"{order}I", head, 4)[0]
    if version == 43 and len(head) == 16 and struct.unpack_from(f"{order}HH", head, 4) == (8, 0):
        return order, True, struct.unpack_from(f"{order}Q", head, 8)[0]
    raise TiffError("The file is no TIFF.")


def _tags(read: Read, size: int, offset: int, order: Order, *, is_big: bool) -> tuple[dict[int, NDArray[Any]], int]:
    """Values of the tags we look at, and where the next directory is."""
    count_size, entry_size, word = (8, 20, "Q") if is_big else (2, 12, "I")
    inline = 8 if is_big else 4
    (count,) = struct.unpack(f"{order}{'Q' if is_big else 'H'}", _checked(read, size, offset, count_size))
    if count > MAX_TAGS:
        raise TiffError("The file's directory has too many tags.")
    body = _checked(read, size, offset + count_size, count * entry_size + inline)
    tags: dict[int, NDArray[Any]] = {}
    for index in range(count):
        at = index * entry_size
        tag, field, number = struct.unpack_from(f"{order}HH{word}", body, at)
        if tag not in WANTED and tag not in TABLES:
            continue
        if field not in TYPES:
            raise TiffError("The file's directory has a tag of an unknown type.")
        dtype = np.dtype(TYPES[field]).newbyteorder(order)
        length = number * dtype.itemsize * (2 if field in (5, 10) else 1)
        if tag in TABLES:
            if number > MAX_BLOCKS:
                raise TiffError("The file has too many blocks.")
        elif length > MAX_VALUE_BYTES:
            raise TiffError("The file's directory has a tag that is too long.")
        where = at + entry_size - inline
        if length <= inline:
            data = body[where : where + length]
        else:
            (pointer,) = struct.unpack_from(f"{order}{word}", body, where)
            data = _checked(read, size, pointer, length)
        tags[tag] = np.frombuffer(data, dtype)
    (following,) = struct.unpack_from(f"{order}{word}", body, count * entry_size)
    return tags, following


def _checked(read: Read, size: int, offset: int, length: int) -> bytes:
    if offset + length > size:
        raise TiffError("The file's header points beyond its end.")
    return read(offset, length)


def _one(tags: dict[int, NDArray[Any]], tag: int, default: int | None = None) -> int:
    values = tags.get(tag)
    if values is None or not len(values):
        if default is None:
            raise TiffError("The file's directory lacks a tag that every image has.")
        return default
    return int(values[0])


def _directory(tags: dict[int, NDArray[Any]], order: Order) -> Directory:
    """Tags to a Directory whose numbers fit together."""
    width, height = _one(tags, WIDTH), _one(tags, HEIGHT)
    tiled = TILE_OFFSETS in tags or TILE_WIDTH in tags
    block_width = _one(tags, TILE_WIDTH) if tiled else width
    block_height = _one(tags, TILE_HEIGHT) if tiled else min(_one(tags, ROWS_PER_STRIP, height), height)
    bands, planar = _one(tags, BANDS, 1), _one(tags, PLANAR, 1) == 2
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and 0 < bands <= MAX_BANDS):
        raise TiffError("The file's header has an absurd size.")
    if not (0 < block_width <= MAX_SIDE and 0 < block_height <= MAX_SIDE):
        raise TiffError("The file's header has an absurd block size.")
    blocks = -(-width // block_width) * -(-height // block_height) * (bands if planar else 1)
    offsets = _table(tags, TILE_OFFSETS if tiled else STRIP_OFFSETS, blocks)
    counts = _table(tags, TILE_BYTES if tiled else STRIP_BYTES, blocks)
    subfile = _one(tags, SUBFILE, 0)
    return Directory(
        width=width,
        height=height,
        block_width=block_width,
        block_height=block_height,
        bands=bands,
        planar=planar and bands > 1,
        bits=_same(tags, BITS, 1),
        kind={1: "u", 2: "i", 3: "f"}.get(_same(tags, SAMPLE_FORMAT, 1), ""),
        compression=_one(tags, COMPRESSION, 1),
        predictor=_one(tags, PREDICTOR, 1),
        photometric=_one(tags, PHOTOMETRIC, 1),
        tiled=tiled,
        reduced=bool(subfile & 1),
        mask=bool(subfile & 4),
        extra=tuple(int(value) for value in tags.get(EXTRA_SAMPLES, ())),
        tables=tags[JPEG_TABLES].tobytes() if JPEG_TABLES in tags else b"",
        lerc=tuple(int(value) for value in tags.get(LERC, ())),
        offsets=offsets,
        counts=counts,
        big_endian=order == ">",
    )


def _same(tags: dict[int, NDArray[Any]], tag: int, default: int) -> int:
    """One number for all bands, 0 where they differ."""
    values = tags.get(tag)
    if values is None or not len(values):
        return default
    return int(values[0]) if (values == values[0]).all() else 0


def _table(tags: dict[int, NDArray[Any]], tag: int, blocks: int) -> Table:
    """Offsets or lengths of all blocks."""
    values = tags.get(tag)
    if values is None or len(values) < blocks:
        raise TiffError("The file's header has fewer blocks than its size needs.")
    table = values[:blocks].astype(np.int64)
    if (table < 0).any():
        raise TiffError("The file's header points beyond its end.")
    return table
