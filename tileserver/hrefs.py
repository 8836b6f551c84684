"""Where bytes live: local paths and addresses of object stores."""

from __future__ import annotations

import os

from tileserver.errors import SourceUnreadable


def is_remote(href: str) -> bool:
    """Is it an address and not a local path."""
    return href.startswith(("http://", "https://", "s3://"))


def revision(href: str, version: str) -> str:
    """Changes whenever the bytes behind an href do: local size and time, else the catalog's version."""
    if is_remote(href):
        return version
    try:
        status = os.stat(href)  # noqa: PTH116 - a hot path, Path() costs more than the call
    except OSError as error:
        raise SourceUnreadable("The file is missing.") from error
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"
