"""One huge picture as stripes on several streams: a stripe is shaded and coded while the one before leaves the device.

A stripe is a run of whole restart intervals, so that the pieces joined are the file that one launch would have made:
intervals are numbered through, only the first stripe has the header, only the last one the end. An MCU row that two
stripes share is shaded by both and counted once. Scratch memory is that of the stripes under way, not of the picture.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gpu import jpeg
from gpu.backend import Job, Source
from gpu.cuda.device import Device
from gpu.cuda.encoder import Batch, Frame, intervals_of
from gpu.cuda.kernels import Kernels
from gpu.cuda.plan import Plan, Target
from gpu.cuda.slot import Slot
from gpu.cuda.styles import Style
from gpu.pool import Pool

Sink = Callable[[memoryview], object]
"""Takes the next piece of a file, in page-locked memory that is overwritten once it returns."""

COUNT = 8
"""Stripes of a picture, at least."""
LARGEST = 1 << 24
"""Pixels of a stripe, about."""
STREAMS = 3
MCU = 16
"""Pixels of a side, at 4:2:0."""


@dataclass(frozen=True, slots=True)
class Stripe:
    """Restart intervals [first, last) and the rows [top, bottom) that they show; those from `fresh` on are new."""

    first: int
    last: int
    top: int
    bottom: int
    fresh: int


def split(height: int, width: int, count: int = COUNT, largest: int = LARGEST) -> Iterator[Stripe]:
    """The stripes of a picture from the top down."""
    interval = jpeg.INTERVALS["420"]
    across, total = intervals_of(height, width, "420", interval)
    count = min(max(count, -(-height * width // largest)), total)
    fresh = 0
    for number in range(count):
        first, last = total * number // count, total * (number + 1) // count
        top = first * interval // across * MCU
        bottom = min(-(-last * interval // across) * MCU, height)
        yield Stripe(first, last, top, bottom, fresh)
        fresh = max(fresh, bottom)


@dataclass(slots=True)
class Lane:
    """A slot that draws one stripe at a time."""

    slot: Slot
    batch: Batch | None = None
    counts: NDArray[np.uint32] | None = None


class Stripes:
    """Draws one huge picture at a time; the streams and their memory are made at the first."""

    def __init__(self, device: Device, kernels: Kernels, pool: Pool) -> None:
        self._device = device
        self._kernels = kernels
        self._pool = pool
        self._lanes: list[Lane] = []
        self._lock = threading.Lock()

    def draw(self, lead: Slot, job: Job, sink: Sink, *, count: int = COUNT, largest: int = LARGEST) -> tuple[int, int]:
        """The JPEG of a job to `sink`, piece by piece; returns how many of its pixels are visible and opaque.

        `lead` holds what all stripes share: bands that stay on the device, tables, controls. Bands that do not stay
        (without a key) are uploaded in the rows that a stripe needs, while earlier stripes are drawn.
        """
        with self._lock:
            if not self._lanes:
                self._lanes = [Lane(Slot(self._device, self._kernels, self._pool, 0)) for _ in range(STREAMS)]
            try:
                return self._draw(
                    lead, _passing(job, self._pool.budget), sink, split(job.height, job.width, count, largest)
                )
            finally:
                for lane in self._lanes:
                    lane.slot.reset()

    def _draw(self, lead: Slot, job: Job, sink: Sink, stripes: Iterator[Stripe]) -> tuple[int, int]:
        style = lead.styles.of(job.recipe)
        shared = Plan(lead.staging.put, lead.keep, rows=lambda _: (0, 0))
        shared.jobs([job], [style], [Target()])
        lead.staging.flush()
        lead.stream.synchronize()
        totals = np.zeros(2, np.int64)
        waiting: deque[Lane] = deque()
        for number, stripe in enumerate(stripes):
            if len(waiting) == STREAMS:
                totals += _collected(waiting.popleft(), sink)
            lane = self._lanes[number % STREAMS]
            _begin(lane, lead, job, style, stripe, shared)
            waiting.append(lane)
        while waiting:
            totals += _collected(waiting.popleft(), sink)
        lead.finish()
        return int(totals[0]), int(totals[1])


def _begin(lane: Lane, lead: Slot, job: Job, style: Style, stripe: Stripe, shared: Plan) -> None:
    """Queue everything of a stripe."""
    slot = lane.slot
    slot.reset()
    target = Target(
        pixels=slot.scratch.take(4 * job.width * (stripe.bottom - stripe.top)),
        top=stripe.top,
        rows=stripe.bottom - stripe.top,
        fresh=stripe.fresh - stripe.top,
    )
    resampling = job.recipe.resampling
    masks = {id(layer.mask) for layer in job.layers}

    def rows(source: Source) -> tuple[int, int]:
        return rows_read(source, "nearest" if id(source) in masks else resampling, job.width, stripe.top, stripe.bottom)

    plan = Plan(slot.staging.put, lead.keep, rows, shared.controls)
    lane.counts = slot.shade_all([job], [style], [target], plan)
    frame = Frame(
        target.pixels, job.height, job.width, job.background, top=stripe.top, first=stripe.first, last=stripe.last
    )
    lane.batch = slot.encoder.start([frame], job.quality)


def _collected(lane: Lane, sink: Sink) -> NDArray[np.uint32]:
    """Wait for a stripe and hand its bytes on; (visible, opaque) pixels."""
    assert lane.batch is not None
    assert lane.counts is not None
    for piece in lane.slot.encoder.finish(lane.batch):
        sink(piece.data)
    return lane.counts[0].copy()


def rows_read(source: Source, resampling: str, width: int, top: int, bottom: int) -> tuple[int, int]:
    """Rows [first, last) of a source that the output rows [top, bottom) of a picture may read; never empty."""
    height = source.pixels.shape[0]
    control = source.control
    if control is None:
        return min(top, height - 1), max(min(bottom, height), min(top, height - 1) + 1)
    segments = control.segments[control.first[top] : control.first[bottom]]
    begin = segments[:, 3]
    end = begin + segments[:, 4] * (width - segments[:, 0])
    both = np.concatenate([begin, end])
    both = both[np.isfinite(both)]
    if not both.size:
        return 0, 1
    stretch = min(y for line in (*source.pieces, (source.stretch,)) for _, y in line)
    reach = 2
    if resampling != "nearest":
        reach += math.ceil(2 / min(stretch, 1.0)) if stretch > 1e-5 else height
    first = int(np.clip(math.floor(np.clip(both.min(), -1e9, 1e9)) - reach, 0, height - 1))
    last = int(np.clip(math.ceil(np.clip(both.max(), -1e9, 1e9)) + reach, first + 1, height))
    return first, last


def _passing(job: Job, budget: int) -> Job:
    """The job with the keys taken off of those bands that cannot stay all at once."""
    left = budget

    def within(source: Source | None) -> Source | None:
        nonlocal left
        if source is None or source.key is None:
            return source
        if source.pixels.nbytes > left:
            return replace(source, key=None)
        left -= source.pixels.nbytes
        return source

    layers = tuple(
        replace(layer, sources=tuple(within(source) for source in layer.sources), mask=within(layer.mask))
        for layer in job.layers
    )
    return replace(job, layers=layers)
