"""One raster file that we read ourselves: header parsed once, blocks by position."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileserver.cog import codecs
from tileserver.cog.block import Block, open_block
from tileserver.cog.description import Unsupported, described
from tileserver.cog.parsed import parse
from tileserver.cog.pixel import pixel_of
from tileserver.cog.source import ByteSource, LocalFile, RemoteFile
from tileserver.cog.stored import Stored
from tileserver.cog.tiff import Directory, TiffError, directories
from tileserver.errors import SourceUnreadable
from tileserver.file_grid import FileGrid, same_grid
from tileserver.hrefs import is_remote
from tileserver.models import Asset
from tileserver.ports import Header

MAX_BLOCK_BYTES = 64 << 20
SLACK_BYTES = 64 << 10
"""No codec makes a block more than twice as long as its pixels, and its tables no longer than this."""
BLOCK_COST = 1 << 12
"""Memory of a block beside its pixels: what reading it takes, be it ever so small."""
_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """Full resolution or an overview, with its mask."""

    image: Directory
    source: ByteSource
    mask: Directory | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cog:
    """An open file. Thread-safe."""

    number: int
    """Different for every opening: part of the key of its blocks."""
    header: Header
    grid: FileGrid
    levels: tuple[Level, ...]
    dtype: np.dtype[Any]
    alpha: int | None
    """Plane of the alpha band, from 0."""

    def keys(self, level: int, plane: int, blocks: list[int], *, mask: bool = False) -> list[Hashable]:
        """Names of blocks in the cache. Pixel-interleaved bands share theirs, as plane -1."""
        shared = mask or not self.levels[level].image.planar
        place = -2 if mask else -1 if shared else plane
        return [(self.number, level, place, block) for block in blocks]

    def weight(self, level: int, window: tuple[int, int, int, int]) -> int:
        """Bytes of memory that the blocks under a window (left, top, right, bottom) take while they are decoded."""
        image = self.levels[level].image
        left, top, right, bottom = window
        across = (right - 1) // image.block_width - left // image.block_width + 1
        down = (bottom - 1) // image.block_height - top // image.block_height + 1
        return across * down * (image.block_bytes + BLOCK_COST)

    def load(self, wanted: Sequence[tuple[Hashable, int]]) -> Iterator[Block]:
        """Blocks with at least so many rows, in the order of their keys; fetched together. Raises BlockError."""
        places = [_Place(self, key) for key, _ in wanted]
        fetched: dict[Hashable, bytes] = {}
        far = {id(place.source): place.source for place in places if isinstance(place.source, RemoteFile)}
        for source in far.values():
            stored = [place for place in places if place.source is source and place.length]
            parts = source.read_many([(place.offset, place.length) for place in stored])
            fetched.update(zip((place.key for place in stored), parts, strict=True))
        for place, (_, rows) in zip(places, wanted, strict=True):
            data = fetched.pop(place.key, None)
            if not place.length:
                yield Block(self._empty(place))
            else:
                yield open_block(place.image, place.stored(data), place.row, rows)

    def pixel(self, key: Hashable, row: int, column: int) -> NDArray[Any] | None:
        """(bands,) of one pixel of a block; None where it takes the whole block. Raises BlockError."""
        place = _Place(self, key)
        if not place.length or not codecs.by_rows(place.image):
            return None
        return pixel_of(place.image, place.stored(), row, column)

    def _empty(self, place: _Place) -> NDArray[Any]:
        """A block that is not stored: nodata where the file has a value for that."""
        image = place.image
        shape = (image.samples, codecs.block_height(image, place.row), image.block_width)
        if image.mask:
            return np.zeros(shape, np.uint8)
        nodata = self.header.nodata
        out = np.zeros(shape, codecs.pixel_type(image))
        if nodata is not None:
            out[:] = np.asarray(nodata).astype(out.dtype)
        return out


class _Place:
    """Where a block's bytes are."""

    __slots__ = ("image", "key", "length", "offset", "row", "source")

    def __init__(self, cog: Cog, key: Hashable) -> None:
        assert isinstance(key, tuple)
        _, level, plane, block = key
        part = cog.levels[level]
        self.key = key
        self.source = part.source
        self.image = part.image if plane != -2 or part.mask is None else part.mask
        self.row = block // self.image.across
        index = block + max(plane, 0) * self.image.across * self.image.down
        self.offset = int(self.image.offsets[index])
        self.length = int(self.image.counts[index]) if self.offset else 0
        if self.length > 2 * self.image.block_bytes + SLACK_BYTES:
            raise SourceUnreadable("A block of the file is absurdly long.")

    def stored(self, fetched: bytes | None = None) -> Stored:
        """The block's bytes: `fetched`, else read as they are needed where that takes no longer."""
        if fetched is None and isinstance(self.source, RemoteFile):
            fetched = self.source.read(self.offset, self.length)
        return Stored.of_file(self.source, self.offset, self.length) if fetched is None else Stored.of_bytes(fetched)


