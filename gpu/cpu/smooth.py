"""Compiled loops: weighted source pixels around the centre of every output pixel.

Windows are float32 or float64 in C order, of at least one and fewer than 2**31 pixels; `valid` is of the same shape,
or of size 0 where all pixels are valid.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

import numpy as np

from gpu.compiled import EPSILON, jit


@jit
def row_positions(segments, begin, end, left, xs, ys):
    """Coordinates of one output row from column `left` on, NaN where it has none; `segments` as in Control."""
    xs[:], ys[:] = np.nan, np.nan
    columns = xs.shape[0]
    for s in range(begin, end):
        start = int(segments[s, 0]) - left
        stop = int(segments[s + 1, 0]) - left if s + 1 < end else columns
        x, dx, y, dy = segments[s, 1], segments[s, 2], segments[s, 3], segments[s, 4]
        skipped = max(-start, 0)
        part_x, part_y = xs[start + skipped : max(stop, 0)], ys[start + skipped : max(stop, 0)]
        for i in range(part_x.shape[0]):
            part_x[i] = x + dx * (skipped + i)
            part_y[i] = y + dy * (skipped + i)


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
def weigh(pixels, valid, left, top, part_x, part_y, kind, reach_x, reach_y, scale_x, scale_y, across):
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
            if valid.size == 0 or valid[row, column]:
                total += across[i] * down * pixels[row, column]
                weights += across[i] * down
            else:
                complete = False
    return total, weights, complete


@jit
def complete_kernel(valid, reach_x, reach_y):
    """(height, width) where all of the 2 * reach_y rows and 2 * reach_x columns that begin at a pixel are valid.

    `valid` itself, which nobody then looks at, where all pixels are valid or there is no room for so many.
    """
    height, width = valid.shape
    if not (0 < 2 * reach_x <= width and 0 < 2 * reach_y <= height):
        return valid
    across = valid.copy()
    for i in range(1, 2 * reach_x):
        for r in range(height):
            across[r, : width - i] &= valid[r, i:]
    out = across.copy()
    for j in range(1, 2 * reach_y):
        for r in range(height - j):
            out[r] &= across[r + j]
    return out


@jit
def row_corners(xs, ys, reach_x, reach_y, height, width, corners, parts_x, parts_y):
    """Index of the first of the pixels around every place of a row, -1 where not all are there.

    The parts are how far right of and below the centre of the pixel before it a place lies.
    """
    across = np.int32(width)
    for c in range(xs.shape[0]):
        x, y = xs[c] - 0.5, ys[c] - 0.5
        left, top = np.floor(x), np.floor(y)
        parts_x[c], parts_y[c] = x - left, y - top
        there = (x >= reach_x - 1) & (y >= reach_y - 1) & (x < width - reach_x) & (y < height - reach_y)
        row, column = np.int32(top) - np.int32(reach_y - 1), np.int32(left) - np.int32(reach_x - 1)
        corners[c] = row * across + column if there else -1


@jit
def row_weights(parts, kind, reach, scale, weights, sums):
    """Weights (2 * reach, columns) of the pixels around every place of a row, and their sums."""
    sums[:] = 0.0
    for i in range(2 * reach):
        line = weights[i]
        for c in range(parts.shape[0]):
            line[c] = weight(kind, (i - reach + 1 - parts[c]) * scale)
            sums[c] += line[c]


@jit
def row_bilinear(flat, corners, width, parts_x, parts_y, values):
    """Means of the four pixels from each corner on."""
    for c in range(corners.shape[0]):
        corner = np.uint32(max(corners[c], 0))
        x, y = parts_x[c], parts_y[c]
        above = flat[corner] * (1.0 - x) + flat[corner + np.uint32(1)] * x
        corner += np.uint32(width)
        below = flat[corner] * (1.0 - x) + flat[corner + np.uint32(1)] * x
        values[c] = above * (1.0 - y) + below * y


@jit
def row_of_four(flat, corners, width, across, down, values):
    """Weighted sums of four columns from each corner on, which is what nearly all kernels take."""
    one, two, three, four = across[0], across[1], across[2], across[3]
    for c in range(corners.shape[0]):
        if corners[c] < 0:
            continue
        at = np.uint32(corners[c])
        a, b, d, e = one[c], two[c], three[c], four[c]
        total = 0.0
        for j in range(down.shape[0]):
            line = a * flat[at] + b * flat[at + np.uint32(1)]
            line = line + d * flat[at + np.uint32(2)] + e * flat[at + np.uint32(3)]
            total += down[j, c] * line
            at += np.uint32(width)
        values[c] = total


@jit
def row_of_many(flat, corners, width, across, down, line, values):
    """Weighted sums of any number of columns from each corner on."""
    values[:] = 0.0
    for j in range(down.shape[0]):
        line[:] = 0.0
        for i in range(across.shape[0]):
            weights, step = across[i], np.uint32(j * width + i)
            for c in range(corners.shape[0]):
                line[c] += weights[c] * flat[np.uint32(max(corners[c], 0)) + step]
        weights = down[j]
        for c in range(corners.shape[0]):
            values[c] += weights[c] * line[c]


@jit
def reach_of(kind, stretch_x, stretch_y):
    """Whether a kernel is wide, its scales, and its reach in source pixels. As GDAL: wide below a stretch of 0.95."""
    wide = stretch_x < 0.95 or stretch_y < 0.95
    scale_x = min(stretch_x, 1.0) if wide else 1.0
    scale_y = min(stretch_y, 1.0) if wide else 1.0
    return wide, scale_x, scale_y, int(np.ceil(kind / scale_x)), int(np.ceil(kind / scale_y))


@jit
def interpolate_kernel(
    pixels, valid, complete, segments, first, row0, kind, area, stretch_x, stretch_y, low, high, out, ok
):
    """Bilinear (kind 1) and cubic (kind 2) of (bands, height, width) that share `valid`, into as many planes.

    Fills the `area` (top, bottom, left, right) of `out`, rounded and clamped where `low` is below `high`; `complete` as
    `complete_kernel` gives it. As GDAL: a cubic kernel that is not wide turns to bilinear where one of its sixteen
    pixels is missing.
    """
    bands, height, width = pixels.shape
    top, bottom, left, right = area
    columns = right - left
    wide, scale_x, scale_y, reach_x, reach_y = reach_of(kind, stretch_x, stretch_y)
    simple = kind == 1 and not wide
    roomy = 0 < 2 * reach_x <= width and 0 < 2 * reach_y <= height
    whole = valid.size == 0
    flat, good = pixels.reshape(bands, height * width), complete.reshape(complete.size)
    xs, ys, parts_x, parts_y = np.empty(columns), np.empty(columns), np.empty(columns), np.empty(columns)
    across_sums, down_sums = np.empty(columns), np.empty(columns)
    sums, values = np.empty(columns), np.empty(columns)
    corners = np.full(columns, -1, np.int32)
    taps_x, taps_y = (2 * reach_x, 2 * reach_y) if roomy and not simple else (0, 0)
    across, down = np.empty((taps_x, columns)), np.empty((taps_y, columns))
    each = np.empty(max(2 * reach_x, 2))
    for r in range(top, bottom):
        row_positions(segments, first[row0 + r], first[row0 + r + 1], left, xs, ys)
        if roomy:
            row_corners(xs, ys, reach_x, reach_y, height, width, corners, parts_x, parts_y)
        if taps_x > 0:
            row_weights(parts_x, kind, reach_x, scale_x, across, across_sums)
            row_weights(parts_y, kind, reach_y, scale_y, down, down_sums)
        there = ok[r, left:right]
        there[:] = True
        for band in range(bands):
            if simple and roomy:
                row_bilinear(flat[band], corners, width, parts_x, parts_y, values)
            elif roomy:
                if taps_x == 4:
                    row_of_four(flat[band], corners, width, across, down, values)
                else:
                    row_of_many(flat[band], corners, width, across, down, sums, values)
                values /= across_sums * down_sums
            plane = pixels[band]
            for c in range(columns):
                corner, x, y = corners[c], xs[c], ys[c]
                if corner >= 0 and (whole or good[corner]):
                    continue
                values[c], there[c] = 0.0, False
                if x >= -EPSILON and y >= -EPSILON and x + EPSILON < width and y + EPSILON < height:
                    values[c], there[c] = sparse(
                        plane, valid, x, y, kind, wide, reach_x, reach_y, scale_x, scale_y, each
                    )
            line = out[band, r, left:right]
            for c in range(columns):
                value = values[c]
                if low < high:
                    value = min(max(np.floor(value + 0.5), low), high)
                line[c] = value


@jit
def sparse(pixels, valid, x, y, kind, wide, reach_x, reach_y, scale_x, scale_y, each):
    """Weighted mean around a place inside where some pixels are not there or not valid, and whether there is one."""
    here_x, here_y = int(x + EPSILON), int(y + EPSILON)
    if not (valid.size == 0 or valid[here_y, here_x]):
        return 0.0, False
    left, top = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
    part_x, part_y = x - 0.5 - left, y - 0.5 - top
    total, weights, complete = weigh(
        pixels, valid, left, top, part_x, part_y, kind, reach_x, reach_y, scale_x, scale_y, each
    )
    if kind == 2 and not wide and not complete:
        total, weights, complete = weigh(pixels, valid, left, top, part_x, part_y, 1, 1, 1, 1.0, 1.0, each)
    return (total / weights, True) if weights > 1e-6 else (0.0, False)


@jit
def average_kernel(pixels, valid, segments, first, row0, half_x, half_y, low, high, out, ok):
    """Mean of the valid source pixels under an output pixel, weighed by the covered share."""
    height, width = pixels.shape
    columns = out.shape[1]
    xs, ys = np.empty(columns), np.empty(columns)
    for r in range(out.shape[0]):
        row_positions(segments, first[row0 + r], first[row0 + r + 1], 0, xs, ys)
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
                    if valid.size == 0 or valid[row, column]:
                        share = down * (min(x1, column + 1.0) - max(x0, float(column)))
                        total += share * pixels[row, column]
                        weights += share
            if weights > 1e-6:
                value = total / weights
                if low < high:
                    value = min(max(np.floor(value + 0.5), low), high)
                out[r, c] = value
                ok[r, c] = True
