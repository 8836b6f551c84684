"""Windows of open files, put together from blocks, for one picture."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileserver.blocks import BlockCache
from tileserver.cog import Block, BlockError, Cog
from tileserver.errors import SourceUnreadable
from tileserver.grid import Placement


class NotAtHand(Exception):
    """A file or a block would have to be read first."""


class Windows:
    """Bands that are stored together are decoded once, also without room in the cache. Thread-safe."""

    def __init__(self, blocks: BlockCache[Block], *, at_hand: bool = False) -> None:
        """`at_hand`: raise NotAtHand instead of reading anything."""
        self.at_hand = at_hand
        self._cache = blocks
        self._held: dict[Hashable, Block] = {}

    def pixels(self, cog: Cog, spot: Placement, plane: int, *, mask: bool = False) -> NDArray[Any]:
        """The window of a plane: a view of one block, or several put together."""
        level = cog.levels[spot.level]
        image = level.mask if mask and level.mask is not None else level.image
        left, top, right, bottom = spot.window
        width, height = image.block_width, image.block_height
        columns = range(left // width, (right - 1) // width + 1)
        rows = range(top // height, (bottom - 1) // height + 1)
        indices = [row * image.across + column for row in rows for column in columns]
        needed = [min(bottom - row * height, height) for row in rows for _ in columns]
        blocks = self._blocks(cog, cog.keys(spot.level, plane, indices, mask=mask), needed)
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

    def stored(self, cog: Cog, pixel: tuple[int, int], plane: int, *, mask: bool = False) -> float:
        """The stored value of a (row, column) of full resolution."""
        level = cog.levels[0]
        image = level.mask if mask and level.mask is not None else level.image
        row, column = pixel
        index = row // image.block_height * image.across + column // image.block_width
        row, column = row % image.block_height, column % image.block_width
        (block,) = self._blocks(cog, cog.keys(0, plane, [index], mask=mask), [row + 1])
        band = 0 if image.planar or mask else plane
        return float(block[band, row, column])

    def _blocks(self, cog: Cog, keys: Sequence[Hashable], rows: Sequence[int]) -> list[NDArray[Any]]:
        """Pixels (bands, height, width) of blocks, each with its first rows."""
        held = self._held
        wanted = [
            (key, count)
            for key, count in zip(keys, rows, strict=True)
            if (block := held.get(key)) is None or block.ready < count
        ]
        if wanted and self.at_hand:
            kept = self._cache.peek(wanted)
            if kept is None:
                raise NotAtHand
        elif wanted:
            try:
                kept = self._cache.get(wanted, cog.load)
            except BlockError as error:
                raise SourceUnreadable(str(error)) from error
        else:
            kept = []
        held.update(zip((key for key, _ in wanted), kept, strict=True))
        return [held[key].pixels for key in keys]
