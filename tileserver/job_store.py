"""Where jobs and their results are kept: a folder for one machine, Redis for several.

Who cancels a job leaves a mark of its own, so that whoever works on it and whoever cancels it never overwrite each
other. A job whose worker died is noticed by its silence.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import orjson

from tileserver.errors import Overloaded

Status = Literal["accepted", "running", "successful", "failed", "dismissed"]
"""The words of OGC API Processes."""

_LOST_SECONDS = {"accepted": 3600, "running": 600}
"""Whoever has not said anything for so long is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is known of a job."""

    id: str
    """32 hexadecimal digits, not to be guessed."""
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


class JobStore(Protocol):
    """Thread-safe; several processes may share what is behind it."""

    def read(self, job_id: str) -> Job | None:
        """What is known; None where nothing is or it has expired."""

    def write(self, job: Job) -> None:
        """Replace what is known in one step."""

    def all(self) -> list[Job]:
        """Every job that has not expired."""

    def cancel(self, job: Job) -> None:
        """Leave the mark, remove the result."""

    def part(self, job: Job) -> Path:
        """Where the result may be written until it is complete."""

    def keep(self, job: Job) -> None:
        """Make the complete part the result."""

    def fetch(self, job: Job) -> Path | None:
        """The result as a local file."""

    def drop(self, job: Job) -> None:
        """Remove the result and what there is of it."""

    def sweep(self) -> None:
        """Remove what has expired."""


class FolderStore:
    """A job is a JSON file, its mark an empty file, its result a file beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, job_id: str) -> Job | None:
        path = self._folder / f"{job_id}.json"
        job = _parsed(path)
        return _judged(job, cancelled=path.with_suffix(".cancelled").exists()) if job else None

    def write(self, job: Job) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{job.id}.{secrets.token_hex(4)}.tmp"
        draft.write_bytes(orjson.dumps(asdict(job)))
        draft.replace(self._folder / f"{job.id}.json")

    def all(self) -> list[Job]:
        jobs = (self.read(path.stem) for path in self._folder.glob("*.json"))
        return [job for job in jobs if job is not None]

    def cancel(self, job: Job) -> None:
        (self._folder / f"{job.id}.cancelled").touch()
        self.drop(job)

    def part(self, job: Job) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{job.id}.part"

    def keep(self, job: Job) -> None:
        self.part(job).replace(self._folder / job.result)

    def fetch(self, job: Job) -> Path | None:
        path = self._folder / job.result
        return path if path.exists() else None

    def drop(self, job: Job) -> None:
        for name in (job.result, f"{job.id}.part"):
            (self._folder / name).unlink(missing_ok=True)

    def sweep(self) -> None:
        now = time.time()
        for path in self._folder.glob("*.json"):
            job = _parsed(path)
            if job is None or now > job.expires:
                for file in self._folder.glob(f"{path.stem}.*"):
                    file.unlink(missing_ok=True)


class RedisStore:
    """The same in Redis, which forgets by itself; results are also kept as local files by who asked for them."""

    def __init__(self, url: str, folder: Path, seconds: float) -> None:
        import redis

        self._redis: Any = redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=2)
        self._error = redis.RedisError
        self._folder = folder
        self._seconds = seconds

    def read(self, job_id: str) -> Job | None:
        with self._reached():
            raw, mark = self._redis.mget(f"job:{job_id}", f"job:{job_id}:cancelled")
        return _judged(Job(**orjson.loads(raw)), cancelled=mark is not None) if raw else None

    def write(self, job: Job) -> None:
        with self._reached():
            self._redis.set(f"job:{job.id}", orjson.dumps(asdict(job)), pxat=round(job.expires * 1000))
            self._redis.zadd("jobs", {job.id: job.expires})

    def all(self) -> list[Job]:
        with self._reached():
            names = self._redis.zrangebyscore("jobs", time.time(), "+inf")
        jobs = (self.read(name.decode()) for name in names)
        return [job for job in jobs if job is not None]

    def cancel(self, job: Job) -> None:
        with self._reached():
            self._redis.set(f"job:{job.id}:cancelled", b"1", pxat=round(job.expires * 1000))
        self.drop(job)

    def part(self, job: Job) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{job.id}.part"

    def keep(self, job: Job) -> None:
        part = self.part(job)
        with self._reached():
            self._redis.set(f"job:{job.id}:result", part.read_bytes(), pxat=round(job.expires * 1000))
        part.replace(self._folder / job.result)

    def fetch(self, job: Job) -> Path | None:
        path = self._folder / job.result
        if path.exists():
            return path
        with self._reached():
            content = self._redis.get(f"job:{job.id}:result")
        if content is None:
            return None
        draft = self.part(job).with_suffix(f".{secrets.token_hex(4)}.tmp")
        draft.write_bytes(content)
        return draft.replace(path)

    def drop(self, job: Job) -> None:
        with self._reached():
            self._redis.delete(f"job:{job.id}:result")
        for name in (job.result, f"{job.id}.part"):
            (self._folder / name).unlink(missing_ok=True)

    def sweep(self) -> None:
        now = time.time()
        with self._reached():
            self._redis.zremrangebyscore("jobs", "-inf", now)
        for path in self._folder.glob("*.*"):
            if now - path.stat().st_mtime > self._seconds:
                path.unlink(missing_ok=True)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise Overloaded("Jobs cannot be reached at the moment.", retry_after=10) from error


def _parsed(path: Path) -> Job | None:
    try:
        values: dict[str, Any] = orjson.loads(path.read_bytes())
        return Job(**values)
    except (OSError, ValueError, TypeError):
        return None


def _judged(job: Job, *, cancelled: bool) -> Job | None:
    """A job as it stands now: expired, cancelled, or given up because nobody works on it any more."""
    now = time.time()
    if now > job.expires:
        return None
    if cancelled:
        return replace(job, status="dismissed", message="")
    if not job.over and now - job.updated > _LOST_SECONDS[job.status]:
        return replace(job, status="failed", message="The server stopped before the job was done.")
    return job


def open_store(folder: Path, redis_url: str, seconds: float) -> JobStore:
    """Redis where there is one, else the folder."""
    return RedisStore(redis_url, folder, seconds) if redis_url else FolderStore(folder)
