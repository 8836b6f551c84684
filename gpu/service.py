"""One process owns the GPU; web workers reach it by a Unix socket, pixels go through shared memory.

    worker: RemoteBackend --pickle of a call--> service: Connection thread --> BatchingBackend --> CudaBackend
                          <--pickle of answer--

Losing the service costs speed, never an answer: the worker's CPU takes over, and the service is tried again.
"""

from __future__ import annotations

import logging
import os
import pickle
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Backend, Encoded, Format, Job, Picture, Resampling, Source
from gpu.batching import BatchingBackend
from gpu.shared import Window

log = logging.getLogger(__name__)

ADDRESS = "TILESERVER_GPU_SOCKET"
KEY = "TILESERVER_GPU_KEY"
"""Environment of the workers: where the service listens, and the secret that opens it."""
METHODS = ("draw", "shade", "values", "warp")
PATIENCE = 60.0
"""Seconds that a worker waits for an answer."""
RETRY = 5.0
"""Seconds after which a lost service is tried again."""
RESTART, LONGEST_RESTART = 2.0, 300.0
"""Seconds until a service that ended is started anew; longer each time that it does not start."""
LOST = 3
"""Exit code of a service whose device is gone."""


class Service:
    """Answers workers until it is closed."""

    def __init__(self, backend: Backend, address: str, key: bytes) -> None:
        self.backend = BatchingBackend(backend)
        self._listener = Listener(address, "AF_UNIX", backlog=64, authkey=key)
        self._closed = False

    def run(self) -> None:
        """Accept workers; each has a thread."""
        while not self._closed:
            try:
                connection = self._listener.accept()
            except (AuthenticationError, EOFError, ConnectionError):
                continue  # a stranger, or a worker that went away
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Stop accepting."""
        self._closed = True
        self._listener.close()

    def _serve(self, connection: Connection) -> None:
        window = Window.attach(connection.recv())
        try:
            while True:
                connection.send_bytes(self._answer(window, connection.recv_bytes()))
        except (EOFError, OSError):
            return
        finally:
            window.close()
            connection.close()

    def _answer(self, window: Window, request: bytes) -> bytes:
        try:
            method, args = window.load(request)
            if method not in METHODS:
                raise ValueError(f"no such call: {method}")
            return pickle.dumps((True, getattr(self.backend, method)(*args)), 5)
        except Exception as error:
            return pickle.dumps((False, f"{type(error).__name__}: {error}"), 5)


class RemoteBackend:
    """The service's backend, as a worker sees it. Thread-safe: a connection for each call at a time."""

    def __init__(
        self, address: str, key: bytes, cpu: Backend, on_fallback: Callable[[str], None] | None = None
    ) -> None:
        self.name = "cuda"
        self.cpu = cpu
        self._address = address
        self._key = key
        self._on_fallback = on_fallback or _ignore
        self._idle: list[_Line] = []
        self._lock = threading.Lock()
        self._retry_at = 0.0
        self._said = False

    def draw(self, jobs: Sequence[Job]) -> list[Encoded]:
        """Shade and encode a batch."""
        return cast("list[Encoded]", self._call("draw", list(jobs)))

    def shade(self, job: Job) -> Picture:
        """The picture of a job, not encoded."""
        return cast("Picture", self._call("shade", job))

    def values(self, job: Job) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Physical outputs and their validity."""
        return cast("tuple[NDArray[np.float64], NDArray[np.bool_]]", self._call("values", job))

    def warp(
        self, source: Source, height: int, width: int, resampling: Resampling
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Stored values on the output grid and their validity."""
        return cast("tuple[NDArray[Any], NDArray[np.bool_]]", self._call("warp", source, height, width, resampling))

    def encode(self, picture: Picture, format: Format, quality: int, background: tuple[int, int, int]) -> Encoded:
        """Pictures in host memory are encoded where they are."""
        return self.cpu.encode(picture, format, quality, background)

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            for line in self._idle:
                line.close()
            self._idle.clear()

    def _call(self, method: str, *args: Any) -> Any:
        if time.monotonic() >= self._retry_at:
            try:
                with self._line() as line:
                    done, answer = line.ask(method, args)
                if done:
                    self._said = False
                    return answer
                self._lose("failure", answer, retry=0.0)
            except (EOFError, OSError, AuthenticationError, pickle.PickleError) as error:
                self._lose("lost", repr(error), retry=RETRY)
        return getattr(self.cpu, method)(*args)

    def _lose(self, reason: str, detail: str, *, retry: float) -> None:
        self._retry_at = time.monotonic() + retry
        self._on_fallback(reason)
        if reason == "lost":
            self.close()
        if not self._said:
            log.warning("The CPU takes over from the GPU process (%s): %s", reason, detail)
            self._said = True

    @contextmanager
    def _line(self) -> Iterator[_Line]:
        with self._lock:
            line = self._idle.pop() if self._idle else None
        if line is None:
            line = _Line(self._address, self._key)
        try:
            yield line
        except BaseException:
            line.close()
            raise
        with self._lock:
            self._idle.append(line)


