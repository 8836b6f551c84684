"""Items parsed lately, within a budget of memory."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from threading import Lock
from typing import Any, Generic, TypeVar

from cachetools import LRUCache

from tileserver.models import Item

BYTES = 64 << 20
_ITEM, _ASSET, _PROPERTY, _NUMBER = 1500, 1400, 150, 65
"""Bytes that parts of an item take on CPython 3.11, roughly: a coordinate's number with its share of lists."""

Key = TypeVar("Key", bound=Hashable)


class ParsedItems(Generic[Key]):
    """The least recently used go first. Thread-safe."""

    def __init__(self, budget: int = BYTES) -> None:
        self._items: LRUCache[Key, Item] = LRUCache(budget, getsizeof=weight)
        self._lock = Lock()

    def known(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Those that are kept."""
        with self._lock:
            return {key: item for key in keys if (item := self._items.get(key)) is not None}

    def keep(self, items: Mapping[Key, Item]) -> None:
        """What is larger than the budget is not kept."""
        with self._lock:
            for key, item in items.items():
                if weight(item) <= self._items.maxsize:
                    self._items[key] = item


def weight(item: Item) -> int:
    """Bytes of memory, roughly."""
    return (
        _ITEM
        + _ASSET * sum(max(1, len(asset.bands)) for asset in item.assets.values())
        + _PROPERTY * len(item.properties)
        + _NUMBER * _numbers(item.geometry.get("coordinates"))
    )


def _numbers(coordinates: Any) -> int:
    """How many numbers a nested list has."""
    if not isinstance(coordinates, list):
        return 1
    if coordinates and not isinstance(coordinates[0], list):
        return len(coordinates)
    return sum(map(_numbers, coordinates))
