"""The GPU backend. Whatever fails on the device, the CPU gives the answer."""

from __future__ import annotations

import io
import logging
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gpu import jpeg
from gpu.backend import Backend, Encoded, Format, Job, Picture, Resampling, Source
from gpu.checks import check_job, check_source
from gpu.cuda import plan
from gpu.cuda.descriptors import PIXEL_TYPES
from gpu.cuda.device import Device, DeviceError, DeviceLostError, DeviceMemoryError
from gpu.cuda.kernels import Kernels, Specialise
from gpu.cuda.slot import Slot
from gpu.cuda.stripes import Sink, Stripes
from gpu.cuda.styles import UnsupportedError
from gpu.pool import Pool
from gpu.statistics import Statistics, statistics

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_BATCH = 64
"""Jobs of one batch."""
MAX_PIXELS = 1 << 28
"""Pixels of one batch: bytes of its files are counted in 32 bits."""
MAX_ROWS = 8 * 65535
"""Rows of a picture: blocks of eight, and as many blocks as a grid can be high."""
STRIPED = 1 << 23
"""Pixels from which a picture is drawn in stripes."""
FALLBACKS = ("memory", "failure", "lost")
"""Reasons why the CPU took over."""


class CudaBackend:
    """Jobs in batches on a GPU, several batches at once on streams of their own. Thread-safe."""

    name = "cuda"

    def __init__(
        self,
        device: Device,
        cpu: Backend,
        *,
        slots: int = 3,
        pool_bytes: int | None = None,
        scratch_bytes: int = 64 << 20,
        specialise: Specialise = "later",
        on_fallback: Callable[[str], None] | None = None,
    ) -> None:
        """`pool_bytes` None: 85 % of what is free now. `on_fallback` counts: memory, failure or lost."""
        self.device = device
        self.cpu = cpu
        self.kernels = Kernels(device, specialise)
        budget = int(device.available() * 0.85) if pool_bytes is None else pool_bytes
        self.pool = Pool(max(budget - slots * scratch_bytes, 0))
        self.lost = False
        self._on_fallback = on_fallback or _ignore
        self._logged: set[str] = set()
        self._slots: queue.LifoQueue[Slot] = queue.LifoQueue()
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="gpu-draw")
        self._stripes = Stripes(device, self.kernels, self.pool)
        for _ in range(slots):
            self._slots.put(Slot(device, self.kernels, self.pool, scratch_bytes))

    def warm(self) -> None:
        """Compile what every request needs, and take the memory of every batch."""
        slots = [self._slots.get() for _ in range(self._slots.qsize())]
        for slot in slots:
            slot.scratch.take(1)
            slot.reset()
            self._slots.put(slot)
        for name in ("shade", "values", "warp", "seg_scan", "seg_gather"):
            self.kernels.general(name)
        self.jpeg([np.zeros((8, 8, 3), np.uint8)], 85)

    def draw(self, jobs: Sequence[Job]) -> list[Encoded]:
        """Shade and encode a batch of any size; the order is kept."""
        found: list[Encoded | None] = [None] * len(jobs)
        mine = []
        for i, job in enumerate(jobs):
            if not self._fits(job) or not _jpeg_can(job):
                found[i] = self.cpu.draw([job])[0]
            elif job.height * job.width >= STRIPED and job.format in ("jpg", "auto"):
                found[i] = self._huge(job)
            else:
                mine.append(i)
        batches = list(_batches(jobs, mine))
        draw = map if len(batches) < 2 else self._threads.map  # one is planned while another is on the device
        drawn = draw(self._draw, ([jobs[i] for i in members] for members in batches))
        for members, files in zip(batches, drawn, strict=True):
            for i, encoded in zip(members, files, strict=True):
                found[i] = encoded
        return [encoded for encoded in found if encoded is not None]

    def stream(self, job: Job, sink: Sink) -> tuple[int, int]:
        """The JPEG of a job in pieces, each handed to `sink` in page-locked memory as soon as it is there.

        Returns the numbers of visible and of opaque pixels. Raises DeviceError.
        """
        check_job(job)
        plan.check(job, shading=True)
        with self._slot() as slot:
            return self._stripes.draw(slot, job, sink)

    def shade(self, job: Job) -> Picture:
        """The picture of a job, not encoded."""
        if not self._fits(job):
            return self.cpu.shade(job)
        indexed = replace(job, format="png")
        return self._run(lambda slot: slot.shade(indexed), lambda: self.cpu.shade(job))

    def values(self, job: Job) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Physical outputs (outputs, height, width), NaN where they have no value, and validity."""
        if not self._fits(job, shading=False):
            return self.cpu.values(job)
        return self._run(lambda slot: slot.values(job), lambda: self.cpu.values(job))

    def statistics(self, job: Job, inside: NDArray[np.bool_] | None = None) -> list[Statistics]:
        """Of each output of a job: all valid pixels, or those also `inside` (height, width) a polygon."""

        def on_cpu() -> list[Statistics]:
            return [statistics(values, inside) for values in self.cpu.values(job)[0]]

        if not self._fits(job, shading=False):
            return on_cpu()
        return self._run(lambda slot: slot.statistics(job, inside), on_cpu)

    def warp(
        self, source: Source, height: int, width: int, resampling: Resampling
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Stored values on the output grid and their validity."""
        check_source(source, height, width)
        known = source.pixels.dtype.newbyteorder("=") in PIXEL_TYPES
        if not known or not 0 < height * width <= MAX_PIXELS or height > MAX_ROWS:
            return self.cpu.warp(source, height, width, resampling)
        return self._run(
            lambda slot: slot.warp(source, height, width, resampling),
            lambda: self.cpu.warp(source, height, width, resampling),
        )

    def encode(
        self,
        picture: Picture,
        format: Format,
        quality: int,
        background: tuple[int, int, int],
    ) -> Encoded:
        """A picture in host memory is encoded there: the way to the device and back costs more."""
        return self.cpu.encode(picture, format, quality, background)

    def jpeg(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        quality: int,
        sampling: jpeg.Sampling = "420",
        background: tuple[int, int, int] = (255, 255, 255),
    ) -> list[bytes]:
        """JPEG files of (height, width, 3 or 4) pictures; raises DeviceError. Restart intervals as gpu.jpeg says."""
        rgba = [_rgba(picture) for picture in pictures]
        with self._slot() as slot:
            return slot.jpeg(rgba, quality, sampling, background)

    def close(self) -> None:
        """Stop compiling in the background and free the pool."""
        self.kernels.close()
        self._threads.shutdown(wait=False)
        self.pool.clear()

    def _fits(self, job: Job, *, shading: bool = True) -> bool:
        check_job(job)
        if self.lost or not 0 < job.height * job.width <= MAX_PIXELS or job.height > MAX_ROWS:
            return False
        try:
            plan.check(job, shading=shading)
        except UnsupportedError:
            return False
        return True

    def _huge(self, job: Job) -> Encoded:
        """A picture that is drawn in stripes; when it may be a JPEG and cannot, it is drawn again as what it can be."""

        def striped(slot: Slot) -> Encoded:
            started = perf_counter()
            style = slot.styles.of(job.recipe)
            if job.format == "jpg" or not style.discrete:
                file = io.BytesIO()
                visible, opaque = self._stripes.draw(slot, job, file.write)
                complete = opaque == job.height * job.width
                if job.format == "jpg" or complete:
                    seconds = {"warp": 0.0, "encode": perf_counter() - started}
                    content = file.getvalue()
                    return Encoded(content=content, format="jpg", empty=visible == 0, opaque=complete, seconds=seconds)
            return slot.draw([replace(job, format="png")])[0]

        return self._run(striped, lambda: self.cpu.draw([job])[0])

    def _draw(self, jobs: list[Job]) -> list[Encoded]:
        try:
            with self._slot() as slot:
                return slot.draw(jobs)
        except DeviceMemoryError:
            self._free()
            if len(jobs) > 1:
                half = len(jobs) // 2
                return self._draw(jobs[:half]) + self._draw(jobs[half:])
            return self._run(lambda slot: slot.draw(jobs), lambda: self.cpu.draw(jobs))
        except Exception as error:
            self._fallback(error)
            return self.cpu.draw(jobs)

    def _run(self, on_device: Callable[[Slot], T], on_cpu: Callable[[], T]) -> T:
        """On the device, once more after freeing memory, else on the CPU."""
        for attempt in range(2):
            try:
                with self._slot() as slot:
                    return on_device(slot)
            except DeviceMemoryError as error:
                self._free()
                if attempt == 1:
                    self._fallback(error)
            except Exception as error:
                self._fallback(error)
                break
        return on_cpu()

    @contextmanager
    def _slot(self) -> Iterator[Slot]:
        if self.lost:
            raise DeviceLostError("the device was lost")
        slot = self._slots.get()
        try:
            yield slot
        finally:
            try:
                slot.reset()
            except DeviceError as error:
                log.debug("a slot starts with less memory: %s", error)
            self._slots.put(slot)

    def _free(self) -> None:
        """Half of what the pool holds, not all: it may be a hundred gigabytes that were uploaded for a reason."""
        self.pool.shrink(self.pool.used // 2)
        self.device.trim()

    def _fallback(self, error: Exception) -> None:
        reason = "failure"
        if isinstance(error, DeviceLostError):
            reason = "lost"
            self.lost = True
        elif isinstance(error, DeviceMemoryError):
            reason = "memory"
        self._on_fallback(reason)
        if reason not in self._logged:
            self._logged.add(reason)
            log.warning("The CPU takes over from the GPU (%s): %s", reason, error)


def _ignore(_reason: str) -> None:
    pass


def _jpeg_can(job: Job) -> bool:
    return job.format == "png" or max(job.height, job.width) <= jpeg.LIMIT


def _batches(jobs: Sequence[Job], members: Sequence[int]) -> Iterator[list[int]]:
    """Groups of at most MAX_BATCH jobs and MAX_PIXELS pixels."""
    batch: list[int] = []
    pixels = 0
    for i in members:
        size = jobs[i].height * jobs[i].width
        if batch and (len(batch) == MAX_BATCH or pixels + size > MAX_PIXELS):
            yield batch
            batch, pixels = [], 0
        batch.append(i)
        pixels += size
    if batch:
        yield batch


def _rgba(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if picture.shape[2] == 4:
        return np.ascontiguousarray(picture)
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