def _ignore(_reason: str) -> None:
    pass


class _Line:
    """One connection with its window of shared memory."""

    def __init__(self, address: str, key: bytes) -> None:
        self._connection = Client(address, "AF_UNIX", authkey=key)
        self._window = Window.create()
        self._connection.send(self._window.path)

    def ask(self, method: str, args: tuple[Any, ...]) -> tuple[bool, Any]:
        self._connection.send_bytes(self._window.dump((method, args)))
        if not self._connection.poll(PATIENCE):
            raise TimeoutError("the GPU process does not answer")
        done, answer = pickle.loads(self._connection.recv_bytes())  # noqa: S301 our own process, by a shared secret
        return bool(done), answer

    def close(self) -> None:
        self._connection.close()
        self._window.close()


class Process:
    """A running service that this process started, and starts anew when it ends by itself.

    `environment` is what workers need to find it; `ready` is False where the device is not there.
    """

    def __init__(self, device: str = "cuda") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tilescope-gpu-")
        self._socket = Path(self._folder.name) / "socket"
        self._device = device
        self.environment = {ADDRESS: str(self._socket), KEY: secrets.token_hex(32)}
        self._ended = threading.Event()
        self._child, self.ready = self._start()
        if self.ready:
            threading.Thread(target=self._watch, name="gpu-process", daemon=True).start()

    def close(self) -> None:
        """End the service."""
        self._ended.set()
        _end(self._child)
        self._folder.cleanup()

    def _start(self) -> tuple[subprocess.Popen[bytes], bool]:
        self._socket.unlink(missing_ok=True)
        child = subprocess.Popen(
            [sys.executable, "-m", "gpu.service", self._device],
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        return child, child.stdout.readline().strip() == b"ready"

    def _watch(self) -> None:
        """A process that lost its device, or its life, is replaced; meanwhile the workers' CPUs answer."""
        pause = RESTART
        while True:
            code = self._child.wait()
            if self._ended.wait(pause):
                return
            log.warning("The GPU process ended (%s) and is started anew.", code)
            _end(self._child)
            self._child, ready = self._start()
            if self._ended.is_set():  # closed meanwhile
                _end(self._child)
                return
            pause = RESTART if ready else min(2 * pause, LONGEST_RESTART)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    child.wait(10)
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


def connect(cpu: Backend, on_fallback: Callable[[str], None] | None = None) -> RemoteBackend | None:
    """The service that the environment names, if it names one."""
    address, key = os.environ.get(ADDRESS), os.environ.get(KEY)
    return RemoteBackend(address, bytes.fromhex(key), cpu, on_fallback) if address and key else None


def main() -> None:
    """Serve until the parent's pipe closes: a service never outlives who started it."""
    from gpu.devices import DeviceUnavailable, open_local

    address, key = os.environ.pop(ADDRESS), bytes.fromhex(os.environ.pop(KEY))
    try:
        backend = open_local(sys.argv[1] if len(sys.argv) > 1 else "cuda", _leave_when_lost)
    except DeviceUnavailable as error:
        sys.exit(str(error))
    service = Service(backend, address, key)
    threading.Thread(target=service.run, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.buffer.read()
    service.close()


def _leave_when_lost(reason: str) -> None:
    """Nothing works any more on this device in this process. Workers see the line break and draw by themselves."""
    if reason == "lost":
        os._exit(LOST)


if __name__ == "__main__":
    main()
