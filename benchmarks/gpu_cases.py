"""What the GPU benchmark is made of: sizes, backends, clocks, bands and jobs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpu.backend import Control, Job, Layer, Recipe, Source
from gpu.cpu import CpuBackend
from gpu.cuda import CudaBackend
from gpu.cuda.device import Device
from gpu.expression import parse

GOALS = {
    "granule, 3 x uint16 resident": 2.5,
    "granule, RGB bytes resident": 1.8,
    "granule, 3 x uint16 from pinned memory": 14.5,
    "granule, RGB bytes from pinned memory": 7.5,
    "granule, from deflate blocks": 40.0,
    "pyramid z8-z14": 100.0,
    "batch of 64 tiles": 64 / 300.0,
}
"""Milliseconds (GPU.md)."""


@dataclass
class Bench:
    """Sizes, backends and what was found."""

    device: Device
    size: int
    runs: int
    emulated: bool = False
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cpu = CpuBackend()
        self.gpu = CudaBackend(self.device, self.cpu, specialise="now", on_fallback=self._fallback)
        self.gpu.warm()
        rng = np.random.default_rng(0)
        side = min(self.size, 2196)
        coarse = sum(
            np.kron(rng.normal(0, height, (-(-side // step),) * 2), np.ones((step, step)))[:side, :side]
            for step, height in ((64, 900), (16, 500), (4, 300), (1, 150))
        )
        times = -(-self.size // side)
        self.bands = [
            np.tile(np.clip(coarse + 1500 + 200 * i, 1, 10000), (times, times))[: self.size, : self.size].astype(
                np.uint16
            )
            for i in range(3)
        ]

    def _fallback(self, reason: str) -> None:
        raise SystemExit(f"The GPU failed ({reason}): nothing can be said of its speed.")

    def measure(
        self, name: str, boundary: str, call: Callable[[], Any], *, pixels: int, runs: int | None = None
    ) -> float:
        """Median milliseconds of a call."""
        call()
        spent = []
        for _ in range(runs or self.runs):
            started = time.perf_counter()
            call()
            spent.append(1e3 * (time.perf_counter() - started))
        median = statistics.median(spent)
        goal = None if self.emulated else GOALS.get(name)
        self.rows.append({"case": name, "boundary": boundary, "ms": median, "best": min(spent), "goal": goal})
        shown = f"goal {goal:7.2f} {'met' if median <= goal else 'MISSED'}" if goal else ""
        print(f"{name:42s} {median:10.3f} ms (best {min(spent):.3f}) {pixels / median / 1e6:8.2f} Gpixel/s {shown}")
        print(f"    {boundary}", flush=True)
        return median


def control(height: int, x: float = 0.0, y: float = 0.0, step: float = 1.0, turn: float = 0.0) -> Control:
    """A turned and scaled grid, one segment a row."""
    rows = np.arange(height)
    segments = np.zeros((height, 5))
    segments[:, 1] = x + step * 0.5 - turn * rows
    segments[:, 2] = step
    segments[:, 3] = y + step * (rows + 0.5)
    segments[:, 4] = turn
    return Control(segments=segments, first=np.arange(height + 1))


def rgb(resampling: str = "nearest", low: float = 0, high: float = 3000) -> Recipe:
    """Three bands as they are."""
    return Recipe(
        variables=("r", "g", "b"),
        expressions=parse("r,g,b"),
        rescale=((low, high),),
        resampling=resampling,  # type: ignore[arg-type]
    )


def job(
    bands: list[Any], where: Control, size: int, recipe: Recipe, *, key: Any = None, step: float = 1.0, **kwargs: Any
) -> Job:
    """One layer of three bands."""
    sources = tuple(
        Source(pixels=b, nodata=0, control=where, stretch=(1 / step, 1 / step), key=None if key is None else (key, i))
        for i, b in enumerate(bands)
    )
    return Job(layers=(Layer(sources=sources),), recipe=recipe, height=size, width=size, format="jpg", **kwargs)
