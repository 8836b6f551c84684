"""The ground at the pixel size of the pictures: heights, slopes and standing water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from tileserver.demo.curves import Line, cover, near, resample
from tileserver.demo.noise import Field, fractal, smoothstep
from tileserver.demo.relief import FLOOR, Relief, carve
from tileserver.demo.river import WIDTH, River, wander

SIDE = 16_000.0
"""Metres of the square scene."""


@dataclass(frozen=True, slots=True)
class Terrain:
    pixel: float
    """Metres."""
    relief: Relief
    river: River
    height: Field
    """(height, width), metres above the sea; the ground also below water."""
    above_river: Field
    """Metres above the river's usual level."""
    slope: tuple[Field, Field]
    """Rise per metre towards the east and towards the south."""
    to_river: Field
    """Metres to the bank, negative in the channel, at most 800."""
    to_stream: Field
    """Metres to the nearest tributary, at most 200."""
    water: Field
    """Share of each pixel under water all year: river, oxbows, ponds, pits, without the reservoir."""
    valley: Field
    """0 to 1: within the reservoir's valley."""
    full: float
    """Height of the reservoir's full level in metres."""
    gravel: Field
    """0 to 1: bare ground round the gravel pits and on the river's bars."""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height.shape[0], self.height.shape[1]

    def reservoir(self, drop: float) -> Field:
        """Share of each pixel under the reservoir when it stands `drop` metres below full."""
        depth = (self.full - drop - self.height) / 1.2
        return (self.valley * np.clip(depth + 0.5, 0, 1)).astype(np.float32)


def enlarge(field: Field, shape: tuple[int, int]) -> Field:
    """A smooth field on finer pixels of the same square."""
    return np.array(Image.fromarray(field).resize(shape[::-1], Image.Resampling.BICUBIC), np.float32)


def raise_terrain(seed: int, pixel: float) -> Terrain:
    """Make the ground of the scene at `pixel` metres."""
    river = wander(seed, SIDE)
    relief = carve(seed + 8, SIDE, river)
    size = round(SIDE / pixel)
    shape = (size, size)
    fall = np.linspace(-5, 5, size, dtype=np.float32)[None, :]
    rough = fractal(seed + 20, shape, pixel, longest=420, shortest=45, hurst=0.8)
    level = fractal(seed + 21, shape, pixel, longest=700, shortest=20, hurst=0.55)
    to_river = near([(resample(river.channel, 45), WIDTH / 2)], shape, pixel, 800)
    scrolls = near([(line, 12.0) for line in river.scrolls], shape, pixel, 80)
    base = enlarge(relief.height, shape)
    rise = np.clip(base - FLOOR, 0, None) * smoothstep(-40, 260, to_river)
    meadows = (
        1.1 + 0.45 * level + 2.4 * np.clip(to_river, 0, None) / 800 - 0.7 * np.exp(-np.clip(scrolls, 0, None) / 18)
    )
    above = meadows * np.exp(-rise / 10) + rise + rough * np.clip(rise / 25, 0, 1.6)
    above = np.where(to_river < 0, np.minimum(above, -1.5), np.maximum(above, 0.2)).astype(np.float32)
    height = (FLOOR + fall + above).astype(np.float32)
    gy, gx = np.gradient(height, pixel)
    streams = [(line, 2.5) for line in relief.streams]
    water, gravel = _water(seed, river, relief, height, to_river, pixel)
    valley = smoothstep(0.35, 0.65, enlarge(relief.reservoir, shape)) * (height < relief.dam[2] + 1)
    return Terrain(
        pixel=pixel,
        relief=relief,
        river=river,
        height=height,
        above_river=above,
        slope=(gx.astype(np.float32), gy.astype(np.float32)),
        to_river=to_river,
        to_stream=near(streams, shape, pixel, 200),
        water=water,
        valley=valley.astype(np.float32),
        full=relief.dam[2],
        gravel=gravel,
    )


