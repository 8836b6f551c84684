"""Physical outputs to a picture: stretch, ramp, classes, intervals, colour formula."""

from __future__ import annotations

import numpy as np
from color_operations import parse_operations, scale_dtype, to_math_type
from numpy.typing import NDArray

from gpu.backend import Picture, Recipe
from gpu.cpu.compose import validity

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


def paint(values: Floats, recipe: Recipe) -> Picture:
    """(outputs, height, width) with NaN where invalid to a picture."""
    valid = validity(values, recipe)
    if recipe.classes is not None or recipe.intervals:
        return _discrete(values[0], valid, recipe)
    levels = np.stack([stretched(value, recipe, index) for index, value in enumerate(values)])
    if recipe.palette is not None and len(levels) == 1:
        alpha = np.where(valid, recipe.palette[levels[0], 3], np.uint8(0))
        return Picture(pixels=levels[0], alpha=alpha, palette=recipe.palette)
    if len(levels) == 1:
        levels = np.repeat(levels, 3, axis=0)
    if recipe.color_formula:
        levels = formula(levels[:3], recipe.color_formula)
    pixels = np.ascontiguousarray(np.moveaxis(levels[:3], 0, -1))
    pixels[~valid] = 0
    return Picture(pixels=pixels, alpha=valid.astype(np.uint8) * np.uint8(255))


def stretched(value: Floats, recipe: Recipe, index: int) -> Bytes:
    """One output as 0..255, truncated as rio-tiler does; NaN is 0."""
    low, high = interval(recipe, index)
    level = (np.clip(value, low, high) - low) / (high - low) * 255.0
    return np.nan_to_num(level, nan=0.0).astype(np.uint8)


def interval(recipe: Recipe, index: int) -> tuple[float, float]:
    """The rescale interval of an output; an empty one has the width of a hair, so nothing divides by zero."""
    if not recipe.rescale:
        return 0.0, 255.0
    low, high = recipe.rescale[index if len(recipe.rescale) > 1 else 0]
    return (low, high) if high != low else (low, np.nextafter(low, np.inf))


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
