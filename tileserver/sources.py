"""The sources of one picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Source
from gpu.cpu.decimate import smoothed_twice
from tileserver.cog import Cog
from tileserver.errors import SourceUnreadable
from tileserver.grid import Placement
from tileserver.models import Asset, Band, Grid, Resampling
from tileserver.nearest import Nearest, has_tiny_blocks, too_large
from tileserver.ports import NotAtHand
from tileserver.projection import same_crs
from tileserver.windows import Windows

FOR_GDAL = Source(pixels=np.empty((0, 0)))
"""Stands for a band that GDAL reads, together with the others of its file."""


class Sources:
    """The sources of one picture. What bands of equal files share is placed once."""

    def __init__(
        self,
        bands: Sequence[tuple[Asset, Band]],
        grid: Grid,
        resampling: Resampling,
        windows: Windows,
        place: Callable[..., Placement | None],
        opened: Callable[[Asset], Cog | str],
    ) -> None:
        self.large = False
        """Does GDAL need much memory for one of them."""
        self._grid = grid
        self._resampling = resampling
        self._taken = Counter(asset.href for asset, _ in bands)
        self._windows = windows
        self._nearest = Nearest(windows, grid.width)
        self._place = place
        self._opened = opened
        self._spots: dict[tuple[int, bool, bool, bool], Placement | None] = {}
        self._judged: dict[Hashable, NDArray[np.bool_] | None] = {}

    def source(self, asset: Asset, band: Band) -> Source | None:
        """One band, or FOR_GDAL."""
        cog = self._opened(asset)
        if isinstance(cog, str):
            return self._slow()
        plane = plane_of(cog, band)
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
        scale = given_or(band.scale, cog.header.scales[plane])
        offset = given_or(band.offset, cog.header.offsets[plane])
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


def plane_of(cog: Cog, band: Band) -> int:
    """A band's position in the file, from 0."""
    if not 1 <= band.index <= cog.header.bands:
        raise SourceUnreadable(f"The file has {cog.header.bands} bands, band {band.index} is asked.")
    return band.index - 1


def given_or(given: float | None, own: float) -> float:
    """What a catalog says of a band, else what the file says."""
    return own if given is None else given
