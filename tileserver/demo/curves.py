"""Lines on the ground: resampling, smoothing, distance maps and cheapest paths."""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tileserver.demo.noise import Field

Line = NDArray[np.float64]
"""(points, 2): metres east of the west edge, metres south of the north edge."""


def resample(line: Line, step: float) -> Line:
    """The same line with points `step` metres apart."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, length[-1], max(2, round(length[-1] / step) + 1))
    return np.column_stack([np.interp(at, length, line[:, 0]), np.interp(at, length, line[:, 1])])


def smooth(line: Line, rounds: int) -> Line:
    """Moving averages; both ends stay."""
    line = line.copy()
    for _ in range(rounds):
        line[1:-1] = 0.25 * line[:-2] + 0.5 * line[1:-1] + 0.25 * line[2:]
    return line


def near(lines: list[tuple[Line, float]], shape: tuple[int, int], pixel: float, reach: float) -> Field:
    """Metres to the edge of the nearest line, (height, width), negative inside, at most `reach`.

    Args:
        lines: each with its radius in metres.
    """
    out = np.full(shape, reach, np.float32)
    for line, radius in lines:
        _near(np.ascontiguousarray(line), radius, pixel, reach, out)
    return out


def cover(distance: Field, pixel: float) -> Field:
    """The share of each pixel inside, from metres to the edge."""
    return np.clip(0.5 - distance / np.float32(pixel), 0, 1).astype(np.float32)


@njit(cache=True, nogil=True)
def _near(line, radius, pixel, reach, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    height, width = out.shape
    margin = reach + radius
    for i in range(len(line) - 1):
        ax, ay = line[i]
        bx, by = line[i + 1]
        dx, dy = bx - ax, by - ay
        scale = 1.0 / (dx * dx + dy * dy + 1e-9)
        left = max(0, int((min(ax, bx) - margin) / pixel))
        right = min(width, int((max(ax, bx) + margin) / pixel) + 2)
        top = max(0, int((min(ay, by) - margin) / pixel))
        bottom = min(height, int((max(ay, by) + margin) / pixel) + 2)
        for row in range(top, bottom):
            py = (row + 0.5) * pixel - ay
            for col in range(left, right):
                px = (col + 0.5) * pixel - ax
                t = min(1.0, max(0.0, (px * dx + py * dy) * scale))
                ex, ey = px - t * dx, py - t * dy
                best = out[row, col] + radius
                square = ex * ex + ey * ey
                if best > 0 and square < best * best:
                    out[row, col] = np.sqrt(square) - radius


def cheapest(cost: Field, cell: float, start: tuple[float, float], end: tuple[float, float]) -> Line:
    """The line of least cost between two places, in metres, from cell to cell.

    Args:
        cost: (rows, columns), at least 1: how much dearer a metre is there.
        cell: metres.
        start: metres east, metres south.
        end: metres east, metres south.
    """
    last = np.array(cost.shape) - 1
    a = np.clip((np.array(start)[::-1] / cell).astype(int), 0, last)
    b = np.clip((np.array(end)[::-1] / cell).astype(int), 0, last)
    cells = _cheapest(cost.astype(np.float64), a[0], a[1], b[0], b[1])
    line = (np.array(cells, np.float64)[::-1, ::-1] + 0.5) * cell
    line[0], line[-1] = start, end
    return line


@njit(cache=True, nogil=True)
def _cheapest(cost, row0, col0, row1, col1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    height, width = cost.shape
    best = np.full((height, width), np.inf)
    origin = np.full((height, width), -1, np.int64)
    best[row0, col0] = 0.0
    heap = [(0.0, row0 * width + col0)]
    while heap:
        spent, index = heapq.heappop(heap)
        row, col = index // width, index % width
        if row == row1 and col == col1:
            break
        if spent > best[row, col]:
            continue
        for dr in range(-2, 3):
            for dc in range(-2, 3):
                # steps of a chess king and a knight: sixteen directions keep roads from zigzagging
                if (dr == 0 and dc == 0) or (abs(dr) != 1 and abs(dc) != 1):
                    continue
                r, c = row + dr, col + dc
                if r < 0 or c < 0 or r >= height or c >= width:
                    continue
                ahead = spent + np.sqrt(dr * dr + dc * dc) * 0.5 * (cost[row, col] + cost[r, c])
                if ahead < best[r, c]:
                    best[r, c] = ahead
                    origin[r, c] = index
                    heapq.heappush(heap, (ahead, r * width + c))
    path = [(row1, col1)]
    at = origin[row1, col1]
    while at >= 0:
        path.append((at // width, at % width))
        at = origin[at // width, at % width]
    return path
