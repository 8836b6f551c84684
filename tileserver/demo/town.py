"""Town and villages: quarters with streets of their own direction, houses along them, gardens behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tileserver.demo.curves import Line, near
from tileserver.demo.noise import Field, fractal
from tileserver.demo.parcels import chance, nearest

GARDEN, TILES, SLATE, ASPHALT, HALL, PARK, YARD = range(1, 8)
"""What a built-up pixel shows most; 0 is open country."""


@dataclass(frozen=True, slots=True)
class Place:
    east: float
    south: float
    reach: float
    """Metres to where the houses thin out."""
    dense: float
    """1 for a town, less for villages."""


def density(places: tuple[Place, ...], roads: list[Line], shape: tuple[int, int], pixel: float) -> Field:
    """How built-up each pixel is, 0 to 1: round the places' middles, longer along the roads."""
    y, x = (np.mgrid[: shape[0], : shape[1]].astype(np.float32) + 0.5) * np.float32(pixel)
    by_road = near([(road, 0.0) for road in roads], shape, pixel, 400)
    wobble = fractal(401, shape, pixel, longest=700, shortest=45, hurst=0.4)
    out = np.zeros(shape, np.float32)
    for place in places:
        town = place.dense == 1
        round_, ragged = (0.62, 0.2) if town else (0.26, 0.38)
        reach = place.reach * (1 + ragged * wobble) * (round_ + (1.12 - round_) * np.exp(-by_road / 95))
        reach = np.maximum(reach, 40)
        away = np.hypot(x - place.east, (y - place.south) * 1.12) / reach
        out = np.maximum(out, place.dense * np.clip(1.15 - away**1.5 * 0.85, 0, 1))
    return out


def build(seed: int, shape: tuple[int, int], pixel: float, dense: Field, middle: Place) -> NDArray[np.uint8]:
    """(height, width): the codes above; 0 where nothing is built."""
    rng = np.random.default_rng(seed)
    spacing = 330.0
    cells = int(np.ceil(shape[1] * pixel / spacing)) + 5
    grid = (np.arange(cells) - 2 + 0.5) * spacing
    seeds = np.empty((cells, cells, 6))
    seeds[..., 0] = grid[None, :] + rng.uniform(-0.4, 0.4, (cells, cells)) * spacing
    seeds[..., 1] = grid[:, None] + rng.uniform(-0.4, 0.4, (cells, cells)) * spacing
    radial = np.arctan2(seeds[..., 1] - middle.south, seeds[..., 0] - middle.east)
    seeds[..., 2] = radial + rng.normal(0, 0.3, (cells, cells))
    seeds[..., 3] = rng.uniform(75, 150, (cells, cells))
    seeds[..., 4] = rng.uniform(60, 95, (cells, cells))
    away = np.hypot(seeds[..., 0] - middle.east, seeds[..., 1] - middle.south) / middle.reach
    use = rng.uniform(0, 1, (cells, cells))
    east = seeds[..., 0] > middle.east
    works = (away > 0.5) & (away < 1.25) & (use < np.where(east, 0.42, 0.08))
    seeds[..., 5] = np.where(works, 1, np.where((use > 0.93) & (away < 1.1), 2, 0))
    bend = 16 * fractal(seed + 1, shape, pixel, longest=500, shortest=60, hurst=0.9)
    out = np.zeros(shape, np.uint8)
    _build(seeds, spacing, pixel, dense, bend, out)
    return out


@njit(cache=True, nogil=True)
def _build(seeds, spacing, pixel, dense, bend, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    height, width = out.shape
    cells = seeds.shape[0]
    for row in range(height):
        for col in range(width):
            if dense[row, col] < 0.12:
                continue
            x = (col + 0.5) * pixel + bend[row, col]
            y = (row + 0.5) * pixel - bend[row, col]
            a, _, gap = nearest(seeds, spacing, x, y)
            sx, sy, turn, long, short, use = seeds[a // cells, a % cells]
            u = (x - sx) * np.cos(turn) + (y - sy) * np.sin(turn)
            v = (y - sy) * np.cos(turn) - (x - sx) * np.sin(turn)
            if use == 2.0:
                out[row, col] = PARK if gap > 7 else ASPHALT
            elif gap < 6.5 and dense[row, col] > 0.3:
                out[row, col] = ASPHALT
            elif use == 1.0:
                out[row, col] = _works(a, u, v, gap, dense[row, col])
            else:
                out[row, col] = _homes(a, u, v, gap, long, short, dense[row, col])


@njit(cache=True, nogil=True)
def _homes(a, u, v, gap, long, short, dense):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Houses in rows along streets; closed blocks in the middle, gardens further out."""
    along, across = u / long, v / short
    i, j = int(np.floor(along)), int(np.floor(across))
    to_street = min(min(along - i, i + 1 - along) * long, min(across - j, j + 1 - across) * short, gap)
    if to_street < 5.0 and dense > 0.2:
        return ASPHALT
    lot = chance(a * 9176 + i * 131 + j * 71 + int(np.floor(u / 17.0)) * 7 + int(np.floor(v / 15.0)) * 13)
    closed = dense > 0.8
    near_street = to_street < (24.0 if closed else 20.0)
    share = dense * (0.95 if near_street else (0.55 if closed else 0.12))
    if lot < share:
        kind = chance(int(lot * 1e6) + a)
        return TILES if kind < 0.62 else SLATE
    if lot < share + 0.08 * dense:
        return YARD
    return GARDEN


@njit(cache=True, nogil=True)
def _works(a, u, v, gap, dense):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Large halls on paved ground."""
    if gap < 6.0:
        return ASPHALT
    i, j = int(np.floor(u / 105.0)), int(np.floor(v / 68.0))
    du, dv = u - i * 105.0, v - j * 68.0
    size = chance(a * 331 + i * 17 + j * 29)
    if du > 14.0 and dv > 14.0 and du < 50.0 + 50.0 * size and size * dense > 0.12:
        return HALL if size < 0.6 else SLATE
    if dense < 0.35 and size < 0.5:
        return GARDEN
    return YARD if size > 0.3 else ASPHALT
