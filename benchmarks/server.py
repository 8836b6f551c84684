"""A server process under measure: started, asked, its CPU time and memory read, stopped."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks import client
from benchmarks.client import Answer, Refused

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable
TILESERVER = (PYTHON, "-m", "tileserver")


@dataclass(frozen=True, slots=True)
class Load:
    """Milliseconds per answer."""

    cpu: float
    """Of the server's processes."""
    wall: float
    """From the first question to the last answer, through their number."""
    median: float
    """Latency as a client sees it."""


class Server:
    """A command that serves HTTP on a port of 127.0.0.1."""

    def __init__(
        self, command: Sequence[str], port: int, environment: Mapping[str, str], first: str = "/healthz"
    ) -> None:
        self.port = port
        self._first = first
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        """Waits until the first path is answered; `ready` is how long that took, in seconds."""
        while time.perf_counter() - self.started < 120:
            try:
                answer = client.ask(self.port, [self._first])[0]
            except (OSError, Refused):
                time.sleep(0.005)
                if self.process.poll() is not None:
                    break
            else:
                self.ready = time.perf_counter() - self.started
                if answer.status < 300:
                    return self
                break
        self.process.kill()
        self._said.seek(0)
        said = self._said.read()[-2000:].decode(errors="replace")
        raise RuntimeError(f"the server at port {self.port} did not start: {said}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._said.close()

    def settle(self) -> Self:
        """Wait until the server does nothing more by itself: what it does after its start is no tile's."""
        quiet = 0
        for _ in range(100):
            before = self.seconds()
            time.sleep(0.2)
            quiet = quiet + 1 if self.seconds() - before < 0.004 else 0
            if quiet == 3:
                break
        return self

    def pids(self) -> list[int]:
        """The process and its children."""
        return family(self.process.pid)

    def seconds(self) -> float:
        """CPU time of all of them so far."""
        return sum(map(cpu_seconds, self.pids()))

    def resident(self) -> int:
        """Bytes of memory that they have."""
        return sum(map(_resident, self.pids()))

    def answers(self, paths: Sequence[str], clients: int = 1) -> list[Answer]:
        """All must be 200."""
        answers = client.ask(self.port, paths, clients)
        for answer in answers:
            if answer.status != 200:
                raise Refused(f"{answer.status} for {answer.path}: {answer.body[:300]!r}")
        return answers

    def ask(self, paths: Sequence[str], clients: int = 1) -> Load:
        """What the paths cost."""
        before, start = self.seconds(), time.perf_counter()
        answers = self.answers(paths, clients)
        wall, used = time.perf_counter() - start, self.seconds() - before
        latency = statistics.median(answer.seconds for answer in answers)
        return Load(used / len(paths) * 1000, wall / len(paths) * 1000, latency * 1000)


def uvicorn(app: str, port: int, *options: str) -> list[str]:
    """The command that serves an ASGI application."""
    return [PYTHON, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "warning", *options]


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, also of those that ended, to the nanosecond; 0 where it is gone."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3) of glibc
    except OSError:
        return 0.0


def family(pid: int) -> list[int]:
    """A process and all that it started and that still runs."""
    children: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += [int(word) for word in (thread / "children").read_text().split()]
    except OSError:
        return [pid]  # it ends just now
    return [pid, *(one for child in children for one in family(child))]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