def open_cog(asset: Asset) -> Cog:
    """Parse a file's header; raises Unsupported when it is one for GDAL."""
    source: ByteSource = RemoteFile(asset.href) if is_remote(asset.href) else LocalFile(asset.href)
    try:
        found, own = parse(source.read, source.size)
    except TiffError as error:
        raise Unsupported(str(error)) from error
    about = described(asset.href, source, own)
    header = about.header
    levels = _levels(found, source)
    if len(levels) == 1 and header.overviews and not is_remote(asset.href):
        levels += _external(asset.href)
    _check(levels, header, masked=about.masked)
    base = levels[0].image
    return Cog(
        number=next(_numbers),
        header=header,
        grid=same_grid(
            FileGrid(
                header.crs,
                header.transform,
                header.width,
                header.height,
                tuple((level.image.width, level.image.height) for level in levels),
            )
        ),
        levels=tuple(levels),
        dtype=codecs.pixel_type(base),
        alpha=about.alpha,
    )


def _levels(found: list[Directory], source: ByteSource) -> list[Level]:
    """Full resolution and overviews from fine to coarse, each with the mask of its size."""
    masks = {(image.width, image.height): image for image in found if image.mask}
    images = [found[0]] + [image for image in found[1:] if image.reduced and not image.mask]
    return [Level(image=image, source=source, mask=masks.get((image.width, image.height))) for image in images]


def _external(href: str) -> list[Level]:
    """Overviews in a file of their own beside the raster (.ovr)."""
    path = f"{href}.ovr"
    if not Path(path).exists():
        return []
    source = LocalFile(path)
    try:
        found = directories(source.read, source.size)
    except TiffError as error:
        raise Unsupported("overviews that cannot be read") from error
    return [Level(image=image, source=source, mask=None) for image in found if not image.mask]


def _check(levels: list[Level], header: Header, *, masked: bool) -> None:
    """What we read must be what GDAL reads; anything else is for GDAL."""
    base = levels[0].image
    if reason := codecs.unsupported(base):
        raise Unsupported(reason)
    if (base.width, base.height, base.bands) != (header.width, header.height, header.bands):
        raise Unsupported("GDAL sees another size")
    if codecs.pixel_type(base).name != header.dtype:
        raise Unsupported("GDAL sees another type")
    if len(levels) - 1 != len(header.overviews):
        raise Unsupported("overviews elsewhere")
    if masked and any(level.mask is None for level in levels):
        raise Unsupported("masks elsewhere")
    for level in levels:
        image = level.image
        reason = codecs.unsupported(image) or (codecs.unsupported(level.mask) if level.mask else "")
        if reason:
            raise Unsupported(reason)
        if (image.bands, codecs.pixel_type(image)) != (base.bands, codecs.pixel_type(base)):
            raise Unsupported("overviews of another type")
        if image.block_bytes > MAX_BLOCK_BYTES:
            raise Unsupported(f"blocks of {image.block_bytes >> 20} MiB")
