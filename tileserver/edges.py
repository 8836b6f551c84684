"""Places beside a file's edges, exact where GDAL's warper has them so."""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

import numba
import numpy as np

from gpu.backend import Control
from tileserver.polynomial import Evaluate

jit = numba.njit(nogil=True, cache=True)


def settled(rows: Control, evaluate: Evaluate, width: int, size: tuple[int, int]) -> Control:
    """Control rows whose places less than a pixel beside a source of `size` are exact, as GDAL's warper has them."""
    count = _beside(rows.segments, rows.first, width, *size, np.empty((0, 2), np.int64))
    if count == 0:
        return rows
    spots = np.empty((count, 2), np.int64)
    _beside(rows.segments, rows.first, width, *size, spots)
    xs, ys = evaluate(spots[:, 1] + 0.5, spots[:, 0] + 0.5)
    segments, first = np.empty((len(rows.segments) + 2 * count, 5)), np.empty_like(rows.first)
    made = _split(rows.segments, rows.first, width, spots, xs, ys, segments, first)
    return Control(segments=segments[:made].copy(), first=first)


@jit
def _stop(segments, first, row, index, width):
    """The column after a segment's last."""
    return int(segments[index + 1, 0]) if index + 1 < first[row + 1] else width


@jit
def _beside(segments, first, width, wide, high, spots):
    """Rows and columns of places outside, but less than a pixel, into `spots` if there is room; how many."""
    count = 0
    for row in range(first.shape[0] - 1):
        for index in range(first[row], first[row + 1]):
            start, x, dx, y, dy = segments[index]
            steps = _stop(segments, first, row, index, width) - int(start)
            x_end, y_end = x + dx * (steps - 1), y + dy * (steps - 1)
            if min(x, x_end) >= 0 and max(x, x_end) <= wide and min(y, y_end) >= 0 and max(y, y_end) <= high:
                continue
            for step in range(steps):
                px, py = x + dx * step, y + dy * step
                inside = px >= 0 and px <= wide and py >= 0 and py <= high
                if not inside and px > -1 and px < wide + 1 and py > -1 and py < high + 1:
                    if count < spots.shape[0]:
                        spots[count, 0], spots[count, 1] = row, int(start) + step
                    count += 1
    return count


@jit
def _split(segments, first, width, spots, xs, ys, out, out_first):
    """Segments with every spot as a segment of its own; returns how many."""
    count, spot = 0, 0
    for row in range(first.shape[0] - 1):
        out_first[row] = count
        for index in range(first[row], first[row + 1]):
            start, x, dx, y, dy = segments[index]
            column, stop = int(start), _stop(segments, first, row, index, width)
            while column < stop:
                following = stop
                if spot < spots.shape[0] and spots[spot, 0] == row and spots[spot, 1] < stop:
                    following = spots[spot, 1]
                if following == column:
                    out[count, 0] = column
                    out[count, 1], out[count, 2] = xs[spot], 0.0
                    out[count, 3], out[count, 4] = ys[spot], 0.0
                    spot += 1
                    column += 1
                else:
                    step = column - int(start)
                    out[count, 0] = column
                    out[count, 1], out[count, 2] = x + dx * step, dx
                    out[count, 3], out[count, 4] = y + dy * step, dy
                    column = following
                count += 1
    out_first[first.shape[0] - 1] = count
    return count


def warm() -> None:
    """Compile or load the kernels."""
    line = Control(segments=np.array([[0.0, -0.5, 1.0, 0.5, 0.0]]), first=np.array([0, 1]))
    settled(line, lambda columns, lines: (columns, lines), 8, (4, 4))
