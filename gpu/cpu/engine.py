"""Jobs to pictures on the CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Encoded, Format, Job, Picture, Resampling, Source
from gpu.checks import check_job, check_source
from gpu.cpu import color, compose, plain, warming, warp
from gpu.encode import encode

STRIP_BYTES = 64 << 20
"""Working memory of one strip of rows of a stack."""


class CpuBackend:
    """Complete, thread-safe, without state."""

    name = "cpu"

    def __init__(self, *, warm: bool = True) -> None:
        """`warm`: all kernels are loaded beside what else a start has to do, else each when it is needed."""
        if warm:
            warming.start()

    def warp(
        self, source: Source, height: int, width: int, resampling: Resampling
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Stored values on the output grid and their validity."""
        check_source(source, height, width)
        return warp.warp(source, width, slice(0, height), resampling)

    def values(self, job: Job) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Physical outputs (outputs, height, width) and validity (height, width)."""
        check_job(job)
        values = np.concatenate([compose.compose(job, rows) for rows in _strips(job)], axis=1)
        return values, compose.validity(values, job.recipe)

    def shade(self, job: Job) -> Picture:
        """The picture of a job, not encoded."""
        check_job(job)
        if plain.fits(job):
            return plain.shade(job)
        parts = [color.paint(compose.compose(job, rows), job.recipe) for rows in _strips(job)]
        if len(parts) == 1:
            return parts[0]
        return Picture(
            pixels=np.concatenate([part.pixels for part in parts]),
            alpha=np.concatenate([part.alpha for part in parts]),
            palette=parts[0].palette,
        )

    def encode(
        self,
        picture: Picture,
        format: Format,
        quality: int,
        background: tuple[int, int, int],
    ) -> Encoded:
        """Encode any picture."""
        return encode(picture, format, quality, background)

    def draw(self, jobs: Sequence[Job]) -> list[Encoded]:
        """Shade and encode a batch."""
        return [self._draw(job) for job in jobs]

    def _draw(self, job: Job) -> Encoded:
        start = perf_counter()
        picture = self.shade(job)
        shaded = perf_counter()
        encoded = encode(picture, job.format, job.quality, job.background)
        seconds = {"warp": shaded - start, "encode": perf_counter() - shaded}
        return replace(encoded, seconds=seconds)


def _strips(job: Job) -> Iterator[slice]:
    """Rows in strips whose stack of float64 outputs stays within STRIP_BYTES."""
    layers = 1 if set(job.reducers) <= {"first", "best"} else max(len(job.layers), 1)
    each = layers * job.width * 8 * (len(job.recipe.expressions) + len(job.recipe.variables) + 2)
    rows = max(1, min(job.height, STRIP_BYTES // each))
    for start in range(0, job.height, rows):
        yield slice(start, min(start + rows, job.height))
