"""Windows of open files, put together from blocks, for one picture."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileserver.blocks import BlockCache
from tileserver.cog import Block, BlockError, Cog
from tileserver.cog.tiff import Directory
from tileserver.errors import SourceUnreadable
from tileserver.grid import Placement
from tileserver.ports import NotAtHand

Window = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, right and bottom beyond the last."""
MOST_PLANES = 4
"""Bands stored apart that are read for what they say of the others."""
_Part = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Layout:
    """The blocks under a window, in step with each other."""

    blocks: list[int]
    rows: list[int]
    """How many of each are needed, from its top."""
    places: list[_Part]
    """Rows and columns of the window."""
    cuts: list[_Part]
    """Rows and columns of the block."""


class Windows:
    """Bands that are stored together are decoded once, also without room in the cache. Thread-safe."""

    def __init__(self, blocks: BlockCache[Block], *, at_hand: bool = False) -> None:
        """`at_hand`: raise NotAtHand instead of reading anything."""
        self.at_hand = at_hand
        self._cache = blocks
        self._held: dict[Hashable, Block] = {}
        self._layouts: dict[tuple[Window, int, int, int], Layout] = {}

    def pixels(self, cog: Cog, spot: Placement, plane: int, *, mask: bool = False) -> NDArray[Any]:
        """The window of a plane: a view of one block, or several put together."""
        level = cog.levels[spot.level]
        image = level.mask if mask and level.mask is not None else level.image
        layout = self._layout(spot.window, image)
        blocks = self._blocks(cog, cog.keys(spot.level, plane, layout.blocks, mask=mask), layout.rows)
        band = 0 if image.planar or mask else plane
        if len(blocks) == 1:
            return blocks[0][band][layout.cuts[0]]
        left, top, right, bottom = spot.window
        out = np.empty((bottom - top, right - left), blocks[0].dtype)
        for block, place, cut in zip(blocks, layout.places, layout.cuts, strict=True):
            out[place] = block[band][cut]
        return out

    def valid(self, cog: Cog, spot: Placement) -> NDArray[np.bool_] | None:
        """From the alpha band or the mask; only what is fully opaque counts, as in rio-tiler."""
        if cog.alpha is not None:
            alpha = self.pixels(cog, spot, cog.alpha)
            opaque = 1.0 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max
            return np.asarray(alpha == opaque)
        if cog.levels[spot.level].mask is not None:
            return np.asarray(self.pixels(cog, spot, 0, mask=True) == 255)
        return None

    def any_valid(self, cog: Cog, spot: Placement, nodata: float) -> NDArray[np.bool_] | None:
        """Where any band of a file has a value; None where its bands agree, or are too many to read them all."""
        count = cog.header.bands
        if count == 1 or (cog.levels[spot.level].image.planar and count > MOST_PLANES):
            return None
        bands = (self.pixels(cog, spot, plane) for plane in range(count))
        first, *others = (~np.isnan(band) if math.isnan(nodata) else band != nodata for band in bands)
        if all(np.array_equal(first, other) for other in others):
            return None
        return np.logical_or.reduce([first, *others])

    def _layout(self, window: Window, image: Directory) -> Layout:
        """Bands of one picture mostly have the same."""
        key = (window, image.block_width, image.block_height, image.across)
        layout = self._layouts.get(key)
        if layout is None:
            layout = self._layouts[key] = _layout(*key)
        return layout

    def _blocks(self, cog: Cog, keys: Sequence[Hashable], rows: Sequence[int]) -> list[NDArray[Any]]:
        """Pixels (bands, height, width) of blocks, each with its first rows."""
        if self.at_hand:
            kept = self._cache.peek(keys, rows)
            if kept is None:
                raise NotAtHand
            return [block.pixels for block in kept]
        held = self._held
        wanted = [
            (key, count)
            for key, count in zip(keys, rows, strict=True)
            if (block := held.get(key)) is None or block.ready < count
        ]
        try:
            held.update(zip((key for key, _ in wanted), self._cache.get(wanted, cog.load), strict=True))
        except BlockError as error:
            raise SourceUnreadable(str(error)) from error
        return [held[key].pixels for key in keys]


def _layout(window: Window, width: int, height: int, across: int) -> Layout:
    """The layout of a window over blocks of a size, so many side by side."""
    left, top, right, bottom = window
    layout = Layout([], [], [], [])
    for row in range(top // height, (bottom - 1) // height + 1):
        y = row * height
        y0, y1 = max(top, y), min(bottom, y + height)
        for column in range(left // width, (right - 1) // width + 1):
            x = column * width
            x0, x1 = max(left, x), min(right, x + width)
            layout.blocks.append(row * across + column)
            layout.rows.append(y1 - y)
            layout.places.append((slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)))
            layout.cuts.append((slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)))
    return layout
