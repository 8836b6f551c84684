"""Source pixels on the output grid, as GDAL's warper does it.

An output pixel is valid where the source pixel that contains its centre is valid. Bilinear and cubic weigh
the valid pixels around it, and widen by 1 / stretch where the picture is coarser than the source.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import PIECE, Control, Resampling, Source, Stretch
from gpu.compiled import contiguous
from gpu.cpu.nearest import nearest_kernel, value_kernel
from gpu.cpu.smooth import average_kernel, complete_kernel, interpolate_kernel, reach_of

KERNEL_TYPES = ("uint8", "uint16", "int16", "float32", "float64")
"""Types that the kernels of values are compiled for; others pass through float64."""
LARGEST = 2**31 - 1
"""Pixels of a source."""
WORDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
WIDE = 1 << 20
"""Pixels up to which a window is float64, which is quicker; larger ones are float32 where nothing is lost."""
Floats = NDArray[np.float64]
NO_MASK, ALL_VALID = np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.bool_)


def warp(source: Source, width: int, rows: slice, resampling: Resampling) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Stored values and validity of some output rows, (rows, width) each."""
    control = _control(source, rows)
    if control is None:
        return _here(source, width, rows)
    if resampling == "nearest" or 0 in source.pixels.shape:
        return _nearest(source, control, width, rows)
    out, ok = _interpolated([source], _valid(source), control, width, rows, resampling)
    return out[0], ok


def warp_alike(
    sources: Sequence[Source], width: int, rows: slice, resampling: Resampling
) -> list[tuple[NDArray[Any], NDArray[np.bool_]]]:
    """What `warp` gives of each; together where bands of one type, shape, control and stretch are valid alike."""
    first = sources[0]
    control = _control(first, rows)
    valid = [_valid(source) for source in sources]
    if resampling == "nearest" or control is None or any(not np.array_equal(valid[0], other) for other in valid):
        return [warp(source, width, rows, resampling) for source in sources]
    out, ok = _interpolated(sources, valid[0], control, width, rows, resampling)
    return [(plane, ok) for plane in out]


def physical(
    source: Source, rows: slice, resampling: Resampling, *, unscale: bool, values: Floats, valid: NDArray[np.bool_]
) -> None:
    """Physical values of some output rows into `values`, (rows, width); clears `valid` where there is none."""
    scale, offset = (source.scale, source.offset) if unscale else (1.0, 0.0)
    control = _control(source, rows)
    pixels = source.pixels
    if resampling == "nearest" and control is not None and _compiled(pixels.dtype) and pixels.size:
        places = (control.segments, control.first, rows.start)
        numbers = (_nodata(source), float(scale), float(offset))
        value_kernel(contiguous(pixels), _mask(source), *numbers, *places, values, valid)
        return
    values[...], ok = warp(source, values.shape[1], rows, resampling)
    values *= scale
    values += offset
    valid &= ok


def valid_pixels(pixels: NDArray[Any], valid: NDArray[np.bool_] | None, nodata: float | None) -> NDArray[np.bool_]:
    """Where values mean something: inside the mask, not nodata, not NaN."""
    ok = np.ones(pixels.shape, np.bool_) if valid is None else valid.astype(np.bool_)
    if nodata is not None and not math.isnan(nodata) and _holds(pixels.dtype, nodata):
        ok &= pixels != pixels.dtype.type(nodata)
    if pixels.dtype.kind == "f":
        ok &= ~np.isnan(pixels)
    return ok


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    """Can this type store the value at all."""
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return value == math.floor(value) and limits.min <= value <= limits.max


def _control(source: Source, rows: slice) -> Control | None:
    """Where the rows lie. Raises ValueError for what the kernels cannot read."""
    control = source.control
    if control is not None and len(control.first) <= rows.stop:
        raise ValueError(f"a control of {len(control.first) - 1} rows for a picture of {rows.stop} or more")
    if source.pixels.size > LARGEST:
        raise ValueError(f"a source of {source.pixels.size} pixels; {LARGEST} are allowed")
    return control


def _compiled(dtype: np.dtype[Any]) -> bool:
    """Is there a kernel for this type."""
    return dtype.name in KERNEL_TYPES and dtype.isnative


