"""Work that takes longer than a request: queued, watched, cancelled, cleaned up.

A job's state is a small JSON file in a folder, so every process over that folder answers for it, whichever of them
does the work; its result lies beside it. An empty file says that it was cancelled, so that whoever works on it
and whoever cancels it never overwrite each other. A job whose worker died is noticed by its silence.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Literal

import orjson

from tileserver.errors import NotFound, Overloaded, TileserverError

Status = Literal["accepted", "running", "successful", "failed", "dismissed"]
"""The words of OGC API Processes."""
Work = Callable[[Path, Callable[[float], None]], str]
"""Writes its result to a path, tells its progress, 0 to 1, and in the end what it made. Telling raises Cancelled
when nobody wants it any more."""

_ID = re.compile(r"[0-9a-f]{32}")
_LOST_SECONDS = {"accepted": 3600, "running": 600}
"""Whoever has not said anything for so long is gone."""
_SAYS_SECONDS = 0.25
_log = logging.getLogger(__name__)


class Cancelled(Exception):
    """The job was cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is known of a job."""

    id: str
    kind: str
    status: Status
    progress: float = 0.0
    """0 to 1."""
    message: str = ""
    """For the reader: what was made, or why not."""
    result: str = ""
    """Name of the result's file, which is there when the job is successful."""
    media_type: str = ""
    created: float = 0.0
    """Seconds since 1970, as the next two."""
    updated: float = 0.0
    expires: float = 0.0

    @property
    def over(self) -> bool:
        return self.status in {"successful", "failed", "dismissed"}


class Jobs:
    """Runs jobs one after another. Thread-safe; several processes may share a folder."""

    def __init__(self, folder: Path, limit: int, hours: float) -> None:
        self._folder = folder
        self._limit = limit
        self._seconds = hours * 3600
        self._waiting: deque[tuple[Job, Work]] = deque()
        self._changed = Condition()
        self._worker: Thread | None = None
        self._swept = 0.0

    def submit(self, kind: str, suffix: str, media_type: str, work: Work) -> Job:
        """Queue work. Raises Overloaded when too much is waiting or running."""
        self.sweep()
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
            if sum(not other.over for other in self._all()) >= self._limit:
                raise Overloaded(f"{self._limit} jobs are waiting or running already.", retry_after=30)
            self._write(job)
            self._waiting.append((job, work))
            if self._worker is None:
                self._worker = Thread(target=self._run, name="jobs", daemon=True)
                self._worker.start()
            self._changed.notify()
        return job

    def job(self, job_id: str) -> Job:
        """What is known of a job. Raises NotFound."""
        job = self._read(self._path(job_id))
        if job is None or time.time() > job.expires:
            raise NotFound("job", job_id)
        return job

    def result(self, name: str) -> tuple[Path, Job]:
        """The file of a successful job by its name. Raises NotFound."""
        job = self.job(name.partition(".")[0])
        path = self._folder / job.result
        if job.status != "successful" or name != job.result or not path.exists():
            raise NotFound("result", name)
        return path, job

    def cancel(self, job_id: str) -> Job:
        """Stop a job and forget its result. Raises NotFound."""
        job = self.job(job_id)
        self._path(job_id).with_suffix(".cancelled").touch()
        (self._folder / job.result).unlink(missing_ok=True)
        return self.job(job_id)

    def sweep(self) -> None:
        """Remove what has expired, at most once a minute."""
        now = time.time()
        if now - self._swept < 60:
            return
        self._swept = now
        for job in self._all():
            if now > job.expires:
                for path in self._folder.glob(f"{job.id}.*"):
                    path.unlink(missing_ok=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                job, work = self._waiting.popleft()
            self._do(job, work)

    def _do(self, job: Job, work: Work) -> None:
        part = self._folder / f"{job.id}.part"
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
            part.replace(self._folder / job.result)
            self._update(replace(job, message=message), "successful", 1.0)
        except Cancelled:
            (self._folder / job.result).unlink(missing_ok=True)
        except TileserverError as error:
            self._write(replace(job, status="failed", message=error.detail))
        except Exception:
            _log.exception("job %s failed", job.id)
            self._write(replace(job, status="failed", message="The job failed."))
        finally:
            part.unlink(missing_ok=True)

    def _update(self, job: Job, status: Status, progress: float) -> None:
        """Say how far it is. Raises Cancelled when the job was cancelled or removed meanwhile."""
        known = self._read(self._path(job.id))
        if known is None or known.status == "dismissed":
            raise Cancelled
        self._write(replace(job, status=status, progress=progress, updated=time.time()))

    def _path(self, job_id: str) -> Path:
        if not _ID.fullmatch(job_id):
            raise NotFound("job", job_id)
        return self._folder / f"{job_id}.json"

    def _all(self) -> list[Job]:
        jobs = (self._read(path) for path in self._folder.glob("*.json"))
        return [job for job in jobs if job is not None]

    def _read(self, path: Path) -> Job | None:
        try:
            values: dict[str, Any] = orjson.loads(path.read_bytes())
            job = Job(**values)
        except (OSError, ValueError, TypeError):
            return None
        if path.with_suffix(".cancelled").exists():
            return replace(job, status="dismissed")
        if not job.over and time.time() - job.updated > _LOST_SECONDS[job.status]:
            return replace(job, status="failed", message="The server stopped before the job was done.")
        return job

    def _write(self, job: Job) -> None:
        """Replace the state in one step: readers see the old or the new one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(job.id)
        draft = path.with_suffix(f".{secrets.token_hex(4)}.tmp")
        draft.write_bytes(orjson.dumps(asdict(job)))
        draft.replace(path)
