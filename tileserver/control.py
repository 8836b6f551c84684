"""Where output pixels lie in a source: GDAL's approximate transformer, from polynomials or exact points.

GDAL's warper transforms the two ends and the middle of a row exactly and fills in straight lines where the
middle is less than 0.125 px off; else it halves the row. A place that such a line puts less than a pixel beside the
source is transformed once more, exactly. Here the same, so that the same pixels are taken.
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
Evaluate = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Picture columns and rows (pixel centres at .5) to source pixels; not finite where there is no place."""
Reach = tuple[tuple[float, float], tuple[float, float]]
"""Least and greatest x, least and greatest y."""

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
_ACROSS = np.concatenate([np.tile(_NODES, ORDER), np.tile(_TESTS, len(_TESTS))])
_DOWN = np.concatenate([np.repeat(_NODES, ORDER), np.repeat(_TESTS, len(_TESTS))])
_STEPS = np.linspace(0.0, 1.0, EDGE_STEPS)
EDGES = (
    np.concatenate([_STEPS, _STEPS, np.zeros(EDGE_STEPS), np.ones(EDGE_STEPS)]),
    np.concatenate([np.zeros(EDGE_STEPS), np.ones(EDGE_STEPS), _STEPS, _STEPS]),
)
"""Columns and rows along the four edges of a picture of side 1."""
_EDGE_ACROSS, _EDGE_DOWN = (np.polynomial.chebyshev.chebvander(2 * steps - 1, ORDER - 1) for steps in EDGES)

jit = numba.njit(nogil=True, cache=True)


def fit(evaluate: Evaluate, width: int, height: int) -> Floats | None:
    """(2, ORDER, ORDER) Chebyshev coefficients of x and y, None where they miss by a millionth of a pixel."""
    xs, ys = evaluate((_ACROSS + 1) / 2 * width, (_DOWN + 1) / 2 * height)
    count = ORDER * ORDER
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        return None
    out = np.empty((2, ORDER, ORDER))
    for axis, values in enumerate((xs, ys)):
        out[axis] = _INVERSE @ values[:count].reshape(ORDER, ORDER) @ _INVERSE.T
        fitted = _TEST_MATRIX @ out[axis] @ _TEST_MATRIX.T
        if np.abs(fitted.ravel() - values[count:]).max() > 1e-6:
            return None
    return out


def reach(coefficients: Floats) -> Reach:
    """Range of x and of y along the edges of a picture whose places a polynomial gives."""
    # without the noise of a sum, a picture that ends where a pixel does, does not touch the next
    x, y = (np.round((_EDGE_DOWN @ part * _EDGE_ACROSS).sum(axis=1), 6) for part in coefficients)
    return (float(x.min()), float(x.max())), (float(y.min()), float(y.max()))


def extent(evaluate: Evaluate, width: int, height: int) -> Reach | None:
    """Range of x and of y along the edges of a picture, None where any point has no place."""
    xs, ys = evaluate(EDGES[0] * width, EDGES[1] * height)
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        return None
    return (float(xs.min()), float(xs.max())), (float(ys.min()), float(ys.max()))


