"""Jobs of many threads to batches: the device likes sixty-four tiles at once, and nobody waits more than a moment."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Backend, Encoded, Format, Job, Picture, Resampling, Source

MAX_JOBS = 64
MAX_WAIT = 0.001
"""Seconds that a job waits for company while the device is at work."""
IDLE_WAIT = 0.0001
"""The same while it is idle: as long as a caller needs to hand over all its jobs."""

_Entry = tuple[Job, "Future[Encoded]"]


class BatchingBackend:
    """A backend whose `draw` gathers the jobs of all callers. Thread-safe."""

    def __init__(
        self, inner: Backend, *, threads: int = 3, max_jobs: int = MAX_JOBS, max_wait: float = MAX_WAIT
    ) -> None:
        """`threads` batches may be on the device at once: one is copied while another is computed."""
        self.name = inner.name
        self.inner = inner
        self._max_jobs = max_jobs
        self._max_wait = max_wait
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._gathering = threading.Lock()
        self._drawing: set[int] = set()
        """Threads with a batch on the device."""
        self._threads = [
            threading.Thread(target=self._work, name=f"gpu-batch-{i}", daemon=True) for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def draw(self, jobs: Sequence[Job]) -> list[Encoded]:
        """Shade and encode; alone when there are enough jobs for a batch of their own."""
        if len(jobs) >= self._max_jobs:
            return self.inner.draw(jobs)
        futures = [self.submit(job) for job in jobs]
        return [future.result() for future in futures]

    def submit(self, job: Job) -> Future[Encoded]:
        """Queue one job."""
        future: Future[Encoded] = Future()
        self._queue.put((job, future))
        return future

    def shade(self, job: Job) -> Picture:
        """The picture of a job, not encoded."""
        return self.inner.shade(job)

    def values(self, job: Job) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Physical outputs and their validity."""
        return self.inner.values(job)

    def warp(
        self, source: Source, height: int, width: int, resampling: Resampling
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Stored values on the output grid and their validity."""
        return self.inner.warp(source, height, width, resampling)

    def encode(self, picture: Picture, format: Format, quality: int, background: tuple[int, int, int]) -> Encoded:
        """Encode any picture."""
        return self.inner.encode(picture, format, quality, background)

    def close(self) -> None:
        """Finish what is queued and stop."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while self._work_once():
            pass  # nothing of a batch is held while waiting for the next

    def _work_once(self) -> bool:
        batch = self._gather()
        if not batch:
            return False
        self._drawing.add(threading.get_ident())
        try:
            self._draw(batch)
        finally:
            self._drawing.discard(threading.get_ident())
        return True

    def _draw(self, batch: Sequence[_Entry]) -> None:
        try:
            found = self.inner.draw([job for job, _ in batch])
        except Exception:
            self._one_by_one(batch)
        else:
            for (_, future), encoded in zip(batch, found, strict=True):
                future.set_result(encoded)

    def _one_by_one(self, batch: Sequence[_Entry]) -> None:
        """A job that cannot be drawn fails alone."""
        for job, future in batch:
            try:
                future.set_result(self.inner.draw([job])[0])
            except Exception as error:
                future.set_exception(error)

    def _gather(self) -> list[_Entry]:
        """The next batch; empty at the end. One thread gathers, so that batches are not torn apart."""
        with self._gathering:
            first = self._queue.get()
            if first is None:
                return []
            batch = [first]
            deadline = perf_counter() + (self._max_wait if self._drawing else min(IDLE_WAIT, self._max_wait))
            while len(batch) < self._max_jobs:
                try:
                    entry = self._queue.get(timeout=max(deadline - perf_counter(), 0))
                except queue.Empty:
                    break
                if entry is None:
                    self._queue.put(None)
                    break
                batch.append(entry)
            return batch
