"""A server process under measure: started, asked, its CPU time read, stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """A command that serves HTTP on a port of 127.0.0.1."""

    def __init__(self, command: Sequence[str], port: int, environment: Mapping[str, str]) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
        )

    def __enter__(self) -> Self:
        start = time.perf_counter()
        while time.perf_counter() - start < 120:
            try:
                httpx.get(f"{self.base}/healthz", timeout=2)
            except httpx.TransportError:
                time.sleep(0.05)
                if self._process.poll() is not None:
                    break
            else:
                return self
        self._process.kill()
        raise RuntimeError(f"the server at {self.base} did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(20)

    def seconds(self) -> float:
        """CPU time of the process and its children so far."""
        return sum(_seconds(pid) for pid in [self._process.pid, *_children(self._process.pid)])

    def ask(self, paths: Sequence[str], clients: int = 1) -> tuple[float, float]:
        """(server CPU milliseconds, wall milliseconds) for each path; every answer must be a picture."""
        with httpx.Client(base_url=self.base, timeout=120) as client, ThreadPoolExecutor(clients) as pool:
            before, start = self.seconds(), time.perf_counter()
            answers = list(pool.map(client.get, paths))
            wall, used = time.perf_counter() - start, self.seconds() - before
        for answer in answers:
            if answer.status_code != 200 or not answer.headers["content-type"].startswith("image/"):
                raise RuntimeError(f"{answer.status_code} for {answer.url}: {answer.text[:300]}")
        return used / len(paths) * 1000, wall / len(paths) * 1000


def _seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    found = [int(word) for word in text.split()]
    return found + [grandchild for child in found for grandchild in _children(child)]
