"""Compiled loops: the source pixel under the centre of every output pixel. No types, numba infers them.

Sources come as C-contiguous arrays of fewer than 2**31 pixels, `segments` and `first` as in Control.
"""

# mypy: disable-error-code="no-untyped-def, assignment"
# ruff: noqa: ANN001, ANN201, PLR0124

from __future__ import annotations

import numpy as np

from gpu.compiled import EPSILON, VALID, jit

BYTE, TWO, THREE, FOUR = np.uint32(0xFF), np.uint32(0xFFFF), np.uint32(0xFFFFFF), np.uint32(0xFFFFFFFF)
B, C, D = np.uint32(8), np.uint32(16), np.uint32(24)
"""So many bytes of a word, and where its second, third and fourth begin. Plain numbers would make words of 64 bits."""


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
        last = float(part.shape[0] - 1)
        left, right, top, bottom = x0 + EPSILON, x0 + dx * last + EPSILON, y0 + EPSILON, y0 + dy * last + EPSILON
        across_inside = (left >= 0) & (right >= 0) & (left < width) & (right < width)
        if across_inside & (top >= 0) & (bottom >= 0) & (top < height) & (bottom < height):
            # so are all between its ends
            if int(top) == int(bottom):
                row = np.int32(top) * across
                for i in range(part.shape[0]):
                    part[i] = row + np.int32(x0 + dx * float(np.int32(i)) + EPSILON)
            else:
                for i in range(part.shape[0]):
                    step = float(np.int32(i))
                    row = np.int32(y0 + dy * step + EPSILON) * across
                    part[i] = row + np.int32(x0 + dx * step + EPSILON)
        else:
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


@jit
def first_rgb_kernel(red, green, blue, table_r, table_g, table_b, segments, first, pixels, alpha):
    """`rgb_kernel` for a picture that is still empty, of a width that four divides, over a window no larger than it.

    Bands are looked up together where they are stored, then moved as words of four bytes: red in the lowest, green,
    blue, 1 where there is a value. `pixels` (height, 3/4 width) and `alpha` (height, width/4) are little-endian words.
    """
    height, width = red.shape
    count = height * width
    red, green, blue = red.reshape(count), green.reshape(count), blue.reshape(count)
    words = np.empty(count + 1, np.uint32)
    words[0] = 0  # for what lies outside
    for i in range(count):
        a, b, d = np.uint32(table_r[red[i]]), np.uint32(table_g[green[i]]), np.uint32(table_b[blue[i]])
        words[i + 1] = (a & BYTE) | (b & BYTE) << B | (d & BYTE) << C | ((a | b | d) >> B) << D
    places = np.empty(4 * alpha.shape[1], np.int32)
    line = np.empty(places.shape[0], np.uint32)
    missing = 0
    for r in range(pixels.shape[0]):
        row_places(segments, first[r], first[r + 1], height, width, places)
        every = np.uint32(1)
        for c in range(places.shape[0]):
            line[c] = words[np.uint32(places[c] + np.int32(1))]
            every &= line[c] >> D
        packed, shown = pixels[r], alpha[r]
        for q in range(shown.shape[0]):
            a, b, d, e = line[4 * q], line[4 * q + 1], line[4 * q + 2], line[4 * q + 3]
            packed[3 * q] = (a & THREE) | b << D
            packed[3 * q + 1] = (b >> B & TWO) | d << C
            packed[3 * q + 2] = (d >> C & BYTE) | e << B
        if every:
            shown[:] = FOUR
            continue
        for q in range(shown.shape[0]):
            a, b, d, e = line[4 * q] >> D, line[4 * q + 1] >> D, line[4 * q + 2] >> D, line[4 * q + 3] >> D
            shown[q] = BYTE * (a | b << B | d << C | e << D)
            missing += 4 - np.int64(a + b + d + e)
    return missing
