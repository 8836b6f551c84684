"""The Reader that the house uses: the fast path where it understands a file, GDAL where it does not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import cache, partial
from threading import Lock, Thread

from cachetools import LRUCache

from gpu.backend import Source
from tileserver import control, edges
from tileserver.blocks import BlockCache
from tileserver.cog import Block, Cog, Unsupported, lzw, open_cog, predictors
from tileserver.errors import SourceUnreadable
from tileserver.file_grid import to_pixel
from tileserver.gdal import GdalReader
from tileserver.grid import Placement, place
from tileserver.heap import keep_pages
from tileserver.hrefs import is_remote, revision
from tileserver.models import Asset, Band, Grid, Resampling
from tileserver.ports import Header, NotAtHand, Read
from tileserver.settings import Settings
from tileserver.sheets import Neighbours, Sheets
from tileserver.sources import FOR_GDAL, Sources, given_or, plane_of
from tileserver.spots import Spots
from tileserver.windows import Windows

OPEN_FILES = 512
REMOTE_SECONDS = 300
"""How long an object without a version is taken to be the same."""
FETCHES = 16
_large = Lock()
"""GDAL needs many times a picture's memory for a file without overviews from far away: one after the other."""


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
        windows = Windows(self.blocks, at_hand=at_hand)
        return self._read(bands, grid, resampling, windows, place, partial(self.open, at_hand=at_hand))

    def together(self, grids: Sequence[Grid]) -> Read:
        """`sources` of these grids, which lie side by side: what several of them need is put together once."""
        windows, neighbours = Sheets(self.blocks), Neighbours(grids)
        opened: dict[str, Cog | str] = {}

        def once(asset: Asset) -> Cog | str:
            known = opened.get(asset.href)
            if known is None:
                known = opened[asset.href] = self.open(asset)
            return known

        def read(bands: Sequence[tuple[Asset, Band]], grid: Grid, resampling: Resampling) -> list[Source | None]:
            return self._read(bands, grid, resampling, windows, neighbours.place, once)

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
        opened: Callable[[Asset], Cog | str],
    ) -> list[Source | None]:
        picture = Sources(bands, grid, resampling, windows, place, opened)
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
        plane = plane_of(cog, band)
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
        value = stored * given_or(band.scale, cog.header.scales[plane])
        value += given_or(band.offset, cog.header.offsets[plane])
        return value if math.isfinite(value) else None


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
