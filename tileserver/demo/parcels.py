"""Parcels: blocks between tracks, split again and again along their own directions, as inheritance does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tileserver.demo.noise import Field, fractal


@dataclass(frozen=True, slots=True)
class Parcels:
    label: NDArray[np.int32]
    """(height, width): 0 to count - 1."""
    count: int
    block: NDArray[np.int32]
    """(height, width): an arbitrary number of the block that the parcel belongs to."""
    to_block: Field
    """Metres to the nearest side of the block."""
    border: Field
    """0 to 1, an arbitrary number of that side of the block."""
    streak: Field
    """-1 to 1: lines along the direction in which the parcel is worked."""


def divide(
    seed: int,
    shape: tuple[int, int],
    pixel: float,
    *,
    spacing: float,
    hectares: tuple[float, float],
    warp: float,
    angle: Field | None = None,
) -> Parcels:
    """Cover the scene with parcels.

    Args:
        seed: the same seed gives the same parcels, whatever the pixel size.
        shape: (height, width).
        pixel: metres.
        spacing: metres between the blocks' middles.
        hectares: smallest and largest typical size of parcels.
        warp: metres by which borders bend.
        angle: direction of the blocks in radians at (row, column) of any resolution; by chance without it.
    """
    rng = np.random.default_rng(seed)
    side = shape[1] * pixel
    cells = int(np.ceil(side / spacing)) + 5
    jitter = rng.uniform(-0.42, 0.42, (cells, cells, 2))
    seeds = np.empty((cells, cells, 4))
    grid = np.arange(cells) - 2 + 0.5
    seeds[..., 0] = (grid[None, :] + jitter[..., 0]) * spacing
    seeds[..., 1] = (grid[:, None] + jitter[..., 1]) * spacing
    seeds[..., 2] = _angles(rng, seeds, side, angle)
    low, high = np.log(hectares[0]), np.log(hectares[1])
    seeds[..., 3] = np.exp(rng.uniform(low, high, (cells, cells))) * 1e4
    bend_x = warp * fractal(seed + 1, shape, pixel, longest=2600, shortest=180, hurst=0.9)
    bend_y = warp * fractal(seed + 2, shape, pixel, longest=2600, shortest=180, hurst=0.9)
    code = np.empty(shape, np.int64)
    to_block, border, streak = (np.empty(shape, np.float32) for _ in range(3))
    _divide(seeds, spacing, pixel, bend_x, bend_y, code, to_block, border, streak)
    names, label = np.unique(code, return_inverse=True)
    block = (code >> 24).astype(np.int32)
    return Parcels(label.reshape(shape).astype(np.int32), len(names), block, to_block, border, streak)


def _angles(
    rng: np.random.Generator, seeds: NDArray[np.float64], side: float, angle: Field | None
) -> NDArray[np.float64]:
    chance = rng.uniform(0, np.pi, seeds.shape[:2])
    if angle is None:
        return chance
    last = np.array(angle.shape) - 1
    row = np.clip((seeds[..., 1] / side * angle.shape[0]).astype(int), 0, last[0])
    col = np.clip((seeds[..., 0] / side * angle.shape[1]).astype(int), 0, last[1])
    return angle[row, col] + rng.normal(0, 0.22, chance.shape)


@njit(cache=True, nogil=True)
def mix(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """A well stirred 30-bit number from any integer."""
    value = (value ^ (value >> 15)) * 0x2C1B3C6D & 0x7FFFFFFF
    value = (value ^ (value >> 12)) * 0x297A2D39 & 0x7FFFFFFF
    return (value ^ (value >> 15)) & 0x3FFFFFFF


@njit(cache=True, nogil=True)
def chance(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """0 to 1, from any integer."""
    return mix(value) / 0x3FFFFFFF


@njit(cache=True, nogil=True)
def nearest(seeds, spacing, x, y):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Indices of the nearest and second nearest seed and the distance to the line between them."""
    cells = seeds.shape[0]
    at_col, at_row = int(np.floor(x / spacing)) + 2, int(np.floor(y / spacing)) + 2
    first, second = np.inf, np.inf
    a, b = 0, 0
    for row in range(max(0, at_row - 2), min(cells, at_row + 3)):
        for col in range(max(0, at_col - 2), min(cells, at_col + 3)):
            square = (seeds[row, col, 0] - x) ** 2 + (seeds[row, col, 1] - y) ** 2
            if square < first:
                second, b = first, a
                first, a = square, row * cells + col
            elif square < second:
                second, b = square, row * cells + col
    gap = np.hypot(
        seeds[a // cells, a % cells, 0] - seeds[b // cells, b % cells, 0],
        seeds[a // cells, a % cells, 1] - seeds[b // cells, b % cells, 1],
    )
    return a, b, (second - first) / (2 * gap + 1e-6)


@njit(cache=True, nogil=True)
def _leaf(u, v, reach, target, block):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The code of the part that (u, v) falls into when a square is split until parts are small."""
    left, right, top, bottom = -reach, reach, -reach, reach
    code = 1
    while (right - left) * (bottom - top) > target * 1.4 and code < 1 << 22:
        draw = mix(block * 7919 + code * 31)
        share = 0.32 + 0.36 * (draw & 1023) / 1023
        long = 1.0 + 1.1 * ((draw >> 10) & 1023) / 1023
        if (right - left) * long > bottom - top:
            cut = left + share * (right - left)
            code *= 2
            if u > cut:
                left = cut
                code += 1
            else:
                right = cut
        else:
            cut = top + share * (bottom - top)
            code *= 2
            if v > cut:
                top = cut
                code += 1
            else:
                bottom = cut
    return code, right - left > bottom - top


@njit(cache=True, nogil=True)
def _divide(seeds, spacing, pixel, bend_x, bend_y, code, to_block, border, streak):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    height, width = code.shape
    cells = seeds.shape[0]
    for row in range(height):
        for col in range(width):
            x = (col + 0.5) * pixel + bend_x[row, col]
            y = (row + 0.5) * pixel + bend_y[row, col]
            a, b, gap = nearest(seeds, spacing, x, y)
            sx, sy, turn, target = seeds[a // cells, a % cells]
            u = (x - sx) * np.cos(turn) + (y - sy) * np.sin(turn)
            v = (y - sy) * np.cos(turn) - (x - sx) * np.sin(turn)
            leaf, wide = _leaf(u, v, 1.3 * spacing, target, a)
            code[row, col] = (np.int64(a) << 24) + leaf
            to_block[row, col] = gap
            border[row, col] = chance(min(a, b) * 5077 + max(a, b))
            across = (v if wide else u) / 23.0
            line = int(np.floor(across))
            part = across - line
            low, high = chance(a * 613 + leaf * 17 + line), chance(a * 613 + leaf * 17 + line + 1)
            streak[row, col] = 2 * (low + (high - low) * part) - 1
