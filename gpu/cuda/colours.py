"""Element-wise parts of a recipe as tables, computed once on the host by the formulas of the CPU backend."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from color_operations import parse_operations, scale_dtype, to_math_type
from numpy.typing import NDArray

from gpu.backend import Recipe

TABLE_TYPES = {np.dtype(name) for name in ("uint8", "int8", "uint16", "int16")}
"""Few enough values for a table of all of them."""


def interval(recipe: Recipe, output: int) -> tuple[float, float]:
    """Lowest and highest value of an output; an empty interval has the width of a hair."""
    if not recipe.rescale:
        return 0.0, 255.0
    low, high = recipe.rescale[output if len(recipe.rescale) > 1 else 0]
    return (low, high) if high != low else (low, float(np.nextafter(low, np.inf)))


@lru_cache(maxsize=512)
def table(dtype: np.dtype[Any], scale: float, offset: float, low: float, high: float) -> NDArray[np.uint8]:
    """The colour byte of every value that a type can store, from its lowest."""
    limits = np.iinfo(dtype)
    values = np.arange(limits.min, limits.max + 1, dtype=np.float64)
    if (scale, offset) != (1.0, 0.0):
        values = values * scale + offset
    level = (np.clip(values, low, high) - low) / (high - low) * 255.0
    return np.nan_to_num(level, nan=0.0).astype(np.uint8)


@lru_cache(maxsize=128)
def curves(formula: str) -> NDArray[np.uint8] | None:
    """(3, 256): what a colour formula makes of each byte of each channel; None when it mixes channels.

    rio-tiler rounds to 8 bits after each operation, so a table of bytes is exact.
    """
    if "sat" in formula.lower():
        return None
    return painted(np.broadcast_to(np.arange(256, dtype=np.uint8), (3, 1, 256)).copy(), formula)[:, 0]


def painted(levels: NDArray[np.uint8], formula: str) -> NDArray[np.uint8]:
    """(3, height, width) after rio-color operations."""
    for operation in parse_operations(formula):
        levels = scale_dtype(operation(to_math_type(levels)), np.uint8)
    return levels


def rgba_words(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """(n, 4) RGBA to words with R in the lowest byte."""
    return np.ascontiguousarray(colours, np.uint8).view("<u4").reshape(-1)


def classes(recipe: Recipe) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Keys in ascending order and their (n, 4) RGBA."""
    found = recipe.classes or {}
    keys = sorted(found)
    colours = np.array([found[key] for key in keys], np.uint8).reshape(-1, 4)
    return np.array(keys, np.float64), colours
