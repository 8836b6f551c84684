"""The Reader that the house uses: the fast path where it understands a file, GDAL where it does not."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import cache
from threading import Lock, Thread
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from gpu.backend import Source
from gpu.cpu.decimate import smoothed_twice
from tileserver import control, edges
from tileserver.blocks import BlockCache
from tileserver.cog import Block, Cog, Unsupported, lzw, open_cog, predictors
from tileserver.errors import SourceUnreadable
from tileserver.gdal import GdalReader
from tileserver.grid import Placement, place, to_pixel
from tileserver.heap import keep_pages
from tileserver.hrefs import is_remote, revision
from tileserver.models import Asset, Band, Grid, Resampling
from tileserver.nearest import Nearest, has_tiny_blocks, too_large
from tileserver.ports import Header, NotAtHand, Read
from tileserver.projection import same_crs
from tileserver.settings import Settings
from tileserver.sheets import Neighbours, Sheets
from tileserver.spots import Spots
from tileserver.windows import Windows

OPEN_FILES = 512
REMOTE_SECONDS = 300
"""How long an object without a version is taken to be the same."""
FETCHES = 16
_large = Lock()
"""GDAL needs many times a picture's memory for a file without overviews from far away: one after the other."""
FOR_GDAL = Source(pixels=np.empty((0, 0)))
"""Stands for a band that GDAL reads, together with the others of its file."""


class FastReader:
    """Reads what it understands by itself and hands the rest to GDAL."""

    def __init__(self, block_cache_bytes: int = 512 << 20) -> None:
        self.blocks: BlockCache[Block] = BlockCache(block_cache_bytes)
        self.slow = GdalReader()
        self._spots = Spots(self.blocks)
        self._files: LRUCache[str, tuple[str, Cog | str]] = LRUCache(OPEN_FILES)
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(FETCHES, "fetch")

    def header(self, asset: Asset) -> Header:
        """The file's own description."""
        cog = self.open(asset)
        return self.slow.header(asset) if isinstance(cog, str) else cog.header

    def explain(self, asset: Asset) -> str:
        """Why GDAL reads this file; empty when the fast path does."""
        cog = self.open(asset)
        return cog if isinstance(cog, str) else ""

    def sources(
        self, bands: Sequence[tuple[Asset, Band]], grid: Grid, resampling: Resampling, *, at_hand: bool = False
    ) -> list[Source | None]:
        """One Source for each band; remote files are read side by side. Raises NotAtHand if that is `at_hand`."""
        return self._read(bands, grid, resampling, Windows(self.blocks, at_hand=at_hand), place)

    def together(self, grids: Sequence[Grid]) -> Read:
        """`sources` of these grids, which lie side by side: what several of them need is put together once."""
        windows, neighbours = Sheets(self.blocks), Neighbours(grids)

        def read(bands: Sequence[tuple[Asset, Band]], grid: Grid, resampling: Resampling) -> list[Source | None]:
            return self._read(bands, grid, resampling, windows, neighbours.place)

        return read

    def open_ahead(self, assets: Sequence[Asset]) -> None:
        """Several at once take half the time: inflating drives what opens files from the processor's caches."""
        for asset in assets:
            if not is_remote(asset.href):
                with suppress(SourceUnreadable):
                    self.open(asset)

    def point(self, bands: Sequence[tuple[Asset, Band]], lon: float, lat: float) -> list[float | None]:
        """Physical values of the native pixels that contain the point."""
        if len(bands) > 1 and any(is_remote(asset.href) for asset, _ in bands):
            return list(self._pool.map(lambda each: self._value(each[0], each[1], lon, lat), bands))
        return [self._value(asset, band, lon, lat) for asset, band in bands]

    def open(self, asset: Asset, *, at_hand: bool = False) -> Cog | str:
        """The open file, or why it is one for GDAL; opened anew when it changed."""
        version = revision(asset.href, asset.version or str(int(time.time() / REMOTE_SECONDS)))
        with self._lock:
            known = self._files.get(asset.href)
        if known is not None and known[0] == version:
            return known[1]
        if at_hand:
            raise NotAtHand
        opened: Cog | str
        try:
            opened = open_cog(asset)
        except Unsupported as reason:
            opened = str(reason)
        with self._lock:
            self._files[asset.href] = (version, opened)
        return opened

    def _read(
        self,
        bands: Sequence[tuple[Asset, Band]],
        grid: Grid,
        resampling: Resampling,
        windows: Windows,
        place: Callable[..., Placement | None],
    ) -> list[Source | None]:
        picture = _Picture(self, bands, grid, resampling, windows, place)
        if not windows.at_hand and len(bands) > 1 and any(is_remote(asset.href) for asset, _ in bands):
            found = list(self._pool.map(picture.source, *zip(*bands, strict=True)))
        else:
            found = [picture.source(asset, band) for asset, band in bands]
        slow: dict[str, list[int]] = {}
        for position, source in enumerate(found):
            if source is FOR_GDAL:
                slow.setdefault(bands[position][0].href, []).append(position)
        together = [[bands[position] for position in positions] for positions in slow.values()]
        each = self._pool.map if any(map(is_remote, slow)) and not picture.large else map
        with _large if picture.large else nullcontext():
            read = list(each(lambda wanted: self.slow.sources(wanted, grid, resampling), together))
        for positions, sources in zip(slow.values(), read, strict=True):
            for position, source in zip(positions, sources, strict=True):
                found[position] = source
        return found

    def _value(self, asset: Asset, band: Band, lon: float, lat: float) -> float | None:
        cog = self.open(asset)
        if isinstance(cog, str):
            return self.slow.point([(asset, band)], lon, lat)[0]
        plane = _plane(cog, band)
        pixel = to_pixel(cog.grid, lon, lat)
        if pixel is None:
            return None
        stored = self._spots.stored(cog, pixel, plane)
        nodata = band.nodata if band.nodata is not None else cog.header.nodata
        if nodata is not None and stored == nodata:
            return None
        if nodata is None and cog.alpha is not None and not self._spots.stored(cog, pixel, cog.alpha):
            return None
        if nodata is None and cog.levels[0].mask is not None and not self._spots.stored(cog, pixel, 0, mask=True):
            return None
        value = stored * _known(band.scale, cog.header.scales[plane])
        value += _known(band.offset, cog.header.offsets[plane])
        return value if math.isfinite(value) else None


