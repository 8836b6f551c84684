"""Work that takes longer than a request: queued, watched, cancelled, cleaned up."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Condition, Thread

from tileserver.errors import NotFound, Overloaded, TileserverError
from tileserver.job_store import Job, JobStore, Status

Work = Callable[[Path, Callable[[float], None]], str]
"""Writes its result to a path, tells its progress, 0 to 1, and in the end what it made. Telling raises Cancelled
when nobody wants it any more."""

_ID = re.compile(r"[0-9a-f]{32}")
_SAYS_SECONDS = 0.25
_SWEEP_SECONDS = 60
_log = logging.getLogger(__name__)


class Cancelled(Exception):
    """The job was cancelled."""


class Jobs:
    """Runs this process's jobs one after another; answers for all that are in the store. Thread-safe."""

    def __init__(self, store: JobStore, limit: int, seconds: float) -> None:
        self._store = store
        self._limit = limit
        self._seconds = seconds
        self._waiting: deque[tuple[Job, Work]] = deque()
        self._changed = Condition()
        self._worker: Thread | None = None
        self._swept = 0.0

    def submit(self, kind: str, suffix: str, media_type: str, work: Work) -> Job:
        """Queue work. Raises Overloaded when too much is waiting or running."""
        self._sweep()
        now = time.time()
        name = secrets.token_hex(16)
        job = Job(
            id=name,
            kind=kind,
            status="accepted",
            result=f"{name}.{suffix}",
            media_type=media_type,
            created=now,
            updated=now,
            expires=now + self._seconds,
        )
        with self._changed:
            if sum(not other.over for other in self._store.all()) >= self._limit:
                raise Overloaded(f"{self._limit} jobs are waiting or running already.", retry_after=30)
            self._store.write(job)
            self._waiting.append((job, work))
            if self._worker is None:
                self._worker = Thread(target=self._run, name="jobs", daemon=True)
                self._worker.start()
            self._changed.notify()
        return job

    def job(self, job_id: str) -> Job:
        """What is known of a job. Raises NotFound."""
        job = self._store.read(job_id) if _ID.fullmatch(job_id) else None
        if job is None:
            raise NotFound("job", job_id)
        return job

    def result(self, name: str) -> tuple[Path, Job]:
        """The file of a successful job by its name. Raises NotFound."""
        job = self.job(name.partition(".")[0])
        path = self._store.fetch(job) if job.status == "successful" and name == job.result else None
        if path is None:
            raise NotFound("result", name)
        return path, job

    def cancel(self, job_id: str) -> Job:
        """Stop a job and forget its result. Raises NotFound."""
        self._store.cancel(self.job(job_id))
        return self.job(job_id)

    def _sweep(self) -> None:
        """Remove what has expired, now and then."""
        now = time.monotonic()
        if now - self._swept > _SWEEP_SECONDS or not self._swept:
            self._swept = now
            self._store.sweep()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                job, work = self._waiting.popleft()
            try:
                self._do(job, work)
            except Exception:  # the store is away: the job is given up, the next one may find it again
                _log.exception("job %s is lost", job.id)

    def _do(self, job: Job, work: Work) -> None:
        part = self._store.part(job)
        said = 0.0

        def say(progress: float) -> None:
            nonlocal said
            now = time.monotonic()
            if now - said >= _SAYS_SECONDS:
                said = now
                self._update(job, "running", min(max(progress, 0.0), 0.999))

        try:
            say(0.0)
            message = work(part, say)
            self._update(job, "running", 1.0)
            self._store.keep(job)
            self._update(replace(job, message=message), "successful", 1.0)
        except Cancelled:
            self._store.drop(job)
        except TileserverError as error:
            self._store.write(replace(job, status="failed", message=error.detail))
        except Exception:
            _log.exception("job %s failed", job.id)
            self._store.write(replace(job, status="failed", message="The job failed."))
        finally:
            part.unlink(missing_ok=True)

    def _update(self, job: Job, status: Status, progress: float) -> None:
        """Say how far it is. Raises Cancelled when the job was cancelled or removed meanwhile."""
        known = self._store.read(job.id)
        if known is None or known.status == "dismissed":
            raise Cancelled
        self._store.write(replace(job, status=status, progress=progress, updated=time.time()))
