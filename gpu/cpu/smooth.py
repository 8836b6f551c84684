"""Compiled loops: weighted source pixels around the centre of every output pixel. No types, numba infers them."""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201, PLR0124

from __future__ import annotations

import numpy as np

from gpu.compiled import EPSILON, jit


@jit
def row_positions(segments, begin, end, width, xs, ys):
    """Coordinates of one output row; `segments` as in Control."""
    for s in range(begin, end):
        start = int(segments[s, 0])
        stop = int(segments[s + 1, 0]) if s + 1 < end else width
        x, dx, y, dy = segments[s, 1], segments[s, 2], segments[s, 3], segments[s, 4]
        for i in range(stop - start):
            xs[start + i] = x + dx * i
            ys[start + i] = y + dy * i


@jit
def is_valid(value, mask, nodata, row, column):
    if value != value or value == nodata:
        return False
    return mask.shape[0] == 0 or mask[row, column] != 0


@jit
def weight(kind, distance):
    """Kernels over source pixels: 1 the triangle, 2 cubic convolution with a = -0.5, as in GDAL."""
    t = abs(distance)
    if kind == 1:
        return 1.0 - t if t < 1.0 else 0.0
    if t <= 1.0:
        return t * t * (1.5 * t - 2.5) + 1.0
    if t <= 2.0:
        return t * (t * (-0.5 * t + 2.5) - 4.0) + 2.0
    return 0.0


@jit
def weigh(pixels, mask, nodata, left, top, part_x, part_y, kind, reach_x, reach_y, scale_x, scale_y, across):
    """Weighted sum around a place, the weights' sum, and whether every pixel was valid."""
    height, width = pixels.shape
    total, weights, complete = 0.0, 0.0, True
    for i in range(2 * reach_x):
        across[i] = weight(kind, (i - reach_x + 1 - part_x) * scale_x)
    for j in range(2 * reach_y):
        row = top + j - reach_y + 1
        down = weight(kind, (j - reach_y + 1 - part_y) * scale_y)
        for i in range(2 * reach_x):
            column = left + i - reach_x + 1
            if row < 0 or row >= height or column < 0 or column >= width:
                complete = False
                continue
            value = pixels[row, column]
            if is_valid(value, mask, nodata, row, column):
                total += across[i] * down * value
                weights += across[i] * down
            else:
                complete = False
    return total, weights, complete


@jit
def weigh_all(pixels, left, top, part_x, part_y, kind, reach_x, reach_y, scale_x, scale_y, across):
    """Weighted mean around a place where every pixel is there and valid."""
    weights_x, weights_y, total = 0.0, 0.0, 0.0
    for i in range(2 * reach_x):
        across[i] = weight(kind, (i - reach_x + 1 - part_x) * scale_x)
        weights_x += across[i]
    for j in range(2 * reach_y):
        down = weight(kind, (j - reach_y + 1 - part_y) * scale_y)
        row = pixels[top + j - reach_y + 1]
        line = 0.0
        for i in range(2 * reach_x):
            line += across[i] * row[left + i - reach_x + 1]
        total += down * line
        weights_y += down
    return total / (weights_x * weights_y)


@jit
def interpolate_kernel(
    pixels, mask, nodata, whole, segments, first, row0, kind, stretch_x, stretch_y, low, high, out, ok
):
    """Bilinear (kind 1) and cubic (kind 2). `nodata` NaN: none. Integers are rounded and clamped.

    `whole`: every pixel of the window is valid. As GDAL: kernels widen only below a stretch of 0.95; a cubic one
    that is not wide turns to bilinear where one of its sixteen pixels is missing.
    """
    height, width = pixels.shape
    columns = out.shape[1]
    wide = stretch_x < 0.95 or stretch_y < 0.95
    scale_x = min(stretch_x, 1.0) if wide else 1.0
    scale_y = min(stretch_y, 1.0) if wide else 1.0
    reach_x, reach_y = int(np.ceil(kind / scale_x)), int(np.ceil(kind / scale_y))
    xs, ys = np.empty(columns), np.empty(columns)
    across = np.empty(2 * reach_x)
    for r in range(out.shape[0]):
        row_positions(segments, first[row0 + r], first[row0 + r + 1], columns, xs, ys)
        for c in range(columns):
            x, y = xs[c], ys[c]
            out[r, c] = 0
            ok[r, c] = False
            if not (x >= -EPSILON and y >= -EPSILON and x + EPSILON < width and y + EPSILON < height):
                continue
            here_x, here_y = int(x + EPSILON), int(y + EPSILON)
            if not whole and not is_valid(pixels[here_y, here_x], mask, nodata, here_y, here_x):
                continue
            left, top = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
            part_x, part_y = x - 0.5 - left, y - 0.5 - top
            roomy = reach_x <= left + 1 and left + reach_x < width and reach_y <= top + 1 and top + reach_y < height
            if whole and roomy and kind == 1 and not wide:
                upper, lower = pixels[top], pixels[top + 1]
                above = upper[left] * (1.0 - part_x) + upper[left + 1] * part_x
                below = lower[left] * (1.0 - part_x) + lower[left + 1] * part_x
                value = above * (1.0 - part_y) + below * part_y
                weights = 1.0
            elif whole and roomy:
                value = weigh_all(pixels, left, top, part_x, part_y, kind, reach_x, reach_y, scale_x, scale_y, across)
                weights = 1.0
            else:
                total, weights, complete = weigh(
                    pixels, mask, nodata, left, top, part_x, part_y, kind, reach_x, reach_y, scale_x, scale_y, across
                )
                if kind == 2 and not wide and not complete:
                    total, weights, complete = weigh(
                        pixels, mask, nodata, left, top, part_x, part_y, 1, 1, 1, 1.0, 1.0, across
                    )
                value = total / weights
            if weights > 1e-6:
                if low < high:
                    value = min(max(np.floor(value + 0.5), low), high)
                out[r, c] = value
                ok[r, c] = True


@jit
def average_kernel(pixels, mask, nodata, segments, first, row0, half_x, half_y, low, high, out, ok):
    """Mean of the valid source pixels under an output pixel, weighed by the covered share."""
    height, width = pixels.shape
    columns = out.shape[1]
    xs, ys = np.empty(columns), np.empty(columns)
    for r in range(out.shape[0]):
        row_positions(segments, first[row0 + r], first[row0 + r + 1], columns, xs, ys)
        for c in range(columns):
            x, y = xs[c], ys[c]
            out[r, c] = 0
            ok[r, c] = False
            if not (x + half_x > 0 and y + half_y > 0 and x - half_x < width and y - half_y < height):
                continue
            x0, x1 = max(x - half_x, 0.0), min(x + half_x, float(width))
            y0, y1 = max(y - half_y, 0.0), min(y + half_y, float(height))
            total, weights = 0.0, 0.0
            for row in range(int(y0), min(int(np.ceil(y1)), height)):
                down = min(y1, row + 1.0) - max(y0, float(row))
                for column in range(int(x0), min(int(np.ceil(x1)), width)):
                    value = pixels[row, column]
                    if is_valid(value, mask, nodata, row, column):
                        share = down * (min(x1, column + 1.0) - max(x0, float(column)))
                        total += share * value
                        weights += share
            if weights > 1e-6:
                value = total / weights
                if low < high:
                    value = min(max(np.floor(value + 0.5), low), high)
                out[r, c] = value
                ok[r, c] = True
