"""Where people live and the roads between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tileserver.demo.curves import Line, cheapest, near, resample, smooth
from tileserver.demo.noise import Field, fractal, smoothstep
from tileserver.demo.relief import CELL, FLOOR
from tileserver.demo.terrain import SIDE, Terrain, enlarge
from tileserver.demo.town import Place

Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Network:
    places: tuple[Place, ...]
    """The town first."""
    main: tuple[Line, ...]
    local: tuple[Line, ...]
    motorway: Line
    railway: Line


def settle(seed: int, terrain: Terrain) -> Network:
    """Choose sites, then join them by the cheapest roads, which share what is already built."""
    height = terrain.relief.height
    shape = height.shape[0], height.shape[1]
    river = near([(terrain.river.channel, 40.0)], shape, CELL, 1500)
    gy, gx = np.gradient(height, CELL)
    slope = np.hypot(gx, gy).astype(np.float32)
    lake = (terrain.relief.reservoir > 0) & (height < terrain.full + 6)
    wet = np.clip(enlarge(terrain.water, shape), 0, 1) * (river > 60) + lake
    whim = np.exp(0.45 * fractal(seed, shape, CELL, longest=2600, shortest=500))
    level = whim + 60 * wet + 9 * np.exp(-np.clip(river, 0, None) / 60)
    town = _town(terrain)
    villages = _villages(seed, terrain, slope, np.where(wet < 0.05, river, 0).astype(np.float32), town)
    plain = 5 * smoothstep(16, 4, height - FLOOR)
    y, x = (np.mgrid[: shape[0], : shape[1]] + 0.5) * CELL
    homes = sum(np.exp(-((x - v.east) ** 2 + (y - v.south) ** 2) / 450**2) for v in (town, *villages))
    motorway = cheapest(
        level + plain + 15 * homes + (slope * 9) ** 2, CELL, (-10.0, 0.83 * SIDE), (SIDE + 10, 0.9 * SIDE)
    )
    gentle = level + (slope * 40) ** 2
    halt = (town.east + 150, town.south + 380)
    to_west, to_east = (-10.0, 0.655 * SIDE), (SIDE + 10, 0.60 * SIDE)
    railway = np.concatenate([cheapest(gentle, CELL, to_west, halt), cheapest(gentle, CELL, halt, to_east)[1:]])
    cost = (level + (slope * 14) ** 2).astype(np.float32)
    exits = ((-10.0, 0.60 * SIDE), (SIDE + 10, 0.575 * SIDE), (0.66 * SIDE, SIDE + 10), (0.40 * SIDE, -10.0))
    main = tuple(_road(cost, (town.east, town.south), exit_) for exit_ in exits)
    local: list[Line] = []
    joined: list[Place] = [town]
    for village in sorted(villages, key=lambda v: np.hypot(v.east - town.east, v.south - town.south)):
        ways = sorted(joined, key=lambda p: np.hypot(p.east - village.east, p.south - village.south))
        links = ways[: 2 if len(joined) > 3 else 1]
        local += [_road(cost, (village.east, village.south), (other.east, other.south)) for other in links]
        joined.append(village)
    return Network((town, *villages), main, tuple(local), _bends(motorway), _bends(railway))


def _road(cost: Field, start: Spot, end: Spot) -> Line:
    """A road, after which the same cells are cheap for others: `cost` changes."""
    line = cheapest(cost, CELL, start, end)
    col, row = np.clip((line / CELL).astype(int), 0, cost.shape[0] - 1).T
    cost[row, col] = np.minimum(cost[row, col], 0.12)
    return _bends(line)


def _bends(line: Line) -> Line:
    """Cells become curves that can be driven."""
    return smooth(resample(line, CELL), 12)


def _town(terrain: Terrain) -> Place:
    at = np.argmin(np.abs(terrain.river.axis[:, 0] - 0.53 * SIDE))
    east, south = terrain.river.axis[at]
    return Place(float(east), float(south) - 900, 1350, 1.0)


def _villages(seed: int, terrain: Terrain, slope: Field, dry: Field, town: Place) -> list[Place]:
    """Sites on gentle ground, `dry` metres from water."""
    rng = np.random.default_rng(seed)
    chosen: list[Place] = []
    height = terrain.relief.height
    for _ in range(4000):
        east, south = rng.uniform(0.03 * SIDE, 0.97 * SIDE, 2)
        row, col = int(south / CELL), int(east / CELL)
        if slope[row, col] > 0.09 or height[row, col] > 620 or dry[row, col] < 320:
            continue
        if np.hypot(east - town.east, south - town.south) < 2500:
            continue
        if any(np.hypot(east - v.east, south - v.south) < 1900 for v in chosen):
            continue
        chosen.append(Place(float(east), float(south), float(rng.uniform(260, 520)), float(rng.uniform(0.5, 0.72))))
        if len(chosen) == 17:
            break
    return chosen
