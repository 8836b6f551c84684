"""TIFF and BigTIFF directories, both byte orders: where the blocks of every image of a file lie.

Layout after the TIFF 6.0 specification, the BigTIFF design and Adobe's technical notes. What a header says is
checked against what a file can hold before anything is allocated: a header that lies is a `TiffError`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tileserver.cog.tags import HeaderBytes, Read, Table, Tags, TiffError, read_tags, signature

MAX_DIRECTORIES = 64
MAX_SIDE = 1 << 24
MAX_BANDS = 1024

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
STRIP_OFFSETS, BANDS, ROWS_PER_STRIP, STRIP_BYTES, PLANAR = 273, 277, 278, 279, 284
PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 317, 322, 323, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES, LERC = 338, 339, 347, 50674
TABLES = frozenset((STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES))

__all__ = ["Directory", "TiffError", "all_tags", "directories", "directory"]


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
    def table_tags(self) -> tuple[int, int]:
        """The tags of `offsets` and `counts`."""
        return (TILE_OFFSETS, TILE_BYTES) if self.tiled else (STRIP_OFFSETS, STRIP_BYTES)

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

    @property
    def block_bytes(self) -> int:
        """Memory of a decoded block."""
        return self.block_width * self.block_height * self.samples * max(self.bits // 8, 1)


def directories(read: Read, size: int) -> list[Directory]:
    """All images of a file in file order; `size` is the file's length in bytes."""
    return [directory(tags) for tags in all_tags(HeaderBytes(read, size))]


def all_tags(header: HeaderBytes) -> list[Tags]:
    """The tags of all images, in file order."""
    order, is_big, offset = signature(header)
    found: dict[int, Tags] = {}
    while offset:
        if offset in found or len(found) >= MAX_DIRECTORIES:
            raise TiffError("The directories of the file run in a circle or are too many.")
        found[offset], following = read_tags(header, offset, order, is_big=is_big)
        offset = following
    if not found:
        raise TiffError("The file has no image.")
    return list(found.values())


def directory(tags: Tags) -> Directory:
    """Tags to a Directory whose numbers fit together."""
    width, height = tags.one(WIDTH), tags.one(HEIGHT)
    tiled = TILE_OFFSETS in tags or TILE_WIDTH in tags
    block_width = tags.one(TILE_WIDTH) if tiled else width
    block_height = tags.one(TILE_HEIGHT) if tiled else min(tags.one(ROWS_PER_STRIP, height), height)
    bands, planar = tags.one(BANDS, 1), tags.one(PLANAR, 1) == 2
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and 0 < bands <= MAX_BANDS):
        raise TiffError("The file's header has an absurd size.")
    if not (0 < block_width <= MAX_SIDE and 0 < block_height <= MAX_SIDE):
        raise TiffError("The file's header has an absurd block size.")
    blocks = -(-width // block_width) * -(-height // block_height) * (bands if planar else 1)
    subfile = tags.one(SUBFILE, 0)
    return Directory(
        width=width,
        height=height,
        block_width=block_width,
        block_height=block_height,
        bands=bands,
        planar=planar and bands > 1,
        bits=_same(tags, BITS, 1),
        kind={1: "u", 2: "i", 3: "f"}.get(_same(tags, SAMPLE_FORMAT, 1), ""),
        compression=tags.one(COMPRESSION, 1),
        predictor=tags.one(PREDICTOR, 1),
        photometric=tags.one(PHOTOMETRIC, 1),
        tiled=tiled,
        reduced=bool(subfile & 1),
        mask=bool(subfile & 4),
        extra=tags.numbers(EXTRA_SAMPLES),
        tables=tags.data(JPEG_TABLES) if JPEG_TABLES in tags else b"",
        lerc=tags.numbers(LERC),
        offsets=tags.table(TILE_OFFSETS if tiled else STRIP_OFFSETS, blocks),
        counts=tags.table(TILE_BYTES if tiled else STRIP_BYTES, blocks),
        big_endian=tags.order == ">",
    )


def _same(tags: Tags, tag: int, default: int) -> int:
    """One number for all bands, 0 where they differ."""
    if tags.shape(tag)[1] < 2:
        return tags.one(tag, default)
    values = tags.numbers(tag)
    return int(values[0]) if len(set(values)) == 1 else 0
