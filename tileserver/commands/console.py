"""Progress and remarks on a terminal, or plain lines in a log."""

from __future__ import annotations

from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tileserver.ingest.report import Report

_SHOWN = 20


class ConsoleReport(Report):
    """A report that is seen as it grows. Use as a context manager; thread-safe."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._lock = Lock()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, what: str, total: int) -> None:
        with self._lock:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(f"Reading {what}", total=total)

    def advance(self, count: int = 1) -> None:
        if self._task is not None:
            self._progress.advance(self._task, count)

    def skip(self, file: str, reason: str) -> None:
        with self._lock:
            super().skip(file, reason)
        self.console.print(f"Skipped {file}: {reason}", style="yellow", markup=False)

    def done(self, collection: str, items: int, changed: int, removed: int) -> None:
        with self._lock:
            super().done(collection, items, changed, removed)
        if changed or removed:
            parts = [f"{items} item{'s' * (items != 1)}", f"{changed} new or changed"]
            parts += [f"{removed} removed"] if removed else []
            self.console.print(f"{collection}: {', '.join(parts)}", markup=False)

    def close_with_hints(self) -> None:
        """What could be faster, in a few lines."""
        for file, text in self.hints[:_SHOWN]:
            self.console.print(f"Hint: {file} is drawn, but {text}.", style="dim", markup=False)
        if len(self.hints) > _SHOWN:
            self.console.print(f"Hint: {len(self.hints) - _SHOWN} more files are like that.", style="dim")
        if self.hints:
            self.console.print("`tileserver ingest` makes fast Cloud Optimized GeoTIFFs of them.", style="dim")
