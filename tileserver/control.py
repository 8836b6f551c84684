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


def extent(evaluate: Evaluate, width: int, height: int) -> tuple[tuple[float, float], ...] | None:
    """Range of x and of y along the edges of a picture, None where any point has no place."""
    steps = np.linspace(0.0, 1.0, EDGE_STEPS)
    low, high = np.zeros(EDGE_STEPS), np.ones(EDGE_STEPS)
    columns = np.concatenate([steps, steps, low, high]) * width
    rows = np.concatenate([low, high, steps, steps]) * height
    xs, ys = evaluate(columns, rows)
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        return None
    return (float(xs.min()), float(xs.max())), (float(ys.min()), float(ys.max()))


def stretch(reach: tuple[float, float], size: int, out: int, radius: int, *, margins: bool) -> float:
    """GDAL's scale of a kernel along an axis: output pixels per source pixel.

    `reach` is the range of the picture in a source of `size` pixels. For sources with a nodata value GDAL counts
    all pixels that it reads, `margins` for the kernel among them, else those under the picture. Near 1 / whole
    is snapped.
    """
    low, high = reach
    span = max(high - low, 1e-9)
    first, last = int(max(0.0, low)), int(min(np.ceil(high), size))
    wide = int(np.ceil(radius / max(out / span, 1e-3))) if out < 0.95 * span else radius
    start = max(0, first - wide)
    count: float = size if last - first > 0.9 * size else min(size - start, last - start + wide)
    if not margins:
        under = min(float(size - first), span)
        count = out if count >= out >= under else under
    if count <= 0:
        return 1.0
    scale = out / count
    whole = int(1.0 / scale + 0.5)
    return 1.0 / whole if scale < 1.0 and abs(1.0 / scale - whole) < 0.05 else scale


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
def _rows(coefficients, width, height, tolerance, segments, first):
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
        stack[0, 0], stack[0, 1] = 0, width
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


def from_polynomial(coefficients: Floats, width: int, height: int) -> Control:
    """Control rows of a picture whose places a polynomial gives."""
    first = np.empty(height + 1, np.int64)
    room = height * 4 + width
    while True:
        segments = np.empty((room, 5))
        count = _rows(coefficients, width, height, TOLERANCE, segments, first)
        if count >= 0:
            return Control(segments=segments[:count].copy(), first=first)
        room *= 4


def from_points(evaluate: Evaluate, width: int, height: int) -> Control:
    """Control rows of a picture by exact points, level by level; for grids that no polynomial follows."""
    rows = np.arange(height)
    pieces = np.column_stack([rows, np.zeros_like(rows), np.full_like(rows, width)])
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


def settled(rows: Control, evaluate: Evaluate, width: int, size: tuple[int, int]) -> Control:
    """Control rows whose places less than a pixel beside a source of `size` are exact, as GDAL's warper has them."""
    line = np.repeat(np.arange(len(rows.first) - 1), np.diff(rows.first)).astype(np.float64)
    table, count = np.column_stack([line, rows.segments]), lengths(rows, width)
    last = (count - 1).astype(np.float64)
    x, y = ([table[:, at], table[:, at] + table[:, at + 1] * last] for at in (2, 4))
    crossing = _outside(x[0], y[0], size) | _outside(x[1], y[1], size)
    for ends, whole in ((x, size[0]), (y, size[1])):
        crossing &= (np.maximum(*ends) > -1) & (np.minimum(*ends) < whole + 1)
    if not crossing.any():
        return rows
    pixels, step = np.repeat(table[crossing], count[crossing], axis=0), _steps(count[crossing])
    pixels[:, 1] += step
    pixels[:, 2] += pixels[:, 3] * step
    pixels[:, 4] += pixels[:, 5] * step
    exact = _beside(pixels[:, 2], pixels[:, 4], size)
    xs, ys = evaluate(pixels[exact, 1] + 0.5, pixels[exact, 0] + 0.5)
    pixels[exact, 2:] = np.column_stack([xs, np.zeros_like(xs), ys, np.zeros_like(ys)])
    starts = exact | (step == 0) | np.append(False, exact[:-1])
    table = np.concatenate([table[~crossing], pixels[starts]])
    return _in_order(table, len(rows.first) - 1)


def _outside(x: Floats, y: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    return (x < 0) | (x > size[0]) | (y < 0) | (y > size[1])


def _beside(x: Floats, y: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Outside, but less than a pixel."""
    return _outside(x, y, size) & (x > -1) & (x < size[0] + 1) & (y > -1) & (y < size[1] + 1)


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
    """Compile or load the kernel."""
    from_polynomial(np.zeros((2, ORDER, ORDER)), 8, 1)
