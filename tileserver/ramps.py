"""Colour maps by name, rio-tiler's. Loading it takes a while, for which neither a start nor a tile in RGB waits."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rio_tiler.colormap import ColorMaps

SIZE = 256
"""Colours of a continuous one; those of classes have others."""


def known(name: str) -> bool:
    """Is there one of this name, continuous or not?"""
    return name in _maps().list()


@cache
def continuous() -> list[str]:
    """Names of all that are continuous; reads them all."""
    return sorted(name for name in _maps().list() if len(_maps().get(name)) == SIZE)


def colors(name: str) -> list[tuple[int, int, int, int]]:
    """RGBA of a known one, from its lowest value to its highest."""
    return [color for _, color in sorted(_maps().get(name).items())]


def load() -> None:
    """So that no later request waits."""
    _maps()


def _maps() -> ColorMaps:
    from rio_tiler.colormap import cmap

    return cmap
