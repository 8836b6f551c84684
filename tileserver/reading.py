"""The Reader that the house uses: the fast path where it understands a file, GDAL where it does not."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock, Thread
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from gpu.backend import Source
from tileserver import control, edges
from tileserver.blocks import BlockCache
from tileserver.cog import Block, BlockError, Cog, Unsupported, lzw, open_cog, predictors
from tileserver.errors import SourceUnreadable
from tileserver.gdal import GdalReader
from tileserver.grid import Placement, place, to_pixel, warped_twice
from tileserver.heap import keep_pages
from tileserver.hrefs import is_remote, revision
from tileserver.models import Asset, Band, Grid, Resampling
from tileserver.ports import Header
from tileserver.settings import Settings

OPEN_FILES = 512
MAX_WINDOW_BYTES = 128 << 20
"""Memory of a picture's blocks beyond which GDAL, which works in pieces, takes over."""
REMOTE_SECONDS = 300
"""How long an object without a version is taken to be the same."""
FETCHES = 16
Held = dict[Hashable, Block]
"""Blocks of one picture: bands that are stored together are decoded once, also without room in the cache."""


class FastReader:
    """Reads what it understands by itself and hands the rest to GDAL."""

    def __init__(self, block_cache_bytes: int = 512 << 20) -> None:
        self.blocks: BlockCache[Block] = BlockCache(block_cache_bytes)
        self.slow = GdalReader()
        self._files: LRUCache[str, tuple[str, Cog | str]] = LRUCache(OPEN_FILES)
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(FETCHES, "fetch")

    def header(self, asset: Asset) -> Header:
        """The file's own description."""
        cog = self._open(asset)
        return self.slow.header(asset) if isinstance(cog, str) else cog.header

    def explain(self, asset: Asset) -> str:
        """Why GDAL reads this file; empty when the fast path does."""
        cog = self._open(asset)
        return cog if isinstance(cog, str) else ""

    def sources(self, bands: Sequence[tuple[Asset, Band]], grid: Grid, resampling: Resampling) -> list[Source | None]:
        """One Source for each band; remote files are read side by side."""
        taken = Counter(asset.href for asset, _ in bands)
        held: Held = {}

        def one(asset: Asset, band: Band) -> Source | None:
            return self._source(asset, band, grid, resampling, taken[asset.href], held)

        if len(bands) > 1 and any(is_remote(asset.href) for asset, _ in bands):
            return list(self._pool.map(one, *zip(*bands, strict=True)))
        return [one(asset, band) for asset, band in bands]

    def point(self, bands: Sequence[tuple[Asset, Band]], lon: float, lat: float) -> list[float | None]:
        """Physical values of the native pixels that contain the point."""
        if len(bands) > 1 and any(is_remote(asset.href) for asset, _ in bands):
            return list(self._pool.map(lambda each: self._value(each[0], each[1], lon, lat), bands))
        return [self._value(asset, band, lon, lat) for asset, band in bands]

    def _open(self, asset: Asset) -> Cog | str:
        """The open file, or why it is one for GDAL; opened anew when it changed."""
        version = revision(asset.href, asset.version or str(int(time.time() / REMOTE_SECONDS)))
        with self._lock:
            known = self._files.get(asset.href)
        if known is not None and known[0] == version:
            return known[1]
        opened: Cog | str
        try:
            opened = open_cog(asset)
        except Unsupported as reason:
            opened = str(reason)
        with self._lock:
            self._files[asset.href] = (version, opened)
        return opened

    def _source(
        self, asset: Asset, band: Band, grid: Grid, resampling: Resampling, taken: int, held: Held
    ) -> Source | None:
        """One band; `taken` of the file's bands are asked for together."""
        cog = self._open(asset)
        if isinstance(cog, str):
            return self.slow.sources([(asset, band)], grid, resampling)[0]
        plane = _plane(cog, band)
        some = taken + (cog.alpha is not None and cog.header.nodata is None) < cog.header.bands
        nodata = band.nodata if band.nodata is not None else cog.header.nodata
        whole = nodata is not None or cog.alpha is not None  # GDAL adds no alpha band of its own
        spot = place(grid, cog.grid, resampling, some=some, nodata=whole)
        if spot is None:
            return None
        if cog.weight(spot.level, spot.window) > MAX_WINDOW_BYTES or (
            some and resampling != "nearest" and warped_twice(grid, cog.grid)
        ):
            return self.slow.sources([(asset, band)], grid, resampling)[0]
        return Source(
            pixels=self._pixels(cog, spot, plane, held),
            valid=self._valid(cog, spot, held) if nodata is None else None,
            nodata=nodata,
            scale=_known(band.scale, cog.header.scales[plane]),
            offset=_known(band.offset, cog.header.offsets[plane]),
            control=spot.control,
            stretch=spot.stretch,
            key=(cog.number, plane, spot.level, spot.window),
        )

    def _valid(self, cog: Cog, spot: Placement, held: Held) -> NDArray[np.bool_] | None:
        """From the alpha band or the mask; only what is fully opaque counts, as in rio-tiler."""
        if cog.alpha is not None:
            alpha = self._pixels(cog, spot, cog.alpha, held)
            opaque = 1.0 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max
            return np.asarray(alpha == opaque)
        if cog.levels[spot.level].mask is not None:
            return np.asarray(self._pixels(cog, spot, 0, held, mask=True) == 255)
        return None

    def _pixels(self, cog: Cog, spot: Placement, plane: int, held: Held, *, mask: bool = False) -> NDArray[Any]:
        """The window of a plane: a view of one block, or several put together."""
        level = cog.levels[spot.level]
        image = level.mask if mask and level.mask is not None else level.image
        left, top, right, bottom = spot.window
        width, height = image.block_width, image.block_height
        columns = range(left // width, (right - 1) // width + 1)
        rows = range(top // height, (bottom - 1) // height + 1)
        indices = [row * image.across + column for row in rows for column in columns]
        needed = [min(bottom - row * height, height) for row in rows for _ in columns]
        blocks = self._blocks(cog, cog.keys(spot.level, plane, indices, mask=mask), needed, held)
        band = 0 if image.planar or mask else plane
        if len(blocks) == 1:
            x, y = columns[0] * width, rows[0] * height
            return blocks[0][band, top - y : bottom - y, left - x : right - x]
        out = np.empty((bottom - top, right - left), blocks[0].dtype)
        supply = iter(blocks)
        for row in rows:
            y = row * height
            y0, y1 = max(top, y), min(bottom, y + height)
            for column in columns:
                x = column * width
                x0, x1 = max(left, x), min(right, x + width)
                block = next(supply)[band]
                out[y0 - top : y1 - top, x0 - left : x1 - left] = block[y0 - y : y1 - y, x0 - x : x1 - x]
        return out

    def _blocks(self, cog: Cog, keys: Sequence[Hashable], rows: Sequence[int], held: Held) -> list[NDArray[Any]]:
        """Pixels (bands, height, width) of blocks, each with its first rows; what is new is added to `held`."""
        wanted = [
            (key, count)
            for key, count in zip(keys, rows, strict=True)
            if (block := held.get(key)) is None or block.ready < count
        ]
        try:
            held.update(zip((key for key, _ in wanted), self.blocks.get(wanted, cog.load), strict=True))
        except BlockError as error:
            raise SourceUnreadable(str(error)) from error
        return [held[key].pixels for key in keys]

    def _value(self, asset: Asset, band: Band, lon: float, lat: float) -> float | None:
        cog = self._open(asset)
        if isinstance(cog, str):
            return self.slow.point([(asset, band)], lon, lat)[0]
        plane = _plane(cog, band)
        pixel = to_pixel(cog.grid, lon, lat)
        if pixel is None:
            return None
        stored = self._stored(cog, pixel, plane)
        nodata = band.nodata if band.nodata is not None else cog.header.nodata
        if nodata is not None and stored == nodata:
            return None
        if nodata is None and cog.alpha is not None and not self._stored(cog, pixel, cog.alpha):
            return None
        if nodata is None and cog.levels[0].mask is not None and not self._stored(cog, pixel, 0, mask=True):
            return None
        value = stored * _known(band.scale, cog.header.scales[plane])
        value += _known(band.offset, cog.header.offsets[plane])
        return value if math.isfinite(value) else None

    def _stored(self, cog: Cog, pixel: tuple[int, int], plane: int, *, mask: bool = False) -> float:
        """One stored value of full resolution."""
        level = cog.levels[0]
        image = level.mask if mask and level.mask is not None else level.image
        row, column = pixel
        index = row // image.block_height * image.across + column // image.block_width
        row, column = row % image.block_height, column % image.block_width
        (block,) = self._blocks(cog, cog.keys(0, plane, [index], mask=mask), [row + 1], {})
        band = 0 if image.planar or mask else plane
        return float(block[band, row, column])


def _plane(cog: Cog, band: Band) -> int:
    """A band's position in the file, from 0."""
    if not 1 <= band.index <= cog.header.bands:
        raise SourceUnreadable(f"The file has {cog.header.bands} bands, band {band.index} is asked.")
    return band.index - 1


def _known(given: float | None, own: float) -> float:
    return own if given is None else given


@cache
def _warm() -> Thread:
    """Loads the compiled loops once per process, beside what else a start has to do."""

    def load() -> None:
        lzw.warm()
        predictors.warm()
        control.warm()
        edges.warm()

    thread = Thread(target=load, name="warm-reader")
    thread.start()
    return thread


def open_reader(settings: Settings) -> FastReader:
    """The reader for an app."""
    _warm()
    keep_pages()
    return FastReader(settings.block_cache_bytes)
