"""Log lines: for people as text, for machines as one JSON object each."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson

from tileserver.settings import Settings


class JsonFormatter(logging.Formatter):
    """{"time", "level", "logger", …}: what a line brings along in `fields`, else its message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        line |= fields if isinstance(fields, dict) else {"message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def set_up(settings: Settings) -> None:
    """Send the `tileserver` loggers to standard error as the settings ask. Calling it again changes nothing more."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else plain)
    logger = logging.getLogger("tileserver")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(settings.log_level.upper())