def polynomial(coefficients: Floats, width: int, height: int) -> Evaluate:
    """The places that a picture's polynomial gives."""

    def evaluate(columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
        across = np.polynomial.chebyshev.chebvander(2 * columns / width - 1, ORDER - 1)
        down = np.polynomial.chebyshev.chebvander(2 * rows / height - 1, ORDER - 1)
        x, y = ((down @ part * across).sum(axis=1) for part in coefficients)
        return x, y

    return evaluate


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
def _rows(coefficients, width, height, piece, tolerance, segments, first):
    """Fills segments and first; returns how many, -1 without room."""
    count = 0
    sx, sy = np.empty(ORDER), np.empty(ORDER)
    stack = np.empty((64, 2), np.int64)
    for r in range(height):
        first[r] = count
        v = 2 * (r + 0.5) / height - 1
        _collapse(coefficients[0], v, sx)
        _collapse(coefficients[1], v, sy)
        if count + width > segments.shape[0]:
            return -1
        for begin in range(0, width, piece):
            stack[0, 0], stack[0, 1] = begin, min(begin + piece, width)
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
    first[height] = count
    return count


def from_polynomial(coefficients: Floats, width: int, height: int, piece: int | None = None) -> Control:
    """Control rows of a picture whose places a polynomial gives; no line is longer than a `piece`."""
    first = np.empty(height + 1, np.int64)
    room = height * 4 + width
    while True:
        segments = np.empty((room, 5))
        count = _rows(coefficients, width, height, piece or width, TOLERANCE, segments, first)
        if count >= 0:
            return Control(segments=segments[:count].copy(), first=first)
        room *= 4


def from_points(evaluate: Evaluate, width: int, height: int, piece: int | None = None) -> Control:
    """Control rows of a picture by exact points, level by level; for grids that no polynomial follows."""
    starts = np.arange(0, width, piece or width)
    begin, rows = np.tile(starts, height), np.repeat(np.arange(height), len(starts))
    pieces = np.column_stack([rows, begin, np.minimum(begin + (piece or width), width)])
    found: list[Floats] = []
    while len(pieces):
        short = pieces[:, 2] - pieces[:, 1] <= SHORT
        lines, halves = _lines(evaluate, pieces[~short])
        lost = ~np.isfinite(lines[:, 3:]).all(axis=1)
        single = np.concatenate([pieces[short], lines[lost, :3].astype(np.int64)])
        found += [np.delete(lines[~lost], 2, axis=1), _singles(evaluate, single)]
        pieces = halves
    return _in_order(np.concatenate(found), height)


def resampled(rows: Control, size: tuple[int, int], out: tuple[int, int]) -> Control:
    """Control rows of a picture taken by nearest neighbour from a finer one, both (width, height)."""
    xs, ys = positions(rows, size[0])
    columns = ((np.arange(out[0]) + 0.5) * size[0] / out[0] + 1e-10).astype(np.int64)
    lines = ((np.arange(out[1]) + 0.5) * size[1] / out[1] + 1e-10).astype(np.int64)
    segments = np.zeros((out[1], out[0], 5))
    segments[..., 0] = np.arange(out[0])
    segments[..., 1] = xs[np.ix_(lines, columns)]
    segments[..., 3] = ys[np.ix_(lines, columns)]
    return Control(segments=segments.reshape(-1, 5), first=np.arange(out[1] + 1) * out[0])


@jit
def _bounds(segments, first, width):
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for row in range(first.shape[0] - 1):
        for index in range(first[row], first[row + 1]):
            stop = segments[index + 1, 0] if index + 1 < first[row + 1] else width
            for axis in range(2):
                at = segments[index, 1 + 2 * axis]
                for place in (at, at + segments[index, 2 + 2 * axis] * (stop - segments[index, 0] - 1)):
                    if np.isfinite(place):
                        low[axis], high[axis] = min(low[axis], place), max(high[axis], place)
    return low, high


def bounds(rows: Control, width: int) -> tuple[Floats, Floats]:
    """Least and greatest x and y of all places of a picture; infinite, and crossed, if there are none."""
    low, high = _bounds(rows.segments, rows.first, width)
    return low, high


def _in_order(table: Floats, height: int) -> Control:
    """Segments of (row, start, x, dx, y, dy) in any order as control rows."""
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    first = np.searchsorted(table[:, 0], np.arange(height + 1)).astype(np.int64)
    return Control(segments=np.ascontiguousarray(table[:, 1:]), first=first)


def positions(rows: Control, width: int) -> tuple[Floats, Floats]:
    """X and y of every pixel of a picture, (height, width) each."""
    count = lengths(rows, width)
    pixels, step = np.repeat(rows.segments, count, axis=0), _steps(count)
    x, y = pixels[:, 1] + pixels[:, 2] * step, pixels[:, 3] + pixels[:, 4] * step
    return x.reshape(-1, width), y.reshape(-1, width)


def lengths(rows: Control, width: int) -> NDArray[np.int64]:
    """How many pixels of a picture each segment describes."""
    stops = np.append(rows.segments[1:, 0], width)
    stops[rows.first[1:-1] - 1] = width
    return (stops - rows.segments[:, 0]).astype(np.int64)


def _steps(count: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, 2, … within each of several runs."""
    return np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)


def _singles(evaluate: Evaluate, pieces: NDArray[np.int64]) -> Floats:
    """Every pixel of (row, start, stop) pieces as a segment of its own."""
    count = pieces[:, 2] - pieces[:, 1]
    rows = np.repeat(pieces[:, 0], count).astype(np.float64)
    columns = (np.repeat(pieces[:, 1], count) + _steps(count)).astype(np.float64)
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


def warm() -> None:
    """Compile or load the kernels."""
    bounds(from_polynomial(np.zeros((2, ORDER, ORDER)), 8, 1), 8)
