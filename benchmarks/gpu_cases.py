"""What the GPU benchmark is made of: sizes, backends, clocks, bands, jobs and rows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpu.backend import Control, Job, Layer, Recipe, Source
from gpu.cpu import CpuBackend
from gpu.cuda import CudaBackend
from gpu.cuda.device import Device
from gpu.cuda.encoder import Frame
from gpu.expression import parse

GOALS = {
    "granule, 3 x uint16 resident": 2.5,
    "granule, RGB bytes resident": 1.8,
    "granule, 3 x uint16 from pinned memory": 14.5,
    "granule, RGB bytes from pinned memory": 7.5,
    "granule, from deflate blocks by CPU threads": 40.0,
    "granule, from deflate blocks by nvCOMP": 40.0,
    "pyramid z8-z14": 100.0,
    "512 tiles, the device alone": 512 / 300.0,
}
"""Milliseconds."""


class FellBack(RuntimeError):
    """The CPU answered: nothing can be said of the GPU's speed."""


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
        self.gpu = CudaBackend(self.device, self.cpu, specialise="now", on_fallback=_refuse)
        self.gpu.warm()
        rng = np.random.default_rng(0)
        side = min(self.size, 2196)
        coarse = sum(
            np.kron(rng.normal(0, height, (-(-side // step),) * 2), np.ones((step, step)))[:side, :side]
            for step, height in ((64, 900), (16, 500), (4, 300), (1, 150))
        )
        times = -(-self.size // side)
        self.bands = [
            np.tile(np.clip(coarse + 1500 + 200 * i, 1, 10000).astype(np.uint16), (times, times))[
                : self.size, : self.size
            ].copy()
            for i in range(3)
        ]

    def measure(
        self,
        name: str,
        boundary: str,
        call: Callable[[], Any],
        *,
        pixels: int,
        runs: int | None = None,
        warm: bool = True,
    ) -> float:
        """Median milliseconds of a call; a first call, which compiles and fills the pool, is not counted."""
        if warm:
            call()
        spent = []
        for _ in range(runs or self.runs):
            started = time.perf_counter()
            call()
            spent.append(1e3 * (time.perf_counter() - started))
        return self.note(name, boundary, spent, pixels=pixels)

    def note(self, name: str, boundary: str, spent: Sequence[float], *, pixels: int) -> float:
        """A row of what was measured, in milliseconds; returns the median."""
        median, best, worst = statistics.median(spent), min(spent), max(spent)
        goal = None if self.emulated else GOALS.get(name)
        numbers = {"ms": median, "best": best, "worst": worst, "runs": len(spent), "goal": goal}
        self.rows.append({"case": name, "boundary": boundary, **numbers})
        shown = f"goal {goal:7.2f} {'met' if median <= goal else 'MISSED'}" if goal else ""
        print(f"{name:46s} {median:10.3f} ms ({best:.3f} to {worst:.3f}) {pixels / median / 1e6:8.2f} Gpixel/s {shown}")
        print(f"    {boundary}", flush=True)
        return median

    def attempt(self, part: Callable[[Bench], None], name: str) -> None:
        """A part of the benchmark; what it cannot do is one row, and the next part follows."""
        try:
            part(self)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            self.rows.append({"case": name, "boundary": "not measured", "error": reason})
            print(f"{name}: not measured ({reason})", flush=True)

    def device_alone(self, jobs: Sequence[Job], times: int) -> dict[str, list[float]]:
        """Milliseconds of a planned batch: launches repeated, one wait at the end; shading, coding, both."""
        with self.gpu._slot() as slot:  # noqa: SLF001 planned once, launched often: no request does that
            styles = [slot.styles.of(job.recipe) for job in jobs]
            targets = [slot.target(job, style) for job, style in zip(jobs, styles, strict=True)]
            slot.shade_all(jobs, styles, targets)
            frames = [
                Frame(target.pixels, job.height, job.width, job.background)
                for job, target in zip(jobs, targets, strict=True)
            ]
            batch = slot.encoder.start(frames, 85)
            slot.encoder.finish(batch)
            found: dict[str, list[float]] = {"shading": [], "coding": [], "both": []}
            for _ in range(5):
                for name, steps in (
                    ("shading", (slot.again,)),
                    ("coding", (lambda: slot.encoder.again(batch),)),
                    ("both", (slot.again, lambda: slot.encoder.again(batch))),
                ):
                    started = time.perf_counter()
                    for _ in range(times):
                        for step in steps:
                            step()
                    slot.stream.synchronize()
                    found[name].append(1e3 * (time.perf_counter() - started) / times)
        return found


def _refuse(reason: str) -> None:
    raise FellBack(f"the GPU failed ({reason})")


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