class _Picture:
    """The sources of one picture. What bands of equal files share is placed once."""

    def __init__(
        self,
        reader: FastReader,
        bands: Sequence[tuple[Asset, Band]],
        grid: Grid,
        resampling: Resampling,
        windows: Windows,
        place: Callable[..., Placement | None],
    ) -> None:
        self.large = False
        """Does GDAL need much memory for one of them."""
        self._reader = reader
        self._grid = grid
        self._resampling = resampling
        self._taken = Counter(asset.href for asset, _ in bands)
        self._windows = windows
        self._nearest = Nearest(windows, grid.width)
        self._place = place
        self._spots: dict[tuple[int, bool, bool, bool], Placement | None] = {}
        self._judged: dict[Hashable, NDArray[np.bool_] | None] = {}

    def source(self, asset: Asset, band: Band) -> Source | None:
        """One band, or FOR_GDAL."""
        cog = self._reader.open(asset, at_hand=self._windows.at_hand)
        if isinstance(cog, str):
            return self._slow()
        plane = _plane(cog, band)
        some = self._taken[asset.href] + (cog.alpha is not None and cog.header.nodata is None) < cog.header.bands
        nodata = band.nodata if band.nodata is not None else cog.header.nodata
        whole = nodata is not None or cog.alpha is not None  # GDAL adds no alpha band of its own
        spot = self._spot(cog, some=some, whole=whole, lone=self._taken[asset.href] == 1)
        if spot is None:
            return None
        smooth = self._resampling != "nearest"
        masked = nodata is None and (cog.alpha is not None or cog.levels[0].mask is not None)
        shared = self._shared(cog, spot, nodata) if smooth and nodata is not None else None
        smoothed_by_gdal = smooth and (
            (spot.view and (masked or shared is not None or self._resampling == "average"))
            or (spot.edge == "rounded" and spot.level == 0)
            or (spot.edge == "scaled" and nodata is None and cog.alpha is not None)
        )
        large, scaled = too_large(cog, spot), spot.edge == "scaled"
        if smoothed_by_gdal or (large and ((smooth and not scaled) or has_tiny_blocks(cog, spot))):
            self.large |= large
            return self._slow()
        scale = _known(band.scale, cog.header.scales[plane])
        offset = _known(band.offset, cog.header.offsets[plane])
        if large or (scaled and (smooth or masked)):
            pixels, valid = self._on_grid(cog, spot, plane, masked=masked)
            return Source(pixels=pixels, valid=valid, nodata=nodata, scale=scale, offset=offset)
        source = Source(
            pixels=self._windows.pixels(cog, spot, plane),
            valid=self._windows.valid(cog, spot) if nodata is None else shared,
            nodata=nodata if shared is None else None,
            scale=scale,
            offset=offset,
            control=spot.control,
            stretch=spot.stretch,
            pieces=spot.pieces,
            key=(cog.number, plane, spot.level, spot.window) if shared is None else None,
        )
        if spot.view:
            return smoothed_twice(source, spot.view[::-1], (self._grid.height, self._grid.width), self._resampling)
        return source

    def _spot(self, cog: Cog, *, some: bool, whole: bool, lone: bool) -> Placement | None:
        """Where the picture lies in a file."""
        key = (id(cog.grid), some, whole, lone)
        if key not in self._spots:
            self._spots[key] = self._place(self._grid, cog.grid, self._resampling, some=some, nodata=whole, lone=lone)
        return self._spots[key]

    def _shared(self, cog: Cog, spot: Placement, nodata: float) -> NDArray[np.bool_] | None:
        """Where a pixel of a file counts although some of its bands have nodata there: GDAL asks all bands together.

        None where bands agree, for pictures that are not warped, and for those that need too much memory.
        """
        if cog.alpha is not None or same_crs(self._grid.crs, cog.grid.crs) or too_large(cog, spot):
            return None
        key = (cog.number, spot.level, spot.window, nodata)
        if key not in self._judged:
            self._judged[key] = self._windows.any_valid(cog, spot, nodata)
        return self._judged[key]

    def _on_grid(
        self, cog: Cog, spot: Placement, plane: int, *, masked: bool
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Nearest pixels and where they are valid. GDAL reads a mask from elsewhere where it scales a file."""
        pixels, valid = self._nearest.pixels(cog, spot, plane), self._nearest.there(spot)
        if masked:
            place = spot if spot.edge != "scaled" else self._place(self._grid, cog.grid, "nearest", lone=False)
            opaque = None if place is None else self._nearest.valid(cog, place)
            valid = np.zeros_like(valid) if opaque is None else opaque
        return pixels, valid

    def _slow(self) -> Source:
        """A band that GDAL reads."""
        if self._windows.at_hand:
            raise NotAtHand
        return FOR_GDAL


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
    keep_pages()  # before there are threads
    _warm()
    return FastReader(settings.block_cache_bytes)
