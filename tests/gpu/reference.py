"""The rules of pixels in plain Python and NumPy, slow and readable: the oracle of every backend.

Warping follows GDAL (test_warp.py proves it against GDAL itself), colours follow rio-tiler.
"""

from __future__ import annotations

import math

import numpy as np
from color_operations import parse_operations, scale_dtype, to_math_type

from gpu.backend import PIECE, Job, Layer, Recipe, Source, Stretch


def position(source: Source, row: int, column: int) -> tuple[float, float]:
    """Source coordinates of an output pixel's centre; NaN: nowhere."""
    if source.control is None:
        return column + 0.5, row + 0.5
    first = source.control.first
    rows = source.control.segments[first[row] : first[row + 1]]
    before = rows[rows[:, 0] <= column]
    if not len(before):
        return math.nan, math.nan
    start, x, dx, y, dy = before[-1]
    return x + dx * (column - start), y + dy * (column - start)


def is_valid(source: Source, x: int, y: int) -> bool:
    height, width = source.pixels.shape
    if not (0 <= x < width and 0 <= y < height):
        return False
    value = source.pixels[y, x]
    if source.valid is not None and not source.valid[y, x]:
        return False
    if value.dtype.kind == "f" and np.isnan(value):
        return False
    if source.nodata is None or math.isnan(source.nodata):
        return True
    nodata = value.dtype.type(source.nodata) if value.dtype.kind == "f" else source.nodata
    return bool(value != nodata)


def linear(t: float) -> float:
    return max(0.0, 1.0 - abs(t))


def cubic(t: float) -> float:
    t = abs(t)
    if t <= 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t <= 2 else 0.0


def weighted(source: Source, u: float, v: float, kernel, reach: tuple[int, int], scale: tuple[float, float]):
    """Weighted mean around (u, v), None without weight; and whether every pixel with a weight was valid."""
    total = weights = 0.0
    complete = True
    for y in range(math.floor(v) - reach[1] + 1, math.floor(v) + reach[1] + 1):
        for x in range(math.floor(u) - reach[0] + 1, math.floor(u) + reach[0] + 1):
            if not is_valid(source, x, y):
                complete = False
                continue
            weight = kernel((x - u) * scale[0]) * kernel((y - v) * scale[1])
            total += float(source.pixels[y, x]) * weight
            weights += weight
    return (total / weights if weights >= 1e-6 else None), complete


def average(source: Source, x: float, y: float) -> float | None:
    half_x, half_y = 0.5 / source.stretch[0], 0.5 / source.stretch[1]
    total = weights = 0.0
    height, width = source.pixels.shape
    for j in range(max(math.floor(y - half_y), 0), min(math.ceil(y + half_y), height)):
        for i in range(max(math.floor(x - half_x), 0), min(math.ceil(x + half_x), width)):
            if is_valid(source, i, j):
                share = min(x + half_x, i + 1) - max(x - half_x, i)
                share *= min(y + half_y, j + 1) - max(y - half_y, j)
                total += float(source.pixels[j, i]) * share
                weights += share
    return total / weights if weights > 1e-6 else None


