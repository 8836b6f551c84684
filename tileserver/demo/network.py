"""Where people live and the roads between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tileserver.demo.curves import Line, cheapest, near
from tileserver.demo.noise import Field
from tileserver.demo.relief import CELL
from tileserver.demo.terrain import SIDE, Terrain
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
    rng = np.random.default_rng(seed)
    shape = terrain.relief.height.shape[0], terrain.relief.height.shape[1]
    river = near([(terrain.river.channel, 40.0)], shape, CELL, 1500)
    gy, gx = np.gradient(terrain.relief.height, CELL)
    slope = np.hypot(gx, gy).astype(np.float32)
    town = _town(terrain)
    lake = (terrain.relief.reservoir > 0) & (terrain.relief.height < terrain.full + 6)
    villages = _villages(rng, terrain, slope, river, lake, town)
    cost = (1 + (slope * 14) ** 2 + 9 * np.exp(-np.clip(river, 0, None) / 60) + 60 * lake).astype(np.float32)
    motorway = cheapest(
        1 + (slope * 9) ** 2,
        CELL,
        (-10.0, 0.83 * SIDE),
        (SIDE + 10, 0.9 * SIDE),
    )
    rail_cost = 1 + (slope * 40) ** 2 + 14 * np.exp(-np.clip(river, 0, None) / 80)
    railway = np.concatenate(
        [
            cheapest(rail_cost, CELL, (-10.0, 0.655 * SIDE), (town.east + 150, town.south + 380)),
            cheapest(rail_cost, CELL, (town.east + 150, town.south + 380), (SIDE + 10, 0.60 * SIDE))[1:],
        ]
    )
    main = []
    for exit_ in ((-10.0, 0.60 * SIDE), (SIDE + 10, 0.575 * SIDE), (0.66 * SIDE, SIDE + 10), (0.40 * SIDE, -10.0)):
        main.append(_road(cost, (town.east, town.south), exit_, shape))
    local = []
    joined: list[Place] = [town]
    for village in sorted(villages, key=lambda v: np.hypot(v.east - town.east, v.south - town.south)):
        ways = sorted(joined, key=lambda p: np.hypot(p.east - village.east, p.south - village.south))
        for other in ways[: 2 if len(joined) > 3 else 1]:
            local.append(_road(cost, (village.east, village.south), (other.east, other.south), shape))
        joined.append(village)
    return Network((town, *villages), tuple(main), tuple(local), motorway, railway)


def _road(cost: Field, start: Spot, end: Spot, shape: tuple[int, int]) -> Line:
    """A road, after which the same ground is cheap for others: `cost` changes."""
    line = cheapest(cost, CELL, start, end)
    built = near([(line, CELL * 0.6)], shape, CELL, CELL) < 0
    cost[built] = 0.35
    return line


def _town(terrain: Terrain) -> Place:
    at = np.argmin(np.abs(terrain.river.axis[:, 0] - 0.53 * SIDE))
    east, south = terrain.river.axis[at]
    return Place(float(east), float(south) - 900, 1350, 1.0)


def _villages(
    rng: np.random.Generator, terrain: Terrain, slope: Field, river: Field, lake: Field, town: Place
) -> list[Place]:
    chosen: list[Place] = []
    height = terrain.relief.height
    for _ in range(4000):
        east, south = rng.uniform(0.03 * SIDE, 0.97 * SIDE, 2)
        row, col = int(south / CELL), int(east / CELL)
        if slope[row, col] > 0.09 or height[row, col] > 620 or river[row, col] < 320 or lake[row, col]:
            continue
        if np.hypot(east - town.east, south - town.south) < 2500:
            continue
        if any(np.hypot(east - v.east, south - v.south) < 1900 for v in chosen):
            continue
        chosen.append(Place(float(east), float(south), float(rng.uniform(260, 520)), float(rng.uniform(0.5, 0.72))))
        if len(chosen) == 17:
            break
    return chosen
