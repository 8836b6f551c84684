"""Compiled loops: the source pixel under the centre of every output pixel. No types, numba infers them.

Sources come as C-contiguous arrays of fewer than 2**31 pixels, `segments` and `first` as in Control.
"""

# mypy: disable-error-code="no-untyped-def, assignment"
# ruff: noqa: ANN001, ANN201, PLR0124

from __future__ import annotations

import numpy as np

from gpu.compiled import EPSILON, VALID, jit


@jit
def row_places(segments, begin, end, height, width, places):
    """Index of the source pixel of each pixel of one output row, -1 outside. 32 bits, so that it is vectorised."""
    across = np.int32(width)
    places[:] = -1
    for s in range(begin, end):
        start = int(segments[s, 0])
        stop = int(segments[s + 1, 0]) if s + 1 < end else places.shape[0]
        x0, dx, y0, dy = segments[s, 1], segments[s, 2], segments[s, 3], segments[s, 4]
        part = places[start:stop]
        for i in range(part.shape[0]):
            step = float(np.int32(i))
            x, y = x0 + dx * step + EPSILON, y0 + dy * step + EPSILON
            inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
            part[i] = np.int32(y) * across + np.int32(x) if inside else -1


@jit
def nearest_kernel(pixels, segments, first, row0, out, inside):
    """Moves whole words; `inside` says where there was a source pixel."""
    height, width = pixels.shape
    flat = pixels.reshape(height * width)
    places = np.empty(out.shape[1], np.int32)
    for r in range(out.shape[0]):
        row_places(segments, first[row0 + r], first[row0 + r + 1], height, width, places)
        words, there = out[r], inside[r]
        for c in range(places.shape[0]):
            place = places[c]
            there[c] = place >= 0
            if place >= 0:  # an expression of both would turn 64-bit words into floats
                words[c] = flat[place]
            else:
                words[c] = 0


@jit
def value_kernel(pixels, mask, nodata, scale, offset, segments, first, row0, values, ok):
    """Physical values in float64; `ok` stays where the stored value means something. `nodata` NaN: none."""
    height, width = pixels.shape
    flat, shown = pixels.reshape(height * width), mask.reshape(mask.size)
    places = np.empty(values.shape[1], np.int32)
    for r in range(values.shape[0]):
        row_places(segments, first[row0 + r], first[row0 + r + 1], height, width, places)
        line, good = values[r], ok[r]
        for c in range(places.shape[0]):
            place = places[c]
            if place < 0:
                line[c] = 0.0
                good[c] = False
                continue
            value = flat[place]
            if value != value or value == nodata or (shown.shape[0] > 0 and shown[place] == 0):
                good[c] = False
            line[c] = value * scale + offset


@jit
def level_kernel(pixels, table, segments, first, levels):
    """Levels by a table of stored values where there is none yet; returns how many are still missing."""
    height, width = pixels.shape
    flat = pixels.reshape(height * width)
    places = np.empty(levels.shape[1], np.int32)
    missing = 0
    for r in range(levels.shape[0]):
        row_places(segments, first[r], first[r + 1], height, width, places)
        line = levels[r]
        for c in range(places.shape[0]):
            place = places[c]
            if line[c] < VALID:
                level = table[flat[place]] if place >= 0 else np.uint16(0)
                line[c] = level
                missing += level < VALID
    return missing


@jit
def rgb_kernel(red, green, blue, table_r, table_g, table_b, segments, first, pixels, alpha):
    """Three bands of one grid through tables into pixels without alpha; returns how many are still missing."""
    height, width = red.shape
    count = height * width
    red, green, blue = red.reshape(count), green.reshape(count), blue.reshape(count)
    places = np.empty(pixels.shape[1], np.int32)
    missing = 0
    for r in range(pixels.shape[0]):
        row_places(segments, first[r], first[r + 1], height, width, places)
        line, shown = pixels[r], alpha[r]
        for c in range(places.shape[0]):
            if shown[c] != 0:
                continue
            place = places[c]
            if place < 0:
                missing += 1
                continue
            a, b, d = table_r[red[place]], table_g[green[place]], table_b[blue[place]]
            if (a | b | d) & VALID:
                line[c, 0], line[c, 1], line[c, 2] = a & 255, b & 255, d & 255
                shown[c] = 255
            else:
                missing += 1
    return missing
