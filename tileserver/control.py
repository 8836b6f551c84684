"""Where output pixels lie in a source: GDAL's approximate transformer, from polynomials or exact points.

GDAL's warper transforms the two ends and the middle of a row exactly and fills in straight lines where the
middle is less than 0.125 px off; else it halves the row. It also halves pictures that the source fills by
less than half, which starts the lines anew: near a file's edges that decides single pixels. Here alike.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from gpu.backend import Control

Floats = NDArray[np.float64]
Rectangle = tuple[int, int, int, int]
"""Left column, top row, width, height of a part of a picture."""
Evaluate = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Picture columns and rows (pixel centres at .5) to source pixels; not finite where there is no place."""

TOLERANCE = 0.125
ORDER = 7
"""Chebyshev nodes along each axis."""
EDGE_STEPS = 21
SHORT = 5
"""Pieces of so few pixels are transformed one by one."""

_NODES = -np.cos(np.pi * (2 * np.arange(ORDER) + 1) / (2 * ORDER))
_INVERSE = np.linalg.inv(np.polynomial.chebyshev.chebvander(_NODES, ORDER - 1))
_TESTS = np.array([-1.0, -0.52, 0.11, 0.77, 1.0])
_TEST_MATRIX = np.polynomial.chebyshev.chebvander(_TESTS, ORDER - 1)

jit = numba.njit(nogil=True, cache=True)


def fit(evaluate: Evaluate, width: int, height: int) -> Floats | None:
    """(2, ORDER, ORDER) Chebyshev coefficients of x and y, None where they miss by 0.0001 px."""
    u = np.concatenate([np.tile(_NODES, ORDER), np.tile(_TESTS, len(_TESTS))])
    v = np.concatenate([np.repeat(_NODES, ORDER), np.repeat(_TESTS, len(_TESTS))])
    xs, ys = evaluate((u + 1) / 2 * width, (v + 1) / 2 * height)
    count = ORDER * ORDER
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        return None
    out = np.empty((2, ORDER, ORDER))
    for axis, values in enumerate((xs, ys)):
        out[axis] = _INVERSE @ values[:count].reshape(ORDER, ORDER) @ _INVERSE.T
        fitted = _TEST_MATRIX @ out[axis] @ _TEST_MATRIX.T
        if np.abs(fitted.ravel() - values[count:]).max() > 1e-4:
            return None
    return out


