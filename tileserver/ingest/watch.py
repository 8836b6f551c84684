"""Folders kept in sight: what changes is read within seconds, by notice of the system or by looking again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Thread

from watchfiles import watch

log = logging.getLogger("tileserver.watch")
_SETTLE_MS = 500
_LONGEST = 40.0
"""Seconds between looks, however long a look takes: changes are visible within a minute."""


class Watcher:
    """Calls `refresh` whenever something below the folders may have changed."""

    def __init__(self, paths: Sequence[Path], refresh: Callable[[], bool], rescan_seconds: float) -> None:
        self._paths = [path for path in paths if path.exists()]
        self._refresh = refresh
        self._rescan = rescan_seconds
        self._stop = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when no refresh is running any more."""
        self._stop.set()
        self._thread.join(timeout=30)

    def run(self) -> None:
        """Watch in this thread until `stop`."""
        self._run()

    def _run(self) -> None:
        pause = self._rescan
        while not self._stop.is_set():
            for _ in self._signals(pause):
                pause = self._look()
                if self._stop.is_set():
                    return

    def _look(self) -> float:
        """Refresh; how long to rest: looking takes at most a twentieth of the time."""
        started = time.monotonic()
        try:
            self._refresh()
        except Exception:
            log.exception("The folders could not be read; trying again.")
        return min(_LONGEST, max(self._rescan, 20 * (time.monotonic() - started)))

    def _signals(self, pause: float) -> Iterator[None]:
        """One for each burst of changes, and one when nothing was noticed for a while."""
        try:
            for _ in watch(
                *self._paths,
                stop_event=self._stop,
                debounce=_SETTLE_MS * 4,
                step=_SETTLE_MS,
                rust_timeout=int(pause * 1000),
                yield_on_timeout=True,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                yield
                return
        except (OSError, RuntimeError) as error:
            log.debug("No notice of changes from the system (%s); looking every %.0f s.", error, pause)
            self._stop.wait(pause)
            if not self._stop.is_set():
                yield
