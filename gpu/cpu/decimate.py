"""A band from a finer picture by convolution, as GDAL's RasterIO makes fewer pixels of a raster.

Along an axis an output pixel is the weighted mean of the finer pixels under a kernel as wide as their ratio, rows
first, then columns. Invalid pixels have no weight.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Resampling, Source
from gpu.compiled import jit
from gpu.cpu.warp import warp

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Size = tuple[int, int]
"""Height and width."""

SINGLE = ("uint8", "int8", "uint16", "int16", "float32")
"""Types whose sums become float32; those of others stay float64."""
ALL_VALID = np.zeros((0, 0), np.bool_)

Axis = tuple[NDArray[np.int64], Floats, NDArray[np.int64], NDArray[np.int64]]
"""What lies under the kernels along an axis: (out,) the first pixel that has a weight; (most, out) weights, with the
sum 1; (out,) the first pixel under the kernel, and the one after the last."""
Kind = tuple[bool, float, float, float, float]
"""What a type can hold: whether sums become float32; the least and the greatest number if these are whole ones; the
number that no valid pixel may have, NaN if there is none, and what is written instead."""


def smoothed_twice(source: Source, view: Size, size: Size, resampling: Resampling) -> Source:
    """A source on a grid, bilinear or cubic by way of a finer picture: `control` and `pieces` are those of `view`."""
    pixels, valid = warp(source, view[1], slice(0, view[0]), resampling)
    pixels, valid = decimated(pixels, valid, size, resampling, source.nodata)
    return replace(source, pixels=pixels, valid=valid, control=None, stretch=(1.0, 1.0), pieces=(), key=None)


def decimated(
    pixels: NDArray[Any], valid: Bools, size: Size, resampling: Resampling, nodata: float | None
) -> tuple[NDArray[Any], Bools]:
    """A band of a size from a finer one (height, width), which is 0 where it is not valid, and its validity.

    With `nodata` valid pixels take other values. Without it GDAL counts the zeros of invalid pixels, in an alpha band
    as in others; valid is what is opaque after all.
    """
    radius = 1 if resampling == "bilinear" else 2
    down, across = (_axis(fine, wanted, radius) for fine, wanted in zip(pixels.shape, size, strict=True))
    values, kind, cubic = pixels.astype(np.float64), _kind(pixels.dtype, nodata), resampling == "cubic"
    masked = not valid.all()
    if nodata is not None and kind[1] < kind[2]:
        taken = valid & (pixels == nodata)
        if taken.any():
            values[taken] += 1.0 if nodata == kind[1] else -1.0  # as GDAL's warper does
    counted = valid if masked and nodata is not None else ALL_VALID
    out, ok = np.empty(size), np.empty(size, np.bool_)
    convolve_kernel(values, counted, down, across, cubic, kind, out, ok)
    if masked and nodata is None:
        alpha, opaque = np.empty(size), 255.0 if pixels.dtype.kind == "f" else kind[2]
        convolve_kernel(valid * opaque, counted, down, across, cubic, (True, *kind[1:]), alpha, ok)
        ok = alpha == opaque
    return out.astype(pixels.dtype), ok


def _kind(dtype: np.dtype[Any], nodata: float | None) -> Kind:
    single = dtype.name in SINGLE
    taboo = np.nan if nodata is None else float(nodata)
    if dtype.kind == "f":
        return single, 0.0, 0.0, taboo, float(np.nextafter(dtype.type(taboo), np.finfo(dtype).max))
    low, high = float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
    return single, low, high, taboo, taboo - 1.0 if taboo == high else taboo + 1.0


@lru_cache(256)
def _axis(fine: int, size: int, radius: int) -> Axis:
    """The kernels of `size` pixels over `fine` ones."""
    ratio = fine / size
    scale = min(1.0 / ratio, 1.0)
    centre = (np.arange(size) + 0.5) * ratio
    start = np.maximum(np.floor(centre - radius / scale + 0.5).astype(np.int64), 0)
    stop = np.minimum((centre + radius / scale + 0.5).astype(np.int64), fine)
    most = int((stop - start).max())
    first = np.minimum(start, fine - most)
    places = first + np.arange(most)[:, None]
    weights = _weights(np.abs(scale * (places - centre + 0.5)), radius)
    weights[(places < start) | (places >= stop)] = 0.0
    return first, weights / weights.sum(axis=0), start, stop


def _weights(distance: Floats, radius: int) -> Floats:
    """The triangle of radius 1, cubic convolution (a = -0.5) of radius 2."""
    t = distance
    if radius == 1:
        return np.maximum(1.0 - t, 0.0)
    near, far = t * t * (1.5 * t - 2.5) + 1.0, t * (t * (-0.5 * t + 2.5) - 4.0) + 2.0
    return np.where(t <= 1.0, near, np.where(t <= 2.0, far, 0.0))


@jit
def row_sums(row, first, weights, out):
    """Weighted sums of pixels of a row; three at a time, since loads and stores of sums take longest."""
    many = weights.shape[0]
    out[:] = 0.0
    for i in range(0, many - 2, 3):
        one, two, three, step = weights[i], weights[i + 1], weights[i + 2], np.uint32(i)
        for c in range(out.shape[0]):
            at = np.uint32(first[c]) + step
            line = one[c] * row[at] + two[c] * row[at + np.uint32(1)]
            out[c] += line + three[c] * row[at + np.uint32(2)]
    for i in range(many - many % 3, many):
        one, step = weights[i], np.uint32(i)
        for c in range(out.shape[0]):
            out[c] += one[c] * row[np.uint32(first[c]) + step]


@jit
def longest(valid, start, stop):
    """Most valid pixels in a row from `start` to `stop`."""
    best, run = 0, 0
    for place in range(start, stop):
        run = run + 1 if valid[place] else 0
        best = max(best, run)
    return best


@jit
def means(totals, shares, valid, start, stop, cubic):
    """Divides a row's sums by the shares of their weights, which become 1, and 0 where there is no mean.

    `valid` are the pixels under each kernel, or under all of them, from `start` to `stop`; a cubic kernel wants half of
    them in one piece.
    """
    for c in range(totals.shape[0]):
        there = shares[c] > 0.0
        if cubic and there:
            begin, end = start[min(c, start.shape[0] - 1)], stop[min(c, stop.shape[0] - 1)]
            there = longest(valid[min(c, valid.shape[0] - 1)], begin, end) >= (end - begin) // 2
        totals[c], shares[c] = (totals[c] / shares[c], 1.0) if there else (0.0, 0.0)


@jit
def settle(row, single, low, high, taboo, instead):
    """Sums as numbers of a type."""
    for c in range(row.shape[0]):
        value = row[c]
        if single:
            near = np.float32(value)
            if low < high:
                near = np.trunc(near + np.copysign(np.float32(0.5), near))
            value = np.float64(near)
        elif low < high:
            value = np.trunc(value + np.copysign(0.5, value))
        if low < high:
            value = min(max(value, low), high)
        row[c] = instead if value == taboo else value


@jit
def convolve_kernel(values, valid, down, across, cubic, kind, out, ok):
    """Means of (height, width) under the kernels of `out`, of the `valid` pixels alone, and whether there are any.

    Other pixels are 0; `valid` is of size 0 where all are.
    """
    first_down, weights_down, start_down, stop_down = down
    first_across, weights_across, start_across, stop_across = across
    single, low, high, taboo, instead = kind
    height, columns = values.shape[0], out.shape[1]
    lines, whole = np.empty((height, columns)), np.ones(height, np.bool_)
    shares = np.ones((height if valid.size else 0, columns))
    for r in range(height):
        row_sums(values[r], first_across, weights_across, lines[r])
        if valid.size and not valid[r].all():
            whole[r] = False
            row_sums(valid[r].astype(np.float64), first_across, weights_across, shares[r])
            means(lines[r], shares[r], valid[r : r + 1], start_across, stop_across, cubic)
    share = np.empty(columns)
    for r in range(out.shape[0]):
        row, complete = out[r], True
        row[:], share[:], ok[r] = 0.0, 0.0, True
        for i in range(weights_down.shape[0]):
            weight, line = weights_down[i, r], lines[first_down[r] + i]
            complete &= whole[first_down[r] + i]
            for c in range(columns):
                row[c] += weight * line[c]
        if not complete:
            for i in range(weights_down.shape[0]):
                weight, line = weights_down[i, r], shares[first_down[r] + i]
                for c in range(columns):
                    share[c] += weight * line[c]
            means(row, share, shares.T, start_down[r : r + 1], stop_down[r : r + 1], cubic)
            ok[r] = share > 0.0
        settle(row, single, low, high, taboo, instead)
        for c in range(columns):
            row[c] = row[c] if ok[r, c] else 0.0