def polynomial(coefficients: Floats, width: int, height: int) -> Evaluate:
    """A fit as a function of picture columns and rows."""

    def evaluate(columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
        u, v = 2 * columns / width - 1, 2 * rows / height - 1
        across = np.polynomial.chebyshev.chebvander(u, ORDER - 1)
        down = np.polynomial.chebyshev.chebvander(v, ORDER - 1)
        x, y = (np.einsum("ni,ij,nj->n", down, part, across) for part in coefficients)
        return x, y

    return evaluate


def chunks(
    evaluate: Evaluate, picture: Rectangle, size: tuple[int, int], radius: int
) -> list[tuple[Rectangle, tuple[float, float]]]:
    """Parts of a picture that GDAL warps on their own, and the span of each in source pixels.

    `size` is (width, height) of the source, `radius` that of the kernel. Parts beyond the source are left out.
    """
    left, top, width, height = picture
    extent = _extent(evaluate, picture)
    if extent is None:
        return [(picture, (float(width), float(height)))]
    (x0, x1), (y0, y1) = extent
    if x0 > size[0] or x1 < 0 or y0 > size[1] or y1 < 0:
        return []
    across, x_span, x_reach = _window(x0, x1, size[0], width, radius)
    down, y_span, y_reach = _window(y0, y1, size[1], height, radius)
    area = max(1.0, (x1 - x0 + 2 * x_reach) * (y1 - y0 + 2 * y_reach))
    if across * down <= 0:
        return []
    if across * down / area >= 0.5 or max(width, height) <= 100:
        return [(picture, (x_span, y_span))]
    half, other = width // 2, height // 2
    if width > height:
        parts = [(left, top, half, height), (left + half, top, width - half, height)]
    else:
        parts = [(left, top, width, other), (left, top + other, width, height - other)]
    return [chunk for part in parts for chunk in chunks(evaluate, part, size, radius)]


def _extent(evaluate: Evaluate, part: Rectangle) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Range of x and of y along the edges of a part, None where any point has no place."""
    left, top, width, height = part
    steps = np.linspace(0.0, 1.0, EDGE_STEPS)
    across, down = left + steps * width, top + steps * height
    same = np.ones(EDGE_STEPS)
    columns = np.concatenate([across, across, left * same, (left + width) * same])
    rows = np.concatenate([top * same, (top + height) * same, down, down])
    xs, ys = evaluate(columns, rows)
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        return None
    return (float(xs.min()), float(xs.max())), (float(ys.min()), float(ys.max()))


def _window(low: float, high: float, size: int, out: int, radius: int) -> tuple[int, float, int]:
    """Source pixels that GDAL reads along an axis, the span that it scales by, the kernel's reach."""
    span = max(high - low, 1e-9)
    scale = max(1e-3, out / span)
    reach = int(np.ceil(radius / scale)) if scale < 0.95 else radius
    first, last = int(max(0.0, low)), int(min(np.ceil(high), size))
    if last - first > 0.9 * size:
        count = size
    else:
        start = max(0, min(first - reach, size))
        count = max(0, min(size - start, last - start + reach))
    return count, max(0.0, min(float(size - first), span)), reach


def stretch(out: int, span: float, count: float) -> float:
    """GDAL's scale of a kernel: output pixels per source pixel, 1 / whole where near."""
    if span <= 0 or (span <= out and count >= out):
        return 1.0
    scale = out / span
    if scale < 1.0:
        whole = int(1.0 / scale + 0.5)
        if abs(1.0 / scale - whole) < 0.05:
            scale = 1.0 / whole
    return scale


@jit
def _collapse(part, v, out):
    """One row of a 2-D Chebyshev series: out[j] = sum of part[i, j] T_i(v)."""
    before, now = 1.0, v
    for j in range(ORDER):
        out[j] = part[0, j] + part[1, j] * v
    for i in range(2, ORDER):
        after = 2 * v * now - before
        for j in range(ORDER):
            out[j] += part[i, j] * after
        before, now = now, after


@jit
def _at(series, u):
    """Clenshaw's sum of a Chebyshev series."""
    one, two = 0.0, 0.0
    for j in range(ORDER - 1, 0, -1):
        one, two = 2 * u * one - two + series[j], one
    return u * one - two + series[0]


@jit
def _rows(coefficients, parts, width, height, tolerance, segments, first):
    """Fills segments and first; returns how many, -1 without room. Parts go from left to right."""
    count = 0
    sx, sy = np.empty(ORDER), np.empty(ORDER)
    stack = np.empty((64, 2), np.int64)
    for r in range(height):
        first[r] = count
        v = 2 * (r + 0.5) / height - 1
        _collapse(coefficients[0], v, sx)
        _collapse(coefficients[1], v, sy)
        reached = 0
        for p in range(parts.shape[0]):
            if r < parts[p, 1] or r >= parts[p, 1] + parts[p, 3]:
                continue
            if count + width + 2 > segments.shape[0]:
                return -1
            if parts[p, 0] > reached:
                segments[count] = np.nan
                segments[count, 0] = reached
                count += 1
            reached = parts[p, 0] + parts[p, 2]
            stack[0, 0], stack[0, 1] = parts[p, 0], reached
            depth = 1
            while depth > 0:
                depth -= 1
                a, b = stack[depth, 0], stack[depth, 1]
                n = b - a
                if n <= SHORT:
                    for i in range(a, b):
                        u = 2 * (i + 0.5) / width - 1
                        segments[count, 0] = i
                        segments[count, 1], segments[count, 2] = _at(sx, u), 0.0
                        segments[count, 3], segments[count, 4] = _at(sy, u), 0.0
                        count += 1
                    continue
                middle = a + (n - 1) // 2
                u0, u1 = 2 * (a + 0.5) / width - 1, 2 * (b - 0.5) / width - 1
                um = 2 * (middle + 0.5) / width - 1
                x0, y0 = _at(sx, u0), _at(sy, u0)
                dx, dy = (_at(sx, u1) - x0) / (n - 1), (_at(sy, u1) - y0) / (n - 1)
                off = abs(x0 + dx * (middle - a) - _at(sx, um)) + abs(y0 + dy * (middle - a) - _at(sy, um))
                if off <= tolerance:
                    segments[count, 0] = a
                    segments[count, 1], segments[count, 2] = x0, dx
                    segments[count, 3], segments[count, 4] = y0, dy
                    count += 1
                else:
                    stack[depth, 0], stack[depth, 1] = middle, b
                    stack[depth + 1, 0], stack[depth + 1, 1] = a, middle
                    depth += 2
        if reached < width:
            segments[count] = np.nan
            segments[count, 0] = reached
            count += 1
    first[height] = count
    return count


def from_polynomial(coefficients: Floats, parts: list[Rectangle], width: int, height: int) -> Control:
    """Control rows of a picture whose places a polynomial gives."""
    rectangles = np.array(sorted(parts), np.int64).reshape(-1, 4)
    first = np.empty(height + 1, np.int64)
    room = height * 4 + (width + 2) * (len(parts) + 1)
    while True:
        segments = np.empty((room, 5))
        count = _rows(coefficients, rectangles, width, height, TOLERANCE, segments, first)
        if count >= 0:
            return Control(segments=segments[:count].copy(), first=first)
        room *= 4


def from_points(evaluate: Evaluate, parts: list[Rectangle], width: int, height: int) -> Control:
    """Control rows of a picture by exact points, level by level; for grids that no polynomial follows."""
    found: list[Floats] = [_gaps(parts, width, height)]
    pieces = np.concatenate(
        [
            np.array([(row, left, left + across) for row in range(top, top + down)], np.int64).reshape(-1, 3)
            for left, top, across, down in parts
        ]
        or [np.empty((0, 3), np.int64)]
    )
    while len(pieces):
        single = pieces[:, 2] - pieces[:, 1] <= SHORT
        found.append(_singles(evaluate, pieces[single]))
        lines, pieces = _lines(evaluate, pieces[~single])
        if len(lines):
            row, start, stop = lines[:, 0], lines[:, 1], lines[:, 2]
            broken = ~np.isfinite(lines[:, 3:]).all(axis=1)
            found.append(np.column_stack([row, start, lines[:, 3:]])[~broken])
            whole = np.column_stack([row, start, stop])[broken].astype(np.int64)
            found.append(_singles(evaluate, whole))
    table = np.concatenate(found)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    first = np.searchsorted(table[:, 0], np.arange(height + 1)).astype(np.int64)
    return Control(segments=np.ascontiguousarray(table[:, 1:]), first=first)


def _gaps(parts: list[Rectangle], width: int, height: int) -> Floats:
    """NaN segments (row, start, x, dx, y, dy) where no part covers a row."""
    covered = np.zeros((height, width), np.bool_)
    for left, top, across, down in parts:
        covered[top : top + down, left : left + across] = True
    starts = ~covered
    starts[:, 1:] &= covered[:, :-1]
    rows, columns = np.nonzero(starts)
    out = np.full((len(rows), 6), np.nan)
    out[:, 0], out[:, 1] = rows, columns
    return out


def _singles(evaluate: Evaluate, pieces: NDArray[np.int64]) -> Floats:
    """Every pixel of (row, start, stop) pieces as a segment of its own."""
    lengths = pieces[:, 2] - pieces[:, 1]
    rows = np.repeat(pieces[:, 0], lengths).astype(np.float64)
    steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    columns = (np.repeat(pieces[:, 1], lengths) + steps).astype(np.float64)
    out = np.zeros((len(rows), 6))
    if len(rows):
        xs, ys = evaluate(columns + 0.5, rows + 0.5)
        lost = ~(np.isfinite(xs) & np.isfinite(ys))
        out[:, 0], out[:, 1] = rows, columns
        out[:, 2], out[:, 4] = np.where(lost, np.nan, xs), np.where(lost, np.nan, ys)
    return out


def _lines(evaluate: Evaluate, pieces: NDArray[np.int64]) -> tuple[Any, NDArray[np.int64]]:
    """Pieces that straight lines describe, (row, start, stop, x, dx, y, dy), and the halves of the others."""
    if not len(pieces):
        return np.empty((0, 7)), pieces
    row, a, b = pieces.T
    n = b - a
    middle = a + (n - 1) // 2
    columns = np.concatenate([a, middle, b - 1]) + 0.5
    xs, ys = evaluate(columns, np.tile(row + 0.5, 3))
    (x0, xm, x1), (y0, ym, y1) = xs.reshape(3, -1), ys.reshape(3, -1)
    with np.errstate(invalid="ignore"):
        dx, dy = (x1 - x0) / (n - 1), (y1 - y0) / (n - 1)
        off = np.abs(x0 + dx * (middle - a) - xm) + np.abs(y0 + dy * (middle - a) - ym)
        done = ~(off > TOLERANCE)
        lost = ~np.isfinite(off)
    x0 = np.where(lost, np.nan, x0)
    lines = np.column_stack([row, a, b, x0, dx, y0, dy])[done]
    open_ = ~done
    halves = [np.column_stack([row, a, middle])[open_], np.column_stack([row, middle, b])[open_]]
    return lines, np.concatenate(halves)
