"""Where a picture lies in a source, by two polynomials: quicker than projecting every place, and as good as exact."""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from gpu.backend import PIECE, Control

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

jit = numba.njit(nogil=True, cache=True)


def fit(evaluate: Evaluate, width: int, height: int, tolerance: float = 1e-6) -> Floats | None:
    """(2, ORDER, ORDER) Chebyshev coefficients of x and y, rows first; None where they miss by so many pixels."""
    xs, ys = evaluate((_ACROSS + 1) / 2 * width, (_DOWN + 1) / 2 * height)
    out = np.empty((2, ORDER, ORDER))
    return out if _fit(xs, tolerance, out[0]) and _fit(ys, tolerance, out[1]) else None


def part(coefficients: Floats, column: int, row: int, side: int) -> Floats:
    """Those of one of side x side equal parts."""
    return np.ascontiguousarray(_cut(row, side) @ coefficients @ _cut(column, side).T)


@lru_cache(256)
def _cut(place: int, side: int) -> Floats:
    """(ORDER, ORDER) from the coefficients of a series to those of one of its parts."""
    return _INVERSE @ np.polynomial.chebyshev.chebvander((_NODES + 1 + 2 * place) / side - 1, ORDER - 1)


def reach(coefficients: Floats) -> Reach:
    """Range of x and of y along the edges of a picture whose places a polynomial gives."""
    ends = np.empty((1, 1, 4))
    _reaches(coefficients, 1, 1, 1, 1, ends)
    # without the noise of a sum, a picture that ends where a pixel does, does not touch the next
    left, right, top, bottom = np.round(ends[0, 0], 6).tolist()
    return (left, right), (top, bottom)


def reaches(coefficients: Floats, width: int, height: int) -> Floats:
    """(down, across, 4) least and greatest x and y along the edges of every piece."""
    out = np.empty((-(-height // PIECE[0]), -(-width // PIECE[1]), 4))
    _reaches(coefficients, width, height, *PIECE, out)
    return out


def rows(coefficients: Floats, width: int, height: int, piece: int | None = None) -> Control:
    """Control rows of a picture whose places a polynomial gives; no line is longer than a `piece`."""
    first = np.empty(height + 1, np.int64)
    room = height * 4 + width
    while True:
        segments = np.empty((room, 5))
        count = _rows(coefficients, width, height, piece or width, TOLERANCE, segments, first)
        if count >= 0:
            return Control(segments=segments[:count].copy(), first=first)
        room *= 4


@jit
def _product(left, middle, right):
    """The product left @ middle @ right.T of matrices too small for a library."""
    half, out = np.zeros((left.shape[0], middle.shape[1])), np.zeros((left.shape[0], right.shape[0]))
    for i in range(left.shape[0]):
        for k in range(middle.shape[0]):
            for j in range(middle.shape[1]):
                half[i, j] += left[i, k] * middle[k, j]
        for k in range(right.shape[1]):
            for j in range(right.shape[0]):
                out[i, j] += half[i, k] * right[j, k]
    return out


@jit
def _fit(values, tolerance, out):
    """Fills the coefficients of an axis; do they hit where they are tested?"""
    count = ORDER * ORDER
    out[:] = _product(_INVERSE, values[:count].reshape(ORDER, ORDER), _INVERSE)
    fitted = _product(_TEST_MATRIX, out, _TEST_MATRIX)
    hits = True
    for i in range(values.shape[0] - count):  # nothing is near a place that there is not
        hits &= abs(fitted.flat[i] - values[count + i]) <= tolerance
    return hits


@jit
def _collapse(part, v, out):
    """One row of Chebyshev series side by side: out[j] = sum of part[i, j] T_i(v)."""
    before, now = 1.0, v
    for j in range(out.shape[0]):
        out[j] = part[0, j] + part[1, j] * v
    for i in range(2, ORDER):
        after = 2 * v * now - before
        for j in range(out.shape[0]):
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
def _reaches(coefficients, width, height, high, wide, out):
    """Fills (down, across, 4) of pieces of so many rows and columns."""
    sx, sy = np.empty(ORDER), np.empty(ORDER)
    last = EDGE_STEPS - 1
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            top, left = i * high, j * wide
            tall, broad = min(high, height - top), min(wide, width - left)
            ends = out[i, j]
            ends[0::2], ends[1::2] = np.inf, -np.inf
            for down in range(EDGE_STEPS):
                v = 2 * (top + tall * down / last) / height - 1
                _collapse(coefficients[0], v, sx)
                _collapse(coefficients[1], v, sy)
                for across in range(0, EDGE_STEPS, 1 if down in (0, last) else last):
                    u = 2 * (left + broad * across / last) / width - 1
                    x, y = _at(sx, u), _at(sy, u)
                    ends[0], ends[1] = min(ends[0], x), max(ends[1], x)
                    ends[2], ends[3] = min(ends[2], y), max(ends[3], y)


@jit
def _ends(coefficients, width, begin, end, out):
    """Fills (ORDER, 6) series down the picture: x, then y, of the first, the middle and the last pixel of a line."""
    middle = begin + (end - begin - 1) // 2
    for k, column in enumerate((begin, middle, end - 1)):
        u = 2 * (column + 0.5) / width - 1
        for i in range(ORDER):
            out[i, k], out[i, 3 + k] = _at(coefficients[0, i], u), _at(coefficients[1, i], u)


@jit
def _halved(sx, sy, begin, end, width, tolerance, segments, count):
    """Part of a row from series of it, in ever shorter lines; returns how many segments there are then."""
    stack = np.empty((64, 2), np.int64)
    stack[0, 0], stack[0, 1] = begin, end
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
    return count


@jit
def _rows(coefficients, width, height, piece, tolerance, segments, first):
    """Fills segments and first; returns how many, -1 without room."""
    count = 0
    across = -(-width // piece)
    sx, sy = np.empty(ORDER), np.empty(ORDER)
    series, ends = np.empty((across, ORDER, 6)), np.empty(6)
    for k in range(across):
        _ends(coefficients, width, k * piece, min((k + 1) * piece, width), series[k])
    for r in range(height):
        first[r] = count
        v = 2 * (r + 0.5) / height - 1
        if count + width > segments.shape[0]:
            return -1
        collapsed = False
        for k in range(across):
            begin, end = k * piece, min((k + 1) * piece, width)
            last = end - begin - 1
            if last >= SHORT:  # most rows are straight enough
                _collapse(series[k], v, ends)
                x0, y0 = ends[0], ends[3]
                dx, dy = (ends[2] - x0) / last, (ends[5] - y0) / last
                if abs(x0 + dx * (last // 2) - ends[1]) + abs(y0 + dy * (last // 2) - ends[4]) <= tolerance:
                    segments[count, 0] = begin
                    segments[count, 1], segments[count, 2] = x0, dx
                    segments[count, 3], segments[count, 4] = y0, dy
                    count += 1
                    continue
            if not collapsed:
                _collapse(coefficients[0], v, sx)
                _collapse(coefficients[1], v, sy)
                collapsed = True
            count = _halved(sx, sy, begin, end, width, tolerance, segments, count)
    first[height] = count
    return count