def stretch_of(source: Source, row: int, column: int) -> Stretch:
    """Output pixels per source pixel for the kernels of an output pixel."""
    return source.pieces[row // PIECE[0]][column // PIECE[1]] if source.pieces else source.stretch


def sample(source: Source, x: float, y: float, resampling: str, stretch: Stretch) -> float | None:
    """The stored value at a place, None where invalid; not yet rounded."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return None
    if resampling == "average":
        return average(source, x, y)
    i, j = math.floor(x + 1e-10), math.floor(y + 1e-10)
    if not is_valid(source, i, j):
        return None
    if resampling == "nearest":
        return float(source.pixels[j, i])
    kernel, radius = (linear, 1) if resampling == "bilinear" else (cubic, 2)
    u, v = x - 0.5, y - 0.5
    if min(stretch) >= 0.95:
        value, complete = weighted(source, u, v, kernel, (radius, radius), (1.0, 1.0))
        if resampling == "cubic" and not complete:
            value, _ = weighted(source, u, v, linear, (1, 1), (1.0, 1.0))
        return value
    scale = (min(stretch[0], 1.0), min(stretch[1], 1.0))
    reach = (math.ceil(radius / scale[0]), math.ceil(radius / scale[1]))
    return weighted(source, u, v, kernel, reach, scale)[0]


def warp(source: Source, height: int, width: int, resampling: str):
    dtype = source.pixels.dtype
    out, valid = np.zeros((height, width), dtype), np.zeros((height, width), np.bool_)
    if source.control is None:
        resampling = "nearest"
    for row in range(height):
        for column in range(width):
            stretch = stretch_of(source, row, column)
            value = sample(source, *position(source, row, column), resampling, stretch)
            if value is None:
                continue
            if dtype.kind != "f":
                value = min(max(math.floor(value + 0.5), np.iinfo(dtype).min), np.iinfo(dtype).max)
            out[row, column] = value
            valid[row, column] = True
    return out, valid


def layer_outputs(layer: Layer, recipe: Recipe, height: int, width: int):
    """(outputs, height, width), NaN where invalid or hidden."""
    shape = (height, width)
    values, valid = {}, {}
    for name, source in zip(recipe.variables, layer.sources, strict=True):
        if source is None:
            values[name], valid[name] = np.zeros(shape), np.zeros(shape, np.bool_)
            continue
        stored, valid[name] = warp(source, height, width, recipe.resampling)
        values[name] = stored.astype(np.float64)
        if recipe.unscale:
            values[name] = values[name] * source.scale + source.offset
    shown = np.ones(shape, np.bool_)
    if layer.mask is not None and layer.hidden is not None:
        classes, known = warp(layer.mask, height, width, "nearest")
        shown = ~(layer.hidden[np.clip(classes, 0, 65535).astype(int)] & known)
    out = np.full((len(recipe.expressions), *shape), np.nan)
    for i, expression in enumerate(recipe.expressions):
        needed = expression.bands if recipe.plain else recipe.variables
        ok = np.logical_and.reduce([shown, *(valid[name] for name in needed)])
        result = np.broadcast_to(expression.numpy(values), shape)
        ok &= np.isfinite(result)
        out[i, ok] = result[ok]
    return out


def values(job: Job):
    """Physical outputs, NaN where they have none, and validity."""
    recipe = job.recipe
    shape = (len(recipe.expressions), job.height, job.width)
    stack = [layer_outputs(layer, recipe, job.height, job.width) for layer in job.layers]
    mix = np.any if recipe.plain else np.all
    reducers = job.reducers * shape[0] if len(job.reducers) == 1 else job.reducers
    out = np.full(shape, np.nan)
    if all(reducer in ("first", "best") for reducer in reducers):
        for layer in reversed(stack):
            ok = mix(~np.isnan(layer), axis=0)
            out[:, ok] = layer[:, ok]
        return out, mix(~np.isnan(out), axis=0)
    for i, reducer in enumerate(reducers):
        for row in range(job.height):
            for column in range(job.width):
                found = [layer[i, row, column] for layer in stack if not np.isnan(layer[i, row, column])]
                if found:
                    out[i, row, column] = {
                        "first": lambda v: v[0], "best": lambda v: v[0], "median": np.median, "mean": np.mean,
                        "max": max, "min": min,
                    }[reducer](found)  # fmt: skip
    return out, mix(~np.isnan(out), axis=0)


def shade(job: Job):
    """(height, width, 4) RGBA; transparent pixels are 0."""
    recipe = job.recipe
    data, valid = values(job)
    out = np.zeros((job.height, job.width, 4), np.uint8)
    if recipe.classes is not None or recipe.intervals:
        for row, column in np.argwhere(valid):
            out[row, column] = colour_of(recipe, data[0, row, column])
        out[out[..., 3] == 0] = 0
        return out
    levels = np.stack([level(recipe, i, value) for i, value in enumerate(data)])
    if recipe.palette is not None and len(levels) == 1:
        shown = recipe.palette[levels[0]]
        return np.where(valid[..., None] & (shown[..., 3:] > 0), shown, np.uint8(0))
    if len(levels) == 1:
        levels = np.repeat(levels, 3, axis=0)
    for operation in parse_operations(recipe.color_formula) if recipe.color_formula else ():
        levels = scale_dtype(operation(to_math_type(levels)), np.uint8)
    out[..., :3] = np.moveaxis(levels, 0, -1)
    out[..., 3] = 255
    out[~valid] = 0
    return out


def colour_of(recipe: Recipe, value: float) -> tuple[int, int, int, int]:
    if recipe.classes is not None:
        return recipe.classes.get(value, (0, 0, 0, 0))
    return next((c for low, high, c in recipe.intervals if low <= value < high), (0, 0, 0, 0))


def level(recipe: Recipe, output: int, value):
    """Rescaled to a byte, truncated."""
    low, high = (0.0, 255.0) if not recipe.rescale else recipe.rescale[output if len(recipe.rescale) > 1 else 0]
    scaled = (np.clip(value, low, high) - low) / (high - low) * 255
    return np.nan_to_num(scaled, nan=0.0).astype(np.uint8)
