"""Where output pixels lie in a source: GDAL's approximate transformer, from exact points; polynomial.py has the other.

GDAL's warper transforms the two ends and the middle of a row exactly and fills in straight lines where the
middle is less than 0.125 px off; else it halves the row. A place that such a line puts less than a pixel beside the
source is transformed once more, exactly. Here the same, so that the same pixels are taken.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from gpu.backend import PIECE, Control
from tileserver import polynomial
from tileserver.polynomial import EDGES, SHORT, TOLERANCE, Evaluate, Floats, Reach

jit = numba.njit(nogil=True, cache=True)


def extent(evaluate: Evaluate, width: int, height: int) -> Reach | None:
    """Range of x and of y along the edges of a picture, None where any point has no place."""
    xs, ys = evaluate(EDGES[0] * width, EDGES[1] * height)
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        return None
    return (float(xs.min()), float(xs.max())), (float(ys.min()), float(ys.max()))


def extents(evaluate: Evaluate, width: int, height: int) -> Floats:
    """(down, across, 4) least and greatest x and y along the edges of every piece, NaN where a point has no place."""
    lefts, tops = np.arange(0, width, PIECE[1]), np.arange(0, height, PIECE[0])
    columns = lefts[:, None] + np.minimum(width - lefts, PIECE[1])[:, None] * EDGES[0]
    rows = tops[:, None] + np.minimum(height - tops, PIECE[0])[:, None] * EDGES[1]
    shape = len(tops), len(lefts), len(EDGES[0])
    places = evaluate(np.broadcast_to(columns, shape).ravel(), np.broadcast_to(rows[:, None], shape).ravel())
    x, y = (np.where(np.isfinite(axis), axis, np.nan).reshape(shape) for axis in places)
    return np.stack([x.min(axis=2), x.max(axis=2), y.min(axis=2), y.max(axis=2)], axis=2)


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
    flat = np.zeros((2, polynomial.ORDER, polynomial.ORDER))
    polynomial.fit(lambda columns, lines: (columns, lines), 8, 1)
    polynomial.reaches(flat, 8, 1)
    bounds(polynomial.rows(flat, 8, 1), 8)
