"""Servers in processes of their own over the ramp: `python -m tests.live FOLDER PORT`."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ramp import add_ramp
from tileserver.settings import Settings

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Live:
    """A running server."""

    base: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def address(self) -> str:
        """host:port."""
        return self.base.removeprefix("http://")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> None:
    """Until the address answers anything."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"the server ended: {log.read_text(errors='replace')[-2000:]}"
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} does not answer: {log.read_text(errors='replace')[-2000:]}")


def settings_of(folder: Path) -> Settings:
    return Settings(cache_dir=folder / "cache", catalog=f"sqlite:///{folder}/catalog.db", device="cpu", threads=2)


def prepare(folder: Path) -> Path:
    """The ramp's files and catalog."""
    from tileserver.app import open_parts

    parts = open_parts(settings_of(folder))
    add_ramp(parts.catalog, folder)
    parts.catalog.close()
    return folder


@contextmanager
def running(command: list[str], base: str, log: Path, **options) -> Iterator[Live]:
    """A server process that is ended in the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, **options)
    try:
        wait_for(f"{base}/healthz", process, log)
        yield Live(base, process, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def live(folder: Path, count: int = 1) -> Iterator[list[Live]]:
    """`count` server processes over one prepared folder."""
    with ExitStack() as stack:
        found = []
        for index in range(count):
            port = free_port()
            command = [sys.executable, "-m", "tests.live", str(folder), str(port)]
            base = f"http://127.0.0.1:{port}"
            found.append(stack.enter_context(running(command, base, folder / f"server-{index}.log")))
        yield found


if __name__ == "__main__":
    import uvicorn

    from tileserver.app import create_app, open_parts

    app = create_app(open_parts(settings_of(Path(sys.argv[1]))))
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
