"""The relief: mountains in the north, hills in the south, carved by their own streams."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from PIL import Image

from tileserver.demo.curves import Line, near, resample, smooth
from tileserver.demo.noise import Field, fractal, smoothstep
from tileserver.demo.river import River

CELL = 40.0
"""Metres between the nodes of the eroded grid."""

BORDER = 1600.0
"""Metres around the scene that are eroded too, so that valleys do not know where the picture ends."""

FLOOR = 228.0
"""Height of the valley floor where the river leaves, in metres."""


@dataclass(frozen=True, slots=True)
class Relief:
    height: Field
    """(rows, columns) of CELL, metres above the sea."""
    streams: tuple[Line, ...]
    """Tributaries down to the river."""
    reservoir: Field
    """(rows, columns) of CELL: 1 in the valley behind the dam."""
    dam: tuple[float, float, float]
    """Metres east, metres south, height of the full water level in metres."""


def carve(seed: int, side: float, river: River) -> Relief:
    """Uplift and stream incision after Braun and Willett (2013): dz/dt = U - K A^m dz/dx."""
    coarse = _eroded(seed, side, river, CELL * 2, None, 70)
    nodes = round((side + 2 * BORDER) / CELL)
    start = np.array(Image.fromarray(coarse).resize((nodes, nodes), Image.Resampling.BICUBIC))
    height = _eroded(seed, side, river, CELL, start + 2 * fractal(seed + 5, start.shape, CELL, longest=900), 18)
    edge = round(BORDER / CELL)
    relief = _scaled(height)
    receiver, area = _flow(relief, _floor(relief.shape, river, CELL))
    streams = _streams(receiver, area, relief.shape, river)
    reservoir, dam = _dam(relief, receiver, area, side)
    inner = slice(edge, nodes - edge)
    return Relief(_soft(relief, 1)[inner, inner], streams, reservoir[inner, inner], dam)


def _floor(shape: tuple[int, int], river: River, cell: float) -> NDArray[np.bool_]:
    """True where the ground does not rise: the valley floor, which the river keeps level."""
    shifted = river.axis + BORDER
    reach = near([(shifted, 0.0)], shape, cell, 3000)
    wobble = fractal(77, shape, cell, longest=3500, shortest=300)
    floor = reach < 720 + 170 * wobble
    floor[0] = True  # what lies behind the crest drains to the north
    return np.asarray(floor)


def _uplift(seed: int, shape: tuple[int, int], side: float, cell: float) -> Field:
    """Relative rate of uplift: a massif in the north, low hills in the south."""
    y, x = (np.mgrid[: shape[0], : shape[1]].astype(np.float32) + 0.5) * cell - BORDER
    u, v = x / side, y / side
    crest = 0.10 + 0.10 * np.sin(3.1 * u + 0.6)
    massif = np.exp(-(((v - crest) / 0.27) ** 2)) * (0.45 + 0.55 * np.exp(-(((u - 0.70) / 0.34) ** 2)))
    hills = 0.10 + 0.10 * smoothstep(0.72, 1.05, v) + 0.05 * smoothstep(0.6, 0.0, u)
    return (massif + hills * (1 + 0.35 * fractal(seed, shape, cell, longest=5000, shortest=800))).astype(np.float32)


def _eroded(seed: int, side: float, river: River, cell: float, start: Field | None, steps: int) -> Field:
    nodes = round((side + 2 * BORDER) / cell)
    shape = (nodes, nodes)
    uplift = np.clip(_uplift(seed, shape, side, cell), 0.03, None).astype(np.float64)
    floor = _floor(shape, river, cell)
    if start is None:
        rough = fractal(seed + 1, shape, cell, longest=4500, shortest=150, hurst=0.75)
        start = (uplift * (420 + 190 * rough)).astype(np.float32)
    height = np.where(floor, 0, np.maximum(start, 0.01)).astype(np.float64)
    for _ in range(steps):
        order = _fill(height, floor)
        _step(height, order, uplift, floor, cell)
    return height.astype(np.float32)


@njit(cache=True, nogil=True)
def _receivers(height, floor, cell):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Flat index of the steepest lower neighbour of each node (itself in a pit) and the way there."""
    rows, cols = height.shape
    receiver = np.arange(rows * cols)
    way = np.full(rows * cols, cell)
    for row in range(rows):
        for col in range(cols):
            if floor[row, col]:
                continue
            steepest = 0.0
            for dr in range(-1, 2):
                for dc in range(-1, 2):
                    r, c = row + dr, col + dc
                    if (dr == 0 and dc == 0) or r < 0 or c < 0 or r >= rows or c >= cols:
                        continue
                    step = cell * np.sqrt(dr * dr + dc * dc)
                    slope = (height[row, col] - height[r, c]) / step
                    if slope > steepest:
                        steepest = slope
                        receiver[row * cols + col] = r * cols + c
                        way[row * cols + col] = step
    return receiver, way


