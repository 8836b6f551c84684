"""Everything one batch needs while it is on the device: a stream, memory, an encoder, its leases in the pool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu import jpeg
from gpu.backend import Encoded, Job, Picture, Resampling, Source
from gpu.cuda import descriptors
from gpu.cuda.arena import Scratch, Staging
from gpu.cuda.descriptors import RESAMPLINGS
from gpu.cuda.device import Device, Kernel, Memory
from gpu.cuda.encoder import Encoder, Frame
from gpu.cuda.kernels import Kernels, Variant
from gpu.cuda.plan import Plan, Target, common_type, is_reduced, is_tabled
from gpu.cuda.styles import Style, Styles
from gpu.encode import encode
from gpu.pool import Pool
from gpu.statistics import NAMES, Statistics

BLOCK = 256
"""Threads of a block: 32 x 8 pixels."""


class Slot:
    """Serves one batch at a time."""

    def __init__(self, device: Device, kernels: Kernels, pool: Pool, scratch_bytes: int) -> None:
        self.stream = device.stream()
        self.scratch = Scratch(device, scratch_bytes)
        self.staging = Staging(device, self.stream, self.scratch)
        self.encoder = Encoder(device, kernels, self.staging, self.scratch, self.stream)
        self.styles = Styles()
        self._device = device
        self._kernels = kernels
        self._pool = pool
        self._counts: NDArray[np.uint32] = device.pinned(1 << 10).view(np.uint32)
        self._launches: list[tuple[Kernel, tuple[int, int, int], int]] = []
        """Held until the batch ends: a kernel that is thrown out of the cache must outlive its launch."""
        self._leased: list[Hashable] = []
        self._fresh: dict[Hashable, Memory] = {}
        self._placed: dict[Hashable, int] = {}

    def draw(self, jobs: Sequence[Job]) -> list[Encoded]:
        """Shade and encode; only files, or the pixels of what is no JPEG, leave the device."""
        started = perf_counter()
        styles = [self.styles.of(job.recipe) for job in jobs]
        targets = [self.target(job, style) for job, style in zip(jobs, styles, strict=True)]
        counts = self.shade_all(jobs, styles, targets)
        queued = perf_counter()
        files = self._files(jobs, styles, targets)
        self.finish()
        found: list[Encoded] = []
        for i, (job, style, target) in enumerate(zip(jobs, styles, targets, strict=True)):
            visible, opaque = counts[i].tolist()
            complete = opaque == job.height * job.width
            seconds = {"warp": (queued - started) / len(jobs), "encode": (perf_counter() - queued) / len(jobs)}
            state: dict[str, Any] = {"empty": visible == 0, "opaque": complete, "seconds": seconds}
            if i in files and (job.format == "jpg" or complete):
                found.append(Encoded(content=files[i], format="jpg", **state))
            else:
                encoded = encode(self._picture(job, style, target), job.format, job.quality, job.background)
                found.append(replace(encoded, **state))
        return found

    def shade(self, job: Job) -> Picture:
        """The picture of a job in host memory."""
        style = self.styles.of(job.recipe)
        target = self.target(job, style)
        self.shade_all([job], [style], [target])
        return self._picture(job, style, target)

    def values(self, job: Job) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Physical outputs (outputs, height, width) and validity (height, width)."""
        outputs, pixels = len(job.recipe.expressions), job.height * job.width
        target = Target(values=self.scratch.take(8 * outputs * pixels), valid=self.scratch.take(pixels))
        self._launch("values", [job], [self.styles.of(job.recipe)], [target])
        values = np.empty((outputs, job.height, job.width))
        valid = np.empty((job.height, job.width), np.bool_)
        self.stream.download(values, target.values)
        self.stream.download(valid, target.valid)
        self.finish()
        return values, valid

    def statistics(self, job: Job, inside: NDArray[np.bool_] | None) -> list[Statistics]:
        """Of each output's valid pixels; only eight numbers an output leave the device."""
        outputs, pixels = len(job.recipe.expressions), job.height * job.width
        target = Target(values=self.scratch.take(8 * outputs * pixels), valid=self.scratch.take(pixels))
        mask = 0 if inside is None else self.staging.put(np.ascontiguousarray(inside).view(np.uint8))
        results = np.empty((outputs, 8))
        address = self.scratch.take(results.nbytes)
        regions = [(target.values + 8 * pixels * o, mask, address + 64 * o, pixels) for o in range(outputs)]
        packed = self.staging.put(np.array(regions, descriptors.REGION))
        self._launch("values", [job], [self.styles.of(job.recipe)], [target])
        self._kernels.general("statistics")((outputs, 1, 1), BLOCK, [np.uint64(packed)], self.stream)
        self.stream.download(results, address)
        self.finish()
        return [Statistics(count=int(row[0]), **dict(zip(NAMES[1:], row[1:], strict=True))) for row in results.tolist()]

    def warp(
        self, source: Source, height: int, width: int, resampling: Resampling
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Stored values on the output grid and their validity."""
        dtype = source.pixels.dtype.newbyteorder("=")
        plan = Plan(self.staging.put, self.keep)
        pixels = np.zeros((height, width), dtype)
        valid = np.zeros((height, width), np.bool_)
        address = plan.source(source)
        if source.pixels.size == 0:
            return pixels, valid
        d_pixels, d_valid = self.scratch.take(pixels.nbytes), self.scratch.take(valid.nbytes)
        self.staging.flush()
        numbers = (np.int32(RESAMPLINGS[resampling]), np.int32(width), np.int32(height))
        args = [np.uint64(address), *numbers, np.uint64(d_pixels), np.uint64(d_valid)]
        self._kernels.general("warp")((-(-width // 32), -(-height // 8), 1), BLOCK, args, self.stream)
        self.stream.download(pixels, d_pixels)
        self.stream.download(valid, d_valid)
        self.finish()
        return pixels, valid

    def jpeg(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        quality: int,
        sampling: jpeg.Sampling,
        background: tuple[int, int, int],
    ) -> list[bytes]:
        """Files of (height, width, 4) RGBA pictures in host memory."""
        frames = [
            Frame(self.staging.put(picture), picture.shape[0], picture.shape[1], background) for picture in pictures
        ]
        files = self.encoder.finish(self.encoder.start(frames, quality, sampling))
        return [file.tobytes() for file in files]

    def shade_all(
        self, jobs: Sequence[Job], styles: Sequence[Style], targets: Sequence[Target], plan: Plan | None = None
    ) -> NDArray[np.uint32]:
        """Queue; (jobs, 2) visible and opaque pixels of each, there after the next wait, in page-locked memory."""
        if self._counts.size < 2 * len(jobs):
            self._counts = self._device.pinned(8 * len(jobs)).view(np.uint32)
        counts = self._counts[: 2 * len(jobs)].reshape(-1, 2)
        address = self.scratch.take(counts.nbytes)
        self.stream.zero(address, counts.nbytes)
        for i, target in enumerate(targets):
            target.counts = address + 8 * i
        self._launch("shade", jobs, styles, targets, plan)
        self.stream.download(counts, address)
        return counts

    def keep(self, key: Hashable, data: NDArray[Any]) -> int:
        """The address of pixels that stay on the device, as long as the pool has room."""
        address = self._placed.get(key)
        if address is None:
            address = self._placed[key] = self._place(key, data)
        return address

    def again(self) -> None:
        """Queue the launches of the last batch (once more)."""
        for kernel, grid, address in self._launches:
            kernel(grid, BLOCK, [np.uint64(address)], self.stream)

    def finish(self) -> None:
        """Wait; what was uploaded is complete now and others may use it."""
        self.stream.synchronize()
        for key, memory in self._fresh.items():
            self._pool.offer(key, memory)
        self._fresh.clear()
        self._placed.clear()

    def reset(self) -> None:
        """After a batch, also one that failed: release what was leased, start the memory anew."""
        try:
            self.stream.synchronize()  # memory goes back only when nothing queued can touch it
        finally:
            for key in self._leased:
                self._pool.release(key)
            self._leased.clear()
            self._fresh.clear()
            self._placed.clear()
            self._launches.clear()
            self.staging.reset()
            self.scratch.reset()

    def _launch(
        self,
        kernel: str,
        jobs: Sequence[Job],
        styles: Sequence[Style],
        targets: Sequence[Target],
        plan: Plan | None = None,
    ) -> None:
        """One launch for the jobs that share a compiled kernel."""
        plan = plan or Plan(self.staging.put, self.keep)
        groups: dict[Variant, list[int]] = defaultdict(list)
        for i, (job, style) in enumerate(zip(jobs, styles, strict=True)):
            wanted = style.variant(kernel, common_type(job), reduced=is_reduced(job), tabled=is_tabled(job))
            groups[wanted].append(i)
        self._launches.clear()
        for wanted, members in groups.items():
            mine = [targets[i] for i in members]
            address = plan.jobs([jobs[i] for i in members], [styles[i] for i in members], mine)
            width = max(jobs[i].width for i in members)
            height = max(jobs[i].height if targets[i].rows is None else targets[i].rows or 0 for i in members)
            grid = (-(-width // 32), -(-height // 8), len(members))
            self._launches.append((self._kernels.best(wanted), grid, address))
        self.staging.flush()
        self.again()

    def target(self, job: Job, style: Style) -> Target:
        """Memory for a job's pixels."""
        pixels = job.height * job.width
        indexed = style.palette is not None and job.format != "jpg"
        return Target(pixels=self.scratch.take(4 * pixels), indices=self.scratch.take(pixels) if indexed else 0)

    def _files(self, jobs: Sequence[Job], styles: Sequence[Style], targets: Sequence[Target]) -> dict[int, bytes]:
        """JPEG files of the jobs that are to be, or may become, JPEGs."""
        groups = defaultdict(list)
        for i, (job, style) in enumerate(zip(jobs, styles, strict=True)):
            if job.format == "jpg" or (job.format == "auto" and not style.discrete):
                groups[job.quality].append(i)
        found: dict[int, bytes] = {}
        for quality, members in groups.items():
            frames = [Frame(targets[i].pixels, jobs[i].height, jobs[i].width, jobs[i].background) for i in members]
            files = self.encoder.finish(self.encoder.start(frames, quality))
            found.update(zip(members, (file.tobytes() for file in files), strict=True))
        return found

    def _picture(self, job: Job, style: Style, target: Target) -> Picture:
        rgba = np.empty((job.height, job.width, 4), np.uint8)
        self.stream.download(rgba, target.pixels)
        indices = np.empty((job.height, job.width), np.uint8)
        if target.indices:
            self.stream.download(indices, target.indices)
        self.finish()
        alpha = np.ascontiguousarray(rgba[..., 3])
        if target.indices:
            return Picture(pixels=indices, alpha=alpha, palette=style.palette)
        return Picture(pixels=np.ascontiguousarray(rgba[..., :3]), alpha=alpha)

    def _place(self, key: Hashable, data: NDArray[Any]) -> int:
        memory = self._pool.lease(key)
        if memory is not None:
            self._leased.append(key)
            return memory.address
        if data.nbytes > self._pool.budget:
            return self.staging.put(data)
        memory = self._device.allocate(data.nbytes)
        self.stream.upload(memory.address, np.ascontiguousarray(data).reshape(-1).view(np.uint8))
        self._fresh[key] = memory
        return memory.address