def _water(
    seed: int, river: River, relief: Relief, height: Field, to_river: Field, pixel: float
) -> tuple[Field, Field]:
    shape = (height.shape[0], height.shape[1])
    edge = fractal(seed + 30, shape, pixel, longest=260, shortest=30, hurst=0.6)
    bars = fractal(seed + 31, shape, pixel, longest=500, shortest=60)
    channel = cover(to_river + 11 * np.clip(bars - 0.2, 0, 2), pixel)
    oxbow = cover(near(_tapered(river.oxbows), shape, pixel, 60) + 5 * edge, pixel)
    ponds = _ponds(seed, relief.streams, height, pixel)
    pits, shore = _pits(seed, river, edge, shape, pixel)
    water = np.maximum.reduce([channel, oxbow * 0.95, ponds, pits])
    brooks = cover(near([(line, 2.5) for line in relief.streams], shape, pixel, 30), pixel)
    gravel = np.maximum(shore, cover(to_river, pixel)) * (1 - water)
    return np.maximum(water, 0.45 * brooks).astype(np.float32), gravel.astype(np.float32)


def _tapered(oxbows: tuple[Line, ...]) -> list[tuple[Line, float]]:
    """Oxbows silt up from their ends: short pieces, narrower outwards and with age."""
    pieces = []
    for age, loop in enumerate(reversed(oxbows)):
        line = resample(loop, 20)
        for i in range(len(line) - 1):
            open_ = np.sin(np.pi * (i + 0.5) / len(line)) ** 0.5
            pieces.append((line[i : i + 2], float(WIDTH / 2 * open_ * (0.95 - 0.08 * age) - 6)))
    return [(line, radius) for line, radius in pieces if radius > 3]


def _ponds(seed: int, streams: tuple[Line, ...], height: Field, pixel: float) -> Field:
    """Fish ponds: brooks of the southern hills held back by low dams."""
    rng = np.random.default_rng(seed + 33)
    size = height.shape[0]
    out = np.zeros(height.shape, np.float32)
    for line in streams:
        if line[0, 1] < 0.72 * SIDE:
            continue
        for at in np.arange(35, len(line) - 10, rng.integers(60, 90)):
            reach, rise = rng.uniform(180, 420), rng.uniform(2.0, 4.5)
            col, row = np.clip(line[at] / pixel, 0, size - 1).astype(int)
            ahead = line[at] - line[at - 6]
            span = int(reach / pixel) + 1
            top, left = max(0, row - span), max(0, col - span)
            part = (slice(top, min(size, row + span)), slice(left, min(size, col + span)))
            y, x = np.mgrid[part].astype(np.float32) * np.float32(pixel)
            x, y = x - line[at, 0], y - line[at, 1]
            behind = (x * ahead[0] + y * ahead[1] < 0) & (np.hypot(x, y) < reach)
            depth = height[row, col] + rise - height[part]
            out[part] = np.maximum(out[part], behind * np.clip(depth, 0, 1))
    return out


def _pits(seed: int, river: River, edge: Field, shape: tuple[int, int], pixel: float) -> tuple[Field, Field]:
    """Flooded gravel pits beside the river, and the bare ground around them."""
    rng = np.random.default_rng(seed + 34)
    water, shore = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    y, x = (np.mgrid[: shape[0], : shape[1]].astype(np.float32) + 0.5) * np.float32(pixel)
    for share, across in ((0.24, 520), (0.21, 640), (0.83, -480)):
        at = np.argmin(np.abs(river.axis[:, 0] - share * SIDE))
        east, south = river.axis[at] + (0, across)
        turn, long, short = rng.uniform(0, np.pi), rng.uniform(210, 330), rng.uniform(120, 180)
        u = (x - east) * np.cos(turn) + (y - south) * np.sin(turn)
        v = (y - south) * np.cos(turn) - (x - east) * np.sin(turn)
        away = ((np.abs(u) / long) ** 3 + (np.abs(v) / short) ** 3) ** (1 / 3)
        metres = (away - 1) * short + 9 * edge
        water = np.maximum(water, cover(metres.astype(np.float32), pixel))
        shore = np.maximum(shore, cover((metres - 28 - 14 * edge).astype(np.float32), pixel))
    return water, shore
