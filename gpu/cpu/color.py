"""Physical outputs to a picture: stretch, ramp, classes, intervals, colour formula."""

from __future__ import annotations

import numpy as np
from color_operations import parse_operations, scale_dtype, to_math_type
from numpy.typing import NDArray

from gpu.backend import Picture, Recipe
from gpu.compiled import VALID
from gpu.cpu.compose import validity
from gpu.cpu.levels import picture, stretched

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


def paint(values: Floats, recipe: Recipe) -> Picture:
    """(outputs, height, width) with NaN where invalid to a picture."""
    if recipe.classes is not None or recipe.intervals:
        return _discrete(values[0], validity(values, recipe), recipe)
    levels = stretched(values, recipe)
    if recipe.color_formula and (len(levels) > 1 or recipe.palette is None):
        levels = levels[:3] if len(levels) > 1 else np.repeat(levels, 3, axis=0)
        levels = formula(levels.astype(np.uint8), recipe.color_formula) | (levels & np.uint16(VALID))
    return picture(levels, recipe)


def formula(levels: Bytes, text: str) -> Bytes:
    """(3, height, width) after rio-color operations, each step in 8 bits as rio-tiler does."""
    for operation in parse_operations(text):
        levels = scale_dtype(operation(to_math_type(levels)), np.uint8)
    return levels


def _discrete(value: Floats, valid: NDArray[np.bool_], recipe: Recipe) -> Picture:
    """Indices into a palette of the classes or intervals; what matches none is transparent."""
    if recipe.classes is not None:
        keys = np.array(sorted(recipe.classes), np.float64)
        colors = [recipe.classes[int(key)] for key in keys]
        place = np.clip(np.searchsorted(keys, np.nan_to_num(value)), 0, max(len(keys) - 1, 0))
        matched = valid & (keys[place] == value) if len(keys) else np.zeros(value.shape, np.bool_)
    else:
        colors = [color for _, _, color in recipe.intervals]
        place = np.zeros(value.shape, np.int64)
        matched = np.zeros(value.shape, np.bool_)
        for index, (low, high, _) in enumerate(recipe.intervals):
            inside = valid & (value >= low) & (value < high) & ~matched
            place[inside] = index
            matched |= inside
    if len(colors) > 255:
        return _direct(place, matched, colors)
    palette = np.array(colors or [(0, 0, 0, 0)], np.uint8)
    indices = np.where(matched, place, 0).astype(np.uint8)
    alpha = np.where(matched, palette[indices, 3], np.uint8(0))
    return Picture(pixels=indices, alpha=alpha, palette=palette)


def _direct(place: NDArray[np.int64], matched: NDArray[np.bool_], colors: list[tuple[int, int, int, int]]) -> Picture:
    """More classes than a palette holds: the colours themselves."""
    rgba = np.array(colors, np.uint8)[place]
    rgba[~matched] = 0
    return Picture(pixels=np.ascontiguousarray(rgba[..., :3]), alpha=np.ascontiguousarray(rgba[..., 3]))
