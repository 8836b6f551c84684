"""Everything one batch needs while it is on the device: a stream, memory, an encoder, its leases in the pool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu import jpeg
from gpu.backend import Encoded, Job, Picture, Resampling, Source
from gpu.cuda import descriptors
from gpu.cuda.arena import Scratch, Staging
from gpu.cuda.descriptors import RESAMPLINGS
from gpu.cuda.device import Device, Memory
from gpu.cuda.encoder import Encoder, Frame
from gpu.cuda.kernels import Kernels, common_pixel, variant
from gpu.cuda.plan import Plan, Target, is_reduced, palette_of, pixel_types
from gpu.encode import encode
from gpu.pool import Pool
from gpu.statistics import NAMES, Statistics

BLOCK = 256
"""Threads of a block: 32 x 8 pixels."""


class Slot:
    """Serves one batch at a time."""

    def __init__(self, device: Device, kernels: Kernels, pool: Pool, scratch_bytes: int) -> None:
        self.stream = device.stream()
        self._device = device
        self._kernels = kernels
        self._pool = pool
        self._scratch = Scratch(device, scratch_bytes)
        self._staging = Staging(device, self.stream, self._scratch)
        self._encoder = Encoder(device, kernels)
        self._leased: list[Hashable] = []
        self._fresh: dict[Hashable, Memory] = {}
        self._placed: dict[Hashable, int] = {}

    def draw(self, jobs: Sequence[Job]) -> list[Encoded]:
        """Shade and encode; only files, or the pixels of what is no JPEG, leave the device."""
        started = perf_counter()
        targets = [self._target(job) for job in jobs]
        counts = self._shade(jobs, targets)
        shaded = perf_counter()
        files = self._files(jobs, targets)
        found: list[Encoded] = []
        for i, (job, target) in enumerate(zip(jobs, targets, strict=True)):
            visible, opaque = (int(count) for count in counts[i])
            complete = opaque == job.height * job.width
            seconds = {"warp": (shaded - started) / len(jobs)}
            if i in files and (job.format == "jpg" or complete):
                content = files[i]
                encoded = Encoded(content=content, format="jpg", empty=visible == 0, opaque=complete)
            else:
                encoded = encode(self._picture(job, target), job.format, job.quality, job.background)
            seconds["encode"] = (perf_counter() - shaded) / len(jobs)
            found.append(
                Encoded(
                    content=encoded.content,
                    format=encoded.format,
                    empty=visible == 0,
                    opaque=complete,
                    seconds=seconds,
                )
            )
        return found

    def shade(self, job: Job) -> Picture:
        """The picture of a job in host memory."""
        target = self._target(job)
        self._shade([job], [target])
        return self._picture(job, target)

    def values(self, job: Job) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Physical outputs (outputs, height, width) and validity (height, width)."""
        outputs, pixels = len(job.recipe.expressions), job.height * job.width
        target = Target(values=self._scratch.take(8 * outputs * pixels), valid=self._scratch.take(pixels))
        self._launch("values", [job], [target])
        values = np.empty((outputs, job.height, job.width))
        valid = np.empty((job.height, job.width), np.bool_)
        self.stream.download(values, target.values)
        self.stream.download(valid, target.valid)
        self._finish()
        return values, valid

    def statistics(self, job: Job, inside: NDArray[np.bool_] | None) -> list[Statistics]:
        """Of each output's valid pixels; only eight numbers an output leave the device."""
        outputs, pixels = len(job.recipe.expressions), job.height * job.width
        target = Target(values=self._scratch.take(8 * outputs * pixels), valid=self._scratch.take(pixels))
        mask = 0 if inside is None else self._staging.put(np.ascontiguousarray(inside).view(np.uint8))
        results = np.empty((outputs, 8))
        address = self._scratch.take(results.nbytes)
        regions = b"".join(
            descriptors.REGION.pack(target.values + 8 * pixels * o, mask, address + 64 * o, pixels)
            for o in range(outputs)
        )
        packed = self._staging.put(np.frombuffer(regions, np.uint8))
        self._launch("values", [job], [target])
        self._kernels.general("statistics")((outputs, 1, 1), BLOCK, [np.uint64(packed)], self.stream)
        self.stream.download(results, address)
        self._finish()
        return [Statistics(count=int(row[0]), **dict(zip(NAMES[1:], row[1:], strict=True))) for row in results.tolist()]

    def warp(
        self, source: Source, height: int, width: int, resampling: Resampling
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Stored values on the output grid and their validity."""
        dtype = source.pixels.dtype.newbyteorder("=")
        plan = Plan(self._staging.put, self._keep)
        pixels = np.zeros((height, width), dtype)
        valid = np.zeros((height, width), np.bool_)
        address = plan.source(source)
        if source.pixels.size == 0:
            return pixels, valid
        d_pixels, d_valid = self._scratch.take(pixels.nbytes), self._scratch.take(valid.nbytes)
        self._staging.flush()
        numbers = (np.int32(RESAMPLINGS[resampling]), np.int32(width), np.int32(height))
        args = [np.uint64(address), *numbers, np.uint64(d_pixels), np.uint64(d_valid)]
        self._kernels.general("warp")((-(-width // 32), -(-height // 8), 1), BLOCK, args, self.stream)
        self.stream.download(pixels, d_pixels)
        self.stream.download(valid, d_valid)
        self._finish()
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
            Frame(self._staging.put(picture), picture.shape[0], picture.shape[1], background) for picture in pictures
        ]
        return self._encoder.encode(frames, quality, sampling, self._staging, self._scratch, self.stream)

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
            self._staging.reset()
            self._scratch.reset()

    def _target(self, job: Job) -> Target:
        pixels = job.height * job.width
        indexed = palette_of(job.recipe) is not None and job.format != "jpg"
        return Target(pixels=self._scratch.take(4 * pixels), indices=self._scratch.take(pixels) if indexed else 0)

    def _shade(self, jobs: Sequence[Job], targets: Sequence[Target]) -> NDArray[np.uint32]:
        """(jobs, 2): visible and opaque pixels of each."""
        counts = np.zeros((len(jobs), 2), np.uint32)
        address = self._scratch.take(counts.nbytes)
        self.stream.zero(address, counts.nbytes)
        for i, target in enumerate(targets):
            target.counts = address + 8 * i
        self._launch("shade", jobs, targets)
        self.stream.download(counts, address)
        self._finish()
        return counts

    def _launch(self, kernel: str, jobs: Sequence[Job], targets: Sequence[Target]) -> None:
        """One launch for the jobs that share a compiled kernel."""
        plan = Plan(self._staging.put, self._keep)
        groups = defaultdict(list)
        for i, job in enumerate(jobs):
            pixel = common_pixel(pixel_types([job]))
            groups[variant(kernel, job.recipe, pixel, reduced=is_reduced(job))].append(i)
        launches = []
        for wanted, members in groups.items():
            address = plan.jobs([jobs[i] for i in members], [targets[i] for i in members])
            width = max(jobs[i].width for i in members)
            height = max(jobs[i].height for i in members)
            launches.append((wanted, (-(-width // 32), -(-height // 8), len(members)), address))
        self._staging.flush()
        for wanted, grid, address in launches:
            self._kernels.best(wanted)(grid, BLOCK, [np.uint64(address)], self.stream)

    def _files(self, jobs: Sequence[Job], targets: Sequence[Target]) -> dict[int, bytes]:
        """JPEG files of the jobs that are to be, or may become, JPEGs."""
        groups = defaultdict(list)
        for i, job in enumerate(jobs):
            palette = palette_of(job.recipe)
            discrete = palette is not None and len(palette) < 256
            if job.format == "jpg" or (job.format == "auto" and not discrete):
                groups[job.quality].append(i)
        found: dict[int, bytes] = {}
        for quality, members in groups.items():
            frames = [Frame(targets[i].pixels, jobs[i].height, jobs[i].width, jobs[i].background) for i in members]
            files = self._encoder.encode(frames, quality, "420", self._staging, self._scratch, self.stream)
            found.update(zip(members, files, strict=True))
        return found

    def _picture(self, job: Job, target: Target) -> Picture:
        rgba = np.empty((job.height, job.width, 4), np.uint8)
        self.stream.download(rgba, target.pixels)
        indices = np.empty((job.height, job.width), np.uint8)
        if target.indices:
            self.stream.download(indices, target.indices)
        self.stream.synchronize()
        alpha = np.ascontiguousarray(rgba[..., 3])
        if target.indices:
            return Picture(pixels=indices, alpha=alpha, palette=palette_of(job.recipe))
        return Picture(pixels=np.ascontiguousarray(rgba[..., :3]), alpha=alpha)

    def _keep(self, key: Hashable, data: NDArray[Any]) -> int:
        """The address of pixels that stay on the device, as long as the pool has room."""
        address = self._placed.get(key)
        if address is None:
            address = self._placed[key] = self._place(key, data)
        return address

    def _place(self, key: Hashable, data: NDArray[Any]) -> int:
        memory = self._pool.lease(key)
        if memory is not None:
            self._leased.append(key)
            return memory.address
        if data.nbytes > self._pool.budget:
            return self._staging.put(data)
        memory = self._device.allocate(data.nbytes)
        self.stream.upload(memory.address, np.ascontiguousarray(data).reshape(-1).view(np.uint8))
        self._fresh[key] = memory
        return memory.address

    def _finish(self) -> None:
        """Wait; what was uploaded is complete now and others may use it."""
        self.stream.synchronize()
        for key, memory in self._fresh.items():
            self._pool.offer(key, memory)
        self._fresh.clear()
        self._placed.clear()
