"""Pictures that lie side by side: placed together, over windows of pixels that they share."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Control
from tileserver.blocks import BlockCache
from tileserver.cog import Block, Cog
from tileserver.cog.codecs import block_height
from tileserver.cog.tiff import Directory
from tileserver.file_grid import FileGrid
from tileserver.grid import Placement, placed
from tileserver.models import Grid, Resampling
from tileserver.windows import Layout, Window, Windows

MOST_PIXELS = 1 << 23
"""Of a window that several pictures share."""
SPREAD = 2
"""A shared window has at most so many times the pixels of the pictures' own."""


class Sheets(Windows):
    """Windows that are kept, since many pictures have the same. Blocks are decoded whole: the next need the rest."""

    def __init__(self, blocks: BlockCache[Block]) -> None:
        super().__init__(blocks)
        self._made: dict[Hashable, NDArray[Any]] = {}
        self._judged: dict[Hashable, NDArray[np.bool_] | None] = {}

    def pixels(self, cog: Cog, spot: Placement, plane: int, *, mask: bool = False) -> NDArray[Any]:
        """The window of a plane, in C order."""
        key = (cog.number, spot.level, spot.window, plane, mask)
        known = self._made.get(key)
        if known is None:
            known = self._made[key] = np.ascontiguousarray(super().pixels(cog, spot, plane, mask=mask))
        return known

    def valid(self, cog: Cog, spot: Placement) -> NDArray[np.bool_] | None:
        """As of a picture of its own."""
        key = (cog.number, spot.level, spot.window)
        if key not in self._judged:
            self._judged[key] = super().valid(cog, spot)
        return self._judged[key]

    def _layout(self, window: Window, image: Directory) -> Layout:
        layout = super()._layout(window, image)
        return replace(layout, rows=[block_height(image, block // image.across) for block in layout.blocks])


class Neighbours:
    """Places of pictures in files. Thread-safe."""

    def __init__(self, grids: Sequence[Grid]) -> None:
        self._grids = list(dict.fromkeys(grids))
        self._known: dict[Hashable, dict[Grid, Placement | None]] = {}
        self._lock = Lock()

    def place(
        self,
        grid: Grid,
        file: FileGrid,
        resampling: Resampling,
        *,
        some: bool = False,
        nodata: bool = True,
        lone: bool = True,
    ) -> Placement | None:
        """As `tileserver.grid.placed`, but with a window that reaches under all of the pictures.

        Kernels that look at all pixels of a window, which only nearest neighbours do not, get none larger than they
        need.
        """
        key = (file, resampling, some, nodata, lone)
        with self._lock:
            known = self._known.get(key)
            if known is None:
                spots = [placed(each, file, resampling, some=some, nodata=nodata, lone=lone) for each in self._grids]
                shared = _shared(spots) if resampling == "nearest" else spots
                known = self._known[key] = dict(zip(self._grids, shared, strict=True))
        return known[grid]


def _shared(spots: Sequence[Placement | None]) -> list[Placement | None]:
    """The same places in windows that all pictures of a level have."""
    windows: dict[int, Window] = {}
    for level in {spot.level for spot in spots if spot}:
        own = np.array([spot.window for spot in spots if spot and spot.level == level])
        (left, top), (right, bottom) = own[:, :2].min(axis=0).tolist(), own[:, 2:].max(axis=0).tolist()
        pixels = (right - left) * (bottom - top)
        if pixels <= min(MOST_PIXELS, SPREAD * int(np.prod(own[:, 2:] - own[:, :2], axis=1).sum())):
            windows[level] = left, top, right, bottom
    return [_moved(spot, windows[spot.level]) if spot and spot.level in windows else spot for spot in spots]


def _moved(spot: Placement, window: Window) -> Placement:
    """The same place in a larger window."""
    segments = spot.control.segments.copy()
    segments[:, 1] += spot.window[0] - window[0]
    segments[:, 3] += spot.window[1] - window[1]
    return replace(spot, window=window, control=Control(segments=segments, first=spot.control.first))
