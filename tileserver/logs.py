"""Log lines: for people as text, for machines as one JSON object each."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

import orjson

from tileserver.settings import Settings

_TIME = "%H:%M:%S"
_DELAY = 0.1
"""Seconds that lines of requests wait for others: writing costs more than all the rest of a line."""


class JsonFormatter(logging.Formatter):
    """{"time", "level", "logger", "message"}."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _instant(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class RequestLog:
    """A line for each request, in the form of all others. Belongs to one event loop."""

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self._stream = stream
        self._line = _json_line if as_json else _text_line
        self._waiting: list[str] = []

    def add(self, method: str, path: str, query: str, status: int, size: int, seconds: float) -> None:
        """One request that has been answered with `size` bytes after so many seconds."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(_DELAY, self.flush)
        self._waiting.append(self._line(method, path, query, status, size, seconds * 1000))

    def flush(self) -> None:
        """Write what is waiting."""
        lines, self._waiting = self._waiting, []
        with suppress(OSError, ValueError):  # nobody reads the log any more: that is no reason to stop serving
            self._stream.write("".join(lines))
            self._stream.flush()


def _json_line(method: str, path: str, query: str, status: int, size: int, ms: float) -> str:
    line = {
        "time": _instant(time.time()),
        "level": "info",
        "logger": "tileserver.access",
        "method": method,
        "path": path,
        "query": query,
        "status": status,
        "bytes": size,
        "ms": round(ms, 2),
    }
    return orjson.dumps(line).decode() + "\n"


def _text_line(method: str, path: str, query: str, status: int, size: int, ms: float) -> str:
    mark = "?" if query else ""
    line = f"{_clock(int(time.time()))} INFO {method} {path}{mark}{query} {status} {size} bytes {ms:.2f} ms"
    # A line break within a path would forge a line, other signs confuse terminals.
    return (line if line.isprintable() and line.isascii() else ascii(line)[1:-1]) + "\n"


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


@lru_cache(maxsize=4)
def _clock(seconds: int) -> str:
    return time.strftime(_TIME, time.localtime(seconds))


def set_up(settings: Settings) -> RequestLog | None:
    """Send the `tileserver` loggers to standard error as the settings ask; where requests go, if they are logged.

    Calling it again changes nothing more.
    """
    as_json = settings.log_format == "json"
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s", _TIME)
    handler.setFormatter(JsonFormatter() if as_json else plain)
    logger = logging.getLogger("tileserver")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(settings.log_level.upper())
    return RequestLog(sys.stderr, as_json=as_json) if logger.isEnabledFor(logging.INFO) else None
