"""Bytes of a file: local by pread, object stores by range requests.

Local files are not mapped: a file that shrinks under a map kills the process, a short read is an error.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit

import obstore
from obstore.store import HTTPStore, S3Store

from tileserver.errors import SourceUnreadable

HEAD_BYTES = 32 << 10
"""First request to an object: the header of most COGs."""
COALESCE_BYTES = 128 << 10
"""Ranges closer than this become one request."""


class ByteSource(Protocol):
    """A file that answers ranges."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes; raises SourceUnreadable when there are fewer."""


class LocalFile:
    """An open file, closed when nobody holds it any more."""

    def __init__(self, path: str) -> None:
        self._descriptor = -1
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self.size = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise SourceUnreadable("The file is missing or may not be read.") from error

    def read(self, offset: int, length: int) -> bytes:
        try:
            data = os.pread(self._descriptor, length, offset)
        except (OSError, OverflowError, ValueError) as error:
            raise SourceUnreadable("The file cannot be read.") from error
        if len(data) != length:
            raise SourceUnreadable("The file ends too early.")
        return data

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


class RemoteFile:
    """An object of an HTTP server or S3; its first bytes are kept."""

    def __init__(self, href: str) -> None:
        self._store, self._path = _store(href)
        self.requests = 0
        self.bytes = 0
        self._lock = Lock()
        self._head = b""
        self.size = 0
        try:
            answer = obstore.get(self._store, self._path, options={"range": (0, HEAD_BYTES)})
            self._head = bytes(answer.bytes())
            self.size = int(answer.meta["size"])
            self.version = str(answer.meta.get("e_tag") or answer.meta.get("last_modified") or "")
        except Exception as error:  # obstore has no common base class of its errors
            raise SourceUnreadable("The file cannot be fetched.") from error
        self._count(1, len(self._head))

    def read(self, offset: int, length: int) -> bytes:
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        return self.read_many([(offset, length)])[0]

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Several (offset, length) at once."""
        starts = [offset for offset, _ in ranges]
        lengths = [length for _, length in ranges]
        try:
            parts: Any = obstore.get_ranges(
                self._store, self._path, starts=starts, lengths=lengths, coalesce=COALESCE_BYTES
            )
        except Exception as error:  # obstore has no common base class of its errors
            raise SourceUnreadable("The file cannot be fetched.") from error
        out = [bytes(part) for part in parts]
        if any(len(part) != length for part, length in zip(out, lengths, strict=True)):
            raise SourceUnreadable("The file ends too early.")
        self._count(_merged(ranges), sum(lengths))
        return out

    def head(self) -> bytes:
        """The first bytes of the file."""
        return self._head

    def _count(self, requests: int, size: int) -> None:
        with self._lock:
            self.requests += requests
            self.bytes += size


def _merged(ranges: Sequence[tuple[int, int]]) -> int:
    """How many requests ranges become."""
    requests, end = 0, -COALESCE_BYTES - 1
    for offset, length in sorted(ranges):
        requests += offset > end + COALESCE_BYTES
        end = max(end, offset + length)
    return requests


def _store(href: str) -> tuple[Any, str]:
    """A store (shared by all its objects) and the path in it."""
    parts = urlsplit(href)
    if parts.scheme == "s3":
        return bucket(parts.netloc), parts.path.lstrip("/")
    path = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
    return _site(f"{parts.scheme}://{parts.netloc}"), path


@lru_cache(64)
def bucket(name: str) -> Any:
    """Credentials and endpoint come from the usual AWS_* variables."""
    return S3Store(name, client_options=_CLIENT, retry_config=_RETRY)


@lru_cache(64)
def _site(base: str) -> Any:
    return HTTPStore.from_url(base, client_options=_CLIENT, retry_config=_RETRY)


_CLIENT: Any = {"timeout": "30s", "connect_timeout": "5s", "allow_http": True}
_RETRY: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
