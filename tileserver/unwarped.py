"""Pictures in a file's own projection: nothing is warped, GDAL reads a window of the file onto them.

Where a picture reaches beyond the file, rasterio puts the file into a larger virtual raster. GDAL then rounds the
part of the picture that the file reaches outwards to whole pixels, and those take the file's outermost pixels. Where
such a picture is coarser than the file, GDAL first scales the virtual raster to whole pixels, which moves it by up to
a pixel, and then takes the nearest pixels whatever is asked. It does so for the first band that it reads of a file,
and for the others and for masks not: so do we for a lone band, and for none where several are shown together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Control, Stretch

Floats = NDArray[np.float64]
Size = tuple[int, int]
"""Width and height."""
Edge = Literal["", "rounded", "scaled"]
"""A picture within the file, one that reaches beyond it, and one for which GDAL scales the virtual raster first."""

NEAR_PIXEL = 1e-3
"""What a virtual raster takes for a whole pixel."""
EPSILON = 1e-10
"""Added before flooring a coordinate, as GDAL does."""
LEAST_VIRTUAL = 128
"""Sides of a virtual overview below which GDAL makes none."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a window of a file, and of the picture that shows it."""

    low: float
    length: float
    """The window in the file's pixels; may begin below 0 and end beyond the file."""
    size: int
    """The file's pixels."""
    out: int
    """The picture's pixels."""

    @property
    def inside(self) -> bool:
        """Is the whole window in the file."""
        return self.low >= 0 and self.low + self.length <= self.size


def window(
    bounds: tuple[float, float, float, float], transform: Sequence[float], size: Size, out: Size
) -> tuple[Axis, Axis]:
    """Where a picture of left, bottom, right, top lies in a north-up file: x = a * column + c, y = e * row + f.

    In the order of operations of rasterio.windows.from_bounds: the last bit says whether it is within the file.
    """
    left, bottom, right, top = bounds
    a, _, c, _, e, f = transform
    scale = 1.0 / (a * e)
    across, down = e * scale, a * scale
    first, last = left * across - c * across, right * across - c * across
    upper, lower = top * down - f * down, bottom * down - f * down
    return Axis(first, last - first, size[0], out[0]), Axis(upper, lower - upper, size[1], out[1])


@dataclass(frozen=True, slots=True)
class Span:
    """Which pixels of an axis of the picture the file fills, and from where."""

    first: int
    stop: int
    """Output pixels from `first` to before `stop`."""
    start: float
    """Where pixel `first` begins, in source pixels of full resolution; may lie beside the source."""
    step: float
    """Source pixels per output pixel."""
    count: int
    """Whole source pixels that GDAL counts when it chooses an overview."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What a file shows of a picture."""

    level: int
    rows: Control
    """In pixels of the level."""
    stretch: Stretch
    edge: Edge


def part(axes: tuple[Axis, Axis], levels: Sequence[Size], *, nearest: bool, lone: bool) -> Part | None:
    """Overview and control rows of a picture, None where the file does not touch it.

    `lone`: no other band of the file is read with this one.
    """
    edge: Edge = ""
    if axes[0].inside and axes[1].inside:
        x, y = (Span(0, axis.out, axis.low, axis.length / axis.out, max(1, int(axis.length))) for axis in axes)
    else:
        scales = _virtual_scales(axes, levels) if lone else None
        edge, nearest = ("scaled", True) if scales else ("rounded", nearest)
        found = [_beyond(axis, *scale) for axis, scale in zip(axes, scales or [(1.0, 1.0)] * 2, strict=True)]
        if found[0] is None or found[1] is None:
            return None
        x, y = found[0], found[1]
    level = best_level((x.count, y.count), (x.stop - x.first, y.stop - y.first), levels, nearest=nearest)
    places = [_pieces(*each) for each in zip((x, y), axes, levels[level], strict=True)]
    step_x, step_y = (
        span.step * size / axis.size for span, axis, size in zip((x, y), axes, levels[level], strict=True)
    )
    return Part(level, _control(places[0], places[1], axes[1].out), (1 / step_x, 1 / step_y), edge)


