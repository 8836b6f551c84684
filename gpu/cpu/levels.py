"""Physical values to grey levels of 16 bits, which carry VALID, and levels to pixels."""

# mypy: disable-error-code="no-untyped-def, assignment"
# ruff: noqa: ANN001, ANN201, PLR0124

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Picture, Recipe
from gpu.compiled import VALID, contiguous, jit

Levels = NDArray[np.uint16]


def interval(recipe: Recipe, index: int) -> tuple[float, float]:
    """The rescale interval of an output; an empty one has the width of a hair, so nothing divides by zero."""
    if not recipe.rescale:
        return 0.0, 255.0
    low, high = recipe.rescale[index if len(recipe.rescale) > 1 else 0]
    return (low, high) if high != low else (low, float(np.nextafter(low, np.inf)))


def stretched(values: NDArray[np.float64], recipe: Recipe) -> Levels:
    """(outputs, height, width) values, NaN where invalid, to levels, truncated as rio-tiler does."""
    intervals = np.array([interval(recipe, index) for index in range(len(values))], np.float64)
    levels = np.empty(values.shape, np.uint16)
    stretch_kernel(contiguous(values), intervals, not recipe.plain, levels)
    return levels


def picture(levels: Levels, recipe: Recipe) -> Picture:
    """(1 or 3, height, width) levels as a ramp, as grey or as RGB; RGB is visible where any band is."""
    shape = levels.shape[1:]
    if len(levels) == 1 and recipe.palette is not None:
        indices, alpha = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
        ramp_kernel(levels[0], contiguous(recipe.palette[:, 3]), indices, alpha)
        return Picture(pixels=indices, alpha=alpha, palette=recipe.palette)
    pixels, alpha = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
    red, green, blue = levels[:3] if len(levels) > 1 else (levels[0],) * 3
    paint_kernel(red, green, blue, pixels, alpha)
    return Picture(pixels=pixels, alpha=alpha)


@jit
def stretch_kernel(values, intervals, every, levels):
    """Each output from its interval to 0..255; `every`: a pixel is valid only where all outputs are."""
    outputs, height, width = values.shape
    for r in range(height):
        for output in range(outputs):
            low, high = intervals[output]
            span = high - low
            line, out = values[output, r], levels[output, r]
            for c in range(width):
                value = line[c]
                held = max(value, low)
                held = min(held, high)
                level = (held - low) / span * 255.0
                byte = np.int32(level) if level == level else np.int32(0)
                out[c] = byte + VALID if value == value else 0
        if every and outputs > 1:
            for c in range(width):
                known = True
                for output in range(outputs):
                    known &= levels[output, r, c] >= VALID
                if not known:
                    levels[:, r, c] = 0


@jit
def table_kernel(stored, valid, table, levels):
    """Levels of stored values by a table where there is none yet; returns how many are still missing."""
    missing = 0
    for r in range(levels.shape[0]):
        line, good, out = stored[r], valid[r], levels[r]
        for c in range(out.shape[0]):
            if out[c] < VALID:
                level = table[line[c]] if good[c] else np.uint16(0)
                out[c] = level
                missing += level < VALID
    return missing


@jit
def look_up_kernel(red, green, blue, valid_r, valid_g, valid_b, table_r, table_g, table_b, pixels, alpha):
    """Three planes of stored values by tables into pixels without alpha; returns how many are still missing."""
    missing = 0
    for r in range(pixels.shape[0]):
        line_r, line_g, line_b, line, shown = red[r], green[r], blue[r], pixels[r], alpha[r]
        good_r, good_g, good_b = valid_r[r], valid_g[r], valid_b[r]
        for c in range(shown.shape[0]):
            if shown[c] != 0:
                continue
            a = table_r[line_r[c]] if good_r[c] else np.uint16(0)
            b = table_g[line_g[c]] if good_g[c] else np.uint16(0)
            d = table_b[line_b[c]] if good_b[c] else np.uint16(0)
            if (a | b | d) & VALID:
                line[c, 0], line[c, 1], line[c, 2] = a & 255, b & 255, d & 255
                shown[c] = 255
            else:
                missing += 1
    return missing


@jit
def ramp_kernel(levels, opacity, indices, alpha):
    """Levels as indices of a ramp of 256 colours whose alpha is `opacity`."""
    for r in range(levels.shape[0]):
        line, index, shown = levels[r], indices[r], alpha[r]
        for c in range(line.shape[0]):
            byte = line[c] & 255
            index[c] = byte
            shown[c] = opacity[byte] if line[c] >= VALID else 0


@jit
def paint_kernel(red, green, blue, pixels, alpha):
    """Three planes of levels into pixels without alpha; returns how many are still missing."""
    missing = 0
    for r in range(pixels.shape[0]):
        line_r, line_g, line_b, line, shown = red[r], green[r], blue[r], pixels[r], alpha[r]
        for c in range(shown.shape[0]):
            if shown[c] != 0:
                continue
            a, b, d = line_r[c], line_g[c], line_b[c]
            if (a | b | d) & VALID:
                line[c, 0], line[c, 1], line[c, 2] = a & 255, b & 255, d & 255
                shown[c] = 255
            else:
                missing += 1
    return missing