def _mask(source: Source) -> NDArray[np.uint8]:
    return NO_MASK if source.valid is None else contiguous(source.valid).view(np.uint8)


def _nodata(source: Source) -> float:
    """As a pixel compares with it; NaN: none."""
    if source.nodata is None:
        return math.nan
    dtype = source.pixels.dtype
    return float(dtype.type(source.nodata)) if dtype.kind == "f" else float(source.nodata)


def _here(source: Source, width: int, rows: slice) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    pixels = source.pixels[rows, :width]
    if pixels.shape != (rows.stop - rows.start, width):
        raise ValueError(f"pixels of shape {source.pixels.shape} for a picture of {rows.stop} rows of {width}")
    valid = None if source.valid is None else source.valid[rows, :width]
    return pixels, valid_pixels(pixels, valid, source.nodata)


def _nearest(source: Source, control: Control, width: int, rows: slice) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    shape = (rows.stop - rows.start, width)
    dtype = source.pixels.dtype
    word = WORDS[dtype.itemsize]
    out, inside = np.empty(shape, dtype), np.empty(shape, np.bool_)
    segments, first = control.segments, control.first
    nearest_kernel(contiguous(source.pixels).view(word), segments, first, rows.start, out.view(word), inside)
    if source.valid is not None:
        masked = np.empty(shape, np.uint8)
        nearest_kernel(_mask(source), segments, first, rows.start, masked, inside)
        inside &= masked != 0
    return out, valid_pixels(out, inside, source.nodata)


def _valid(source: Source) -> NDArray[np.bool_]:
    """Valid pixels as kernels take them."""
    valid = valid_pixels(source.pixels, source.valid, source.nodata)
    return ALL_VALID if valid.all() else contiguous(valid)


def _interpolated(
    sources: Sequence[Source],
    valid: NDArray[np.bool_],
    control: Control,
    width: int,
    rows: slice,
    resampling: Resampling,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """(sources, rows, width) of bands that differ in their values only, and their validity."""
    first = sources[0]
    dtype = first.pixels.dtype
    small = np.can_cast(dtype, np.float32) and first.pixels.size > WIDE
    pixels = np.empty((len(sources), *first.pixels.shape), np.float32 if small else np.float64)
    for plane, source in zip(pixels, sources, strict=True):
        plane[...] = source.pixels
    low, high = (0.0, 0.0) if dtype.kind == "f" else (float(np.iinfo(dtype).min), float(np.iinfo(dtype).max))
    shape = (rows.stop - rows.start, width)
    out, ok = np.empty((len(sources), *shape)), np.empty(shape, np.bool_)
    places = (control.segments, control.first, rows.start)
    if resampling == "average":
        x, y = (float(axis) for axis in first.stretch)
        for plane, made in zip(pixels, out, strict=True):
            average_kernel(plane, valid, *places, 0.5 / x, 0.5 / y, low, high, made, ok)
    else:
        kind = 1 if resampling == "bilinear" else 2
        complete: dict[tuple[int, int], NDArray[np.bool_]] = {}
        for area, (x, y) in _areas(first, width, rows):
            reach = reach_of(kind, x, y)[3:]
            if reach not in complete:
                complete[reach] = complete_kernel(valid, *reach)
            interpolate_kernel(pixels, valid, complete[reach], *places, kind, area, x, y, low, high, out, ok)
    return out.astype(dtype), ok


def _areas(source: Source, width: int, rows: slice) -> Iterator[tuple[tuple[int, int, int, int], Stretch]]:
    """Top, bottom, left and right of the parts of some output rows that share a stretch, and that."""
    count = rows.stop - rows.start
    if not source.pieces:
        x, y = source.stretch
        yield (0, count, 0, width), (float(x), float(y))
        return
    high, wide = PIECE
    for i in range(rows.start // high, -(-rows.stop // high)):
        top, bottom = max(i * high - rows.start, 0), min((i + 1) * high - rows.start, count)
        for j, (x, y) in enumerate(source.pieces[i]):
            yield (top, bottom, j * wide, min((j + 1) * wide, width)), (float(x), float(y))
