"""The river: a channel that has wandered through its valley and cut off its own bends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tileserver.demo.curves import Line, resample, smooth

WIDTH = 78.0
"""Metres."""

STEP = 32.0
"""Metres between points of the channel while it moves."""


@dataclass(frozen=True, slots=True)
class River:
    channel: Line
    """Upstream (east) to downstream (west), beyond both edges of the scene."""
    oxbows: tuple[Line, ...]
    """Bends that were cut off, oldest first."""
    scrolls: tuple[Line, ...]
    """Where the channel lay before, oldest first."""
    axis: Line
    """The middle of the valley, upstream to downstream."""


def wander(seed: int, side: float) -> River:
    """Let a channel migrate after Howard and Knutson (1984): banks erode with the curvature upstream."""
    rng = np.random.default_rng(seed)
    axis = _axis(side)
    channel = axis + np.column_stack([np.zeros(len(axis)), smooth(rng.normal(0, 60, (len(axis), 1)), 3)[:, 0]])
    oxbows: list[Line] = []
    scrolls: list[Line] = []
    for turn in range(300):
        channel = _migrate(channel, axis)
        if turn % 5 == 0:
            channel = smooth(channel, 1)
        if turn % 8 == 0:
            channel, loops = _cut(channel)
            oxbows += loops
        if turn % 14 == 0:
            scrolls.append(channel.copy())
    return River(smooth(resample(channel, 15), 4), tuple(oxbows[-9:]), tuple(scrolls[-14:]), axis)


def _axis(side: float) -> Line:
    """A broad valley from the eastern to the western edge."""
    x = np.arange(side * 1.12, -side * 0.12, -STEP)
    t = x / side
    y = side * (0.655 - 0.075 * np.sin(4.4 * t + 0.5) + 0.028 * np.sin(10.5 * t + 2.0) - 0.07 * (t - 0.5))
    return np.column_stack([x, y])


def _normals(line: Line) -> tuple[Line, NDArray[np.float64]]:
    """Unit normals and curvature (1/m) at each point."""
    dx, dy = np.gradient(line[:, 0]), np.gradient(line[:, 1])
    speed = np.hypot(dx, dy) + 1e-9
    curvature = (dx * np.gradient(dy) - dy * np.gradient(dx)) / speed**3
    return np.column_stack([-dy, dx]) / speed[:, None], curvature


def _migrate(channel: Line, axis: Line) -> Line:
    normal, curvature = _normals(channel)
    local = np.clip(WIDTH * curvature, -0.55, 0.55)
    reach = np.exp(-np.arange(20) * STEP / 105.0)
    upstream = np.convolve(local, reach / reach.sum())[: len(local)]
    rate = 2.5 * upstream - local
    middle = np.interp(channel[:, 0], axis[::-1, 0], axis[::-1, 1])
    away = channel[:, 1] - middle
    # valley walls hold the belt: the further from the axis, the less it moves outwards
    held = np.clip((np.abs(away) - 360) / 300, 0, 1) * np.sign(away)
    ends = np.clip(np.minimum(np.arange(len(rate)), np.arange(len(rate))[::-1]) / 25, 0, 1)
    moved = channel - normal * (rate * ends * 14.0)[:, None]
    moved[:, 1] -= held * ends * 6.0
    return resample(moved, STEP)


def _cut(channel: Line) -> tuple[Line, list[Line]]:
    """Join the necks of loops; what is left behind becomes an oxbow."""
    loops: list[Line] = []
    while True:
        x, y = channel.T.astype(np.float32)
        gap = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
        index = np.arange(len(channel))
        close = (gap < (WIDTH * 1.25) ** 2) & (index[None, :] - index[:, None] > 9)
        if not close.any():
            return channel, loops
        first = int(np.argmax(close.any(axis=1)))
        last = int(np.nonzero(close[first])[0][-1])
        loops.append(channel[first + 2 : last - 1].copy())
        channel = np.concatenate([channel[: first + 1], channel[last:]])