@njit(cache=True, nogil=True)
def _fill(height, floor):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Raise pits until they overflow (Barnes 2014, priority flood), in place; nodes from low to high."""
    rows, cols = height.shape
    order = np.empty(rows * cols, np.int64)
    seen = floor.copy()
    heap = [(height[row, col], row * cols + col) for row in range(rows) for col in range(cols) if floor[row, col]]
    heapq.heapify(heap)
    count = 0
    while heap:
        level, node = heapq.heappop(heap)
        order[count] = node
        count += 1
        row, col = node // cols, node % cols
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                r, c = row + dr, col + dc
                if r < 0 or c < 0 or r >= rows or c >= cols or seen[r, c]:
                    continue
                seen[r, c] = True
                height[r, c] = max(height[r, c], level + 1e-3)
                heapq.heappush(heap, (height[r, c], r * cols + c))
    return order


@njit(cache=True, nogil=True)
def _step(height, order, uplift, floor, cell):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """One implicit step of stream power and a little creep of the slopes, in place."""
    receiver, way = _receivers(height, floor, cell)
    area = np.full(height.size, cell * cell)
    for i in range(len(order) - 1, -1, -1):
        node = order[i]
        if receiver[node] != node:
            area[receiver[node]] += area[node]
    flat, up, low = height.reshape(-1), uplift.reshape(-1), floor.reshape(-1)
    for node in order:
        if low[node]:
            continue
        flat[node] += up[node] * 6.0
        if receiver[node] != node:
            factor = 0.014 * 6.0 * area[node] ** 0.45 / way[node]
            flat[node] = (flat[node] + factor * flat[receiver[node]]) / (1.0 + factor)
    creep = 0.03 * (80.0 / cell)
    for row in range(1, height.shape[0] - 1):
        for col in range(1, height.shape[1] - 1):
            if not floor[row, col]:
                around = height[row - 1, col] + height[row + 1, col] + height[row, col - 1] + height[row, col + 1]
                height[row, col] += creep * (around - 4.0 * height[row, col])


def _scaled(height: Field) -> Field:
    """Metres above the sea: the floor at FLOOR, the summit near 1300 m."""
    rise = height / np.percentile(height, 99.97)
    return (FLOOR + 1070 * rise).astype(np.float32)


def _soft(height: Field, rounds: int) -> Field:
    for _ in range(rounds):
        padded = np.pad(height, 1, mode="edge")
        around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        height = np.asarray(around / 8 + height / 2, np.float32)
    return height


def _flow(height: Field, floor: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Field]:
    """Receivers and catchment (m2) of the finished relief."""
    filled = height.astype(np.float64)
    order = _fill(filled, floor)
    receiver, _ = _receivers(filled, floor, CELL)
    area = np.full(height.size, CELL * CELL)
    for node in order[::-1]:
        if receiver[node] != node:
            area[receiver[node]] += area[node]
    return receiver, area.reshape(height.shape).astype(np.float32)


def _streams(receiver: NDArray[np.int64], area: Field, shape: tuple[int, int], river: River) -> tuple[Line, ...]:
    """Trace the larger tributaries from their springs to the channel."""
    large = area.reshape(-1) > 1.6e6
    inflow = np.zeros(len(receiver), np.int64)
    moving = large & (receiver != np.arange(len(receiver)))
    np.add.at(inflow, receiver[moving], 1)
    seen = np.zeros(len(receiver), bool)
    lines = []
    for spring in np.nonzero(moving & (inflow == 0))[0]:
        path = [spring]
        while not seen[path[-1]] and receiver[path[-1]] != path[-1]:
            seen[path[-1]] = True
            path.append(receiver[path[-1]])
        line = np.column_stack([np.array(path) % shape[1] + 0.5, np.array(path) // shape[1] + 0.5]) * CELL - BORDER
        if receiver[path[-1]] == path[-1] and line[-1, 1] > 0:
            line = _joined(line, river)
        if len(line) > 12:
            lines.append(smooth(resample(line, 20), 10))
    return tuple(lines)


def _joined(line: Line, river: River) -> Line:
    """Lead a stream over the valley floor into the channel, slanting downstream."""
    gap = np.hypot(river.channel[:, 0] - line[-1, 0], river.channel[:, 1] - line[-1, 1])
    mouth = river.channel[min(int(np.argmin(gap)) + 14, len(gap) - 1)]
    t = np.linspace(0, 1, 20)[1:, None]
    heading = line[-1] - line[max(-12, -len(line))]
    bend = line[-1] + heading * 0.6
    return np.concatenate([line, (1 - t) ** 2 * line[-1] + 2 * t * (1 - t) * bend + t * t * mouth])


@njit(cache=True, nogil=True)
def _above(outlet, order, receiver):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """True for the nodes that drain through one; `order` is from low to high."""
    above = np.zeros(len(receiver), np.bool_)
    above[outlet] = True
    for node in order:
        above[node] |= above[receiver[node]]
    return above


def _dam(
    height: Field, receiver: NDArray[np.int64], area: Field, side: float
) -> tuple[Field, tuple[float, float, float]]:
    """Dam the valley where the water stands largest for a wall of 55 m, in the north-west."""
    rows, cols = np.nonzero((area > 5e6) & (height > FLOOR + 35))
    east, south = (cols + 0.5) * CELL - BORDER, (rows + 0.5) * CELL - BORDER
    fit = (east > 0.08 * side) & (east < 0.55 * side) & (south > 0.1 * side) & (south < 0.5 * side)
    order = np.argsort(height, axis=None)
    best: tuple[float, Field, tuple[float, float, float]] | None = None
    for row, col in list(zip(rows[fit], cols[fit], strict=True))[:: max(1, int(fit.sum()) // 60)]:
        above = _above(row * height.shape[1] + col, order, receiver)
        level = float(height[row, col]) + 55
        lake = above.reshape(height.shape) & (height < level)
        size = float(lake.sum()) * CELL * CELL / 1e6
        wish = -abs(size - 1.3)
        if best is None or wish > best[0]:
            place = ((col + 0.5) * CELL - BORDER, (row + 0.5) * CELL - BORDER, level)
            best = (wish, above.reshape(height.shape).astype(np.float32), place)
    if best is None:
        raise RuntimeError("The relief has no valley for a reservoir.")
    return best[1], best[2]
