"""Single pixels of open files."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from typing import Any

from cachetools import LRUCache
from numpy.typing import NDArray

from tileserver.blocks import BlockCache
from tileserver.cog import Block, BlockError, Cog
from tileserver.errors import SourceUnreadable

KEPT = 1 << 14
"""Pixels that are remembered, each from a block of its own."""


class Spots:
    """Reads a pixel without its block; the block is kept when a second pixel of it is asked. Thread-safe.

    A place on hundreds of dates would drive all else from the cache of blocks, for a number each.
    """

    def __init__(self, blocks: BlockCache[Block]) -> None:
        self._blocks = blocks
        self._pixels: LRUCache[Hashable, tuple[tuple[int, int], NDArray[Any]]] = LRUCache(KEPT)
        self._lock = Lock()

    def stored(self, cog: Cog, pixel: tuple[int, int], plane: int, *, mask: bool = False) -> float:
        """The stored value of a (row, column) of full resolution. Raises SourceUnreadable."""
        level = cog.levels[0]
        image = level.mask if mask and level.mask is not None else level.image
        row, column = pixel
        index = row // image.block_height * image.across + column // image.block_width
        (key,) = cog.keys(0, plane, [index], mask=mask)
        try:
            numbers = self._numbers(cog, key, (row % image.block_height, column % image.block_width))
        except BlockError as error:
            raise SourceUnreadable(str(error)) from error
        return float(numbers[0 if image.planar or mask else plane])

    def _numbers(self, cog: Cog, key: Hashable, place: tuple[int, int]) -> NDArray[Any]:
        """(bands,) at a row and column of a block."""
        with self._lock:
            known = self._pixels.get(key)
        if known is not None and known[0] == place:
            return known[1]
        numbers = None
        if known is None and self._blocks.peek([key], [1]) is None:
            numbers = cog.pixel(key, *place)
        if numbers is None:
            row, column = place
            (block,) = self._blocks.get([(key, row + 1)], cog.load)
            numbers = block.pixels[:, row, column].copy()
        with self._lock:
            self._pixels[key] = place, numbers
        return numbers