def best_level(counts: Sequence[float], out: Sequence[int], levels: Sequence[Size], *, nearest: bool) -> int:
    """The overview that GDAL reads (0: full resolution): nearest takes one up to 1.2 times too coarse."""
    wanted = min(count / side for count, side in zip(counts, out, strict=True))
    best, best_factor = 0, 0.0
    for index, size in enumerate(levels[1:] if wanted > 1.0 else (), 1):
        factor = min(whole / side for whole, side in zip(levels[0], size, strict=True))
        if best_factor < factor < wanted * (1.2 if nearest else 1.0) + 0.1:
            best, best_factor = index, factor
    return best


def _virtual_scales(axes: tuple[Axis, Axis], levels: Sequence[Size]) -> list[tuple[float, float]] | None:
    """For each axis how much smaller the file is in the virtual raster's overview, and the window there.

    None where GDAL takes the virtual raster itself.
    """
    whole = tuple(int(max(axis.size, axis.length) + 1) for axis in axes)
    virtual = [(whole[0], whole[1])]
    for size in levels[1:]:
        width, height = (
            int(0.5 + side * small / axis.size) for side, small, axis in zip(whole, size, axes, strict=True)
        )
        if abs(width - size[0]) <= 1 and abs(height - size[1]) <= 1:
            width, height = size
        if min(width, height) < LEAST_VIRTUAL:
            break
        virtual.append((width, height))
    window = [max(1, int(axis.length)) for axis in axes]
    level = best_level(window, [axis.out for axis in axes], virtual, nearest=True)
    if level == 0:
        return None
    return [
        (size / axis.size, small / large)
        for axis, size, small, large in zip(axes, levels[level], virtual[level], whole, strict=True)
    ]


def _beyond(axis: Axis, file_scale: float, window_scale: float) -> Span | None:
    """The span of a window that reaches beyond the file, in a virtual raster whose pixels are larger by the scales."""
    low, length, out = axis.low * file_scale, axis.length * window_scale, axis.out
    high = min(low + length, axis.size * file_scale)
    begin = max(low, 0.0)
    if high <= begin:
        return None
    start, end = begin / file_scale, high / file_scale
    whole = math.floor(start)
    if start - whole > 1.0 - NEAR_PIXEL:
        whole += 1
        start = float(whole)
    count = min(max(1, math.floor(end - begin / file_scale + 0.5)), axis.size - whole)
    step = length / out
    first, stop = 0, out
    if low < 0.0 or low + length > axis.size * file_scale:
        first = int((start * file_scale - low) / step + NEAR_PIXEL)
        stop = min(math.ceil((high - low) / step - NEAR_PIXEL), out)
        start, end = (low + first * step) / file_scale, (low + stop * step) / file_scale
    if stop <= first or count <= 0:
        return None
    return Span(first, stop, _snapped(start), _snapped(end - start) / (stop - first), count)


def _snapped(value: float) -> float:
    """A whole number where a value is one almost."""
    whole = math.floor(value + 0.5)
    return float(whole) if abs(value - whole) < NEAR_PIXEL else value


def _control(columns: Floats, rows: Floats, height: int) -> Control:
    """Control rows of straight pieces along both axes."""
    lines = np.zeros((height, len(columns), 5))
    lines[:, :, :3] = columns
    lines[:, :, 3] = _positions(rows, height)[:, None]
    return Control(segments=lines.reshape(-1, 5), first=np.arange(height + 1) * len(columns))


def _pieces(span: Span, axis: Axis, size: int) -> Floats:
    """(count, 3): first pixel, place and step of straight pieces of an axis of the picture; NaN where nothing is.

    Places are in pixels of a level of `size`; those beside it are taken to its outermost pixels.
    """
    scale = size / axis.size
    step, low = span.step * scale, (span.start + 0.5 * span.step) * scale
    count = span.stop - span.first
    places = low + step * np.arange(count) + EPSILON
    before, after = int((places < 0).sum()), int((places >= size).sum())
    pieces = [
        (0, span.first, math.nan, 0.0),
        (span.first, before, 0.0, 0.0),
        (span.first + before, count - before - after, low + before * step, step),
        (span.stop - after, after, size - NEAR_PIXEL, 0.0),
        (span.stop, axis.out - span.stop, math.nan, 0.0),
    ]
    return np.array([(first, place, step) for first, length, place, step in pieces if length > 0])


def _positions(pieces: Floats, out: int) -> Floats:
    """The place of every pixel of an axis."""
    length = np.diff(pieces[:, 0], append=out).astype(np.int64)
    first, place, step = np.repeat(pieces, length, axis=0).T
    return np.asarray(place + step * (np.arange(out) - first))
