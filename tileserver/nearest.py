"""Nearest pixels on a picture's own grid: from windows or, where these would be too large, from one block at a time."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileserver.cog import BlockError, Cog
from tileserver.control import positions
from tileserver.errors import SourceUnreadable
from tileserver.grid import Placement
from tileserver.ports import NotAtHand
from tileserver.unwarped import EPSILON
from tileserver.windows import Windows

MAX_WINDOW_BYTES = 128 << 20
"""Memory of a picture's blocks beyond which they are not put together."""
LEAST_BLOCK_BYTES = 1 << 14
"""Smaller blocks are too many to be taken one at a time."""
TOGETHER = 16
"""Blocks that are fetched at once, and in memory at once."""
_Places = tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]
"""Where the file is, and rows and columns of the window, 0 where it is not."""


def too_large(cog: Cog, spot: Placement) -> bool:
    """Are the blocks under a picture too many to be in memory together: a file without overviews, from far away."""
    return cog.weight(spot.level, spot.window) > MAX_WINDOW_BYTES


def has_tiny_blocks(cog: Cog, spot: Placement) -> bool:
    """Would it take longer than GDAL does to go from block to block."""
    return cog.levels[spot.level].image.block_bytes < LEAST_BLOCK_BYTES


class Nearest(Windows):
    """Of one picture. Windows come from `windows`, single blocks from files, past the cache that they would empty."""

    def __init__(self, windows: Windows, width: int) -> None:
        self.at_hand = windows.at_hand
        self._windows = windows
        self._width = width
        self._gathered: dict[Hashable, NDArray[Any]] = {}
        self._known: dict[Placement, _Places] = {}

    def pixels(self, cog: Cog, spot: Placement, plane: int, *, mask: bool = False) -> NDArray[Any]:
        """(height, width) of the picture, 0 where the file is not."""
        level = cog.levels[spot.level]
        image = level.mask if mask and level.mask is not None else level.image
        if not too_large(cog, spot):
            there, row, column = self._places(spot)
            window = self._windows.pixels(cog, spot, plane, mask=mask)
            return np.where(there, window[row, column], window.dtype.type(0))
        key = (cog.number, spot, mask, plane if image.planar else -1)
        found = self._gathered.get(key)
        if found is None:
            found = self._gathered[key] = self._block_by_block(cog, spot, plane, mask=mask)
        return found[0 if image.planar or mask else plane]

    def there(self, spot: Placement) -> NDArray[np.bool_]:
        """(height, width) where the file is."""
        return self._places(spot)[0]

    def _places(self, spot: Placement) -> _Places:
        """Bands of one picture mostly have the same."""
        known = self._known.get(spot)
        if known is None:
            known = self._known[spot] = self._found(spot)
        return known

    def _found(self, spot: Placement) -> _Places:
        left, top, right, bottom = spot.window
        xs, ys = positions(spot.control, self._width)
        xs, ys = xs + EPSILON, ys + EPSILON
        there = (xs >= 0) & (ys >= 0) & (xs < right - left) & (ys < bottom - top)
        return there, np.where(there, ys, 0.0).astype(np.int64), np.where(there, xs, 0.0).astype(np.int64)

    def _block_by_block(self, cog: Cog, spot: Placement, plane: int, *, mask: bool) -> NDArray[Any]:
        """(bands of a block, height, width) of the picture."""
        if self.at_hand:
            raise NotAtHand
        level = cog.levels[spot.level]
        image = level.mask if mask and level.mask is not None else level.image
        there, row, column = self._places(spot)
        spots = np.flatnonzero(there)
        row, column = row.ravel()[spots] + spot.window[1], column.ravel()[spots] + spot.window[0]
        block = row // image.block_height * image.across + column // image.block_width
        row, column = row % image.block_height, column % image.block_width
        order = np.argsort(block, kind="stable")
        names, starts = np.unique(block[order], return_index=True)
        members = np.split(order, starts[1:])
        keys = cog.keys(spot.level, plane, names.tolist(), mask=mask)
        out = np.zeros((image.samples, there.size), np.uint8 if mask else cog.dtype)
        for first in range(0, len(keys), TOGETHER):
            some = members[first : first + TOGETHER]
            wanted = [(key, int(row[each].max()) + 1) for key, each in zip(keys[first:], some, strict=False)]
            try:
                for each, loaded in zip(some, cog.load(wanted), strict=True):
                    out[:, spots[each]] = loaded.pixels[:, row[each], column[each]]
            except BlockError as error:
                raise SourceUnreadable(str(error)) from error
        return out.reshape(-1, *there.shape)
