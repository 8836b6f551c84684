"""Rendered tiles: in memory, on disk, in Redis. Keys name the bytes, so nothing is ever stale, only forgotten."""

from __future__ import annotations

import os
import struct
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import orjson

from tileserver.models import Image
from tileserver.ports import TileCache
from tileserver.settings import Settings

Entry = tuple[bytes, dict[str, str]]
_OVERHEAD = 512  # a Python entry's own size, so that a million small tiles stay within the budget


def metadata_of(image: Image) -> dict[str, str]:
    """The headers that belong to the picture itself."""
    headers = {"Content-Type": image.media_type}
    if image.datetime:
        headers["X-Tile-Datetime"] = image.datetime
    if image.empty:
        headers["X-Tile-Empty"] = "1"
    return headers


class MemoryCache:
    """Least recently used tiles within a budget of bytes."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._used = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Entry | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def set(self, key: str, content: bytes, metadata: dict[str, str]) -> None:
        if _size(content) > self._budget:
            return
        with self._lock:
            old = self._entries.pop(key, None)
            self._entries[key] = (content, metadata)
            self._used += _size(content) - (_size(old[0]) if old else 0)
            while self._used > self._budget:
                _, (oldest, _) = self._entries.popitem(last=False)
                self._used -= _size(oldest)


def _size(content: bytes) -> int:
    return len(content) + _OVERHEAD


class DiskCache:
    """A file per tile; the oldest ones go when the budget is passed. Several processes may share a folder."""

    def __init__(self, folder: Path, budget: int) -> None:
        self.folder = folder
        self._prefix = f"{folder}{os.sep}"
        self._budget = budget
        self._written = budget  # look at what is there on the first write
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def of(cls, settings: Settings) -> DiskCache:
        """Where the settings have it."""
        return cls(settings.scratch() / "tiles", settings.tile_cache_dir_bytes)

    def _path(self, key: str) -> str:
        return f"{self._prefix}{key[:2]}{os.sep}{key}"  # a Path takes longer than the file itself

    def get(self, key: str) -> Entry | None:
        try:
            path = self._path(key)
            packed = Path(path).read_bytes()
            os.utime(path)
        except OSError:
            return None
        return _unpack(packed)

    def has(self, key: str) -> bool:
        """Is it there? Without reading it."""
        return os.access(self._path(key), os.F_OK)

    def set(self, key: str, content: bytes, metadata: dict[str, str]) -> None:
        path = self._path(key)
        packed = _pack(content, metadata)
        temporary = f"{path}.{os.getpid()}-{threading.get_ident()}"
        try:
            _write(temporary, packed)
            os.replace(temporary, path)  # noqa: PTH105 - a Path takes longer than the system does
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            return  # a full disk costs speed, not the answer
        self._trim(len(packed))

    def _trim(self, written: int) -> None:
        """Every tenth of the budget, remove the least recently used files beyond nine tenths of it."""
        with self._lock:
            self._written += written
            if self._written < self._budget // 10:
                return
            self._written = 0
            files = []
            for path in self.folder.glob("??/*"):
                try:
                    status = path.stat()
                except OSError:
                    continue
                files.append((status.st_mtime, status.st_size, path))
            total = sum(size for _, size, _ in files)
            for _, size, path in sorted(files):
                if total <= self._budget * 9 // 10:
                    break
                path.unlink(missing_ok=True)
                total -= size


class RedisCache:
    """A second level that machines share. An unreachable Redis costs speed, never an answer."""

    def __init__(self, url: str, seconds: int = 7 * 86400) -> None:
        import redis

        self._redis = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._error = redis.RedisError
        self._seconds = seconds

    def get(self, key: str) -> Entry | None:
        try:
            packed = self._redis.get(f"tile:{key}")
        except self._error:
            return None
        return _unpack(packed) if isinstance(packed, bytes) else None

    def set(self, key: str, content: bytes, metadata: dict[str, str]) -> None:
        try:
            self._redis.set(f"tile:{key}", _pack(content, metadata), ex=self._seconds)
        except self._error:
            return


class TieredCache:
    """Memory first, then what is slower; what is found below moves up."""

    def __init__(self, memory: MemoryCache, slower: Sequence[TileCache] = ()) -> None:
        self.memory = memory
        self.slower = tuple(slower)

    def peek(self, key: str) -> Entry | None:
        """Memory only: never waits."""
        return self.memory.get(key)

    def get(self, key: str) -> Entry | None:
        if entry := self.memory.get(key):
            return entry
        for level in self.slower:
            if entry := level.get(key):
                self.memory.set(key, *entry)
                return entry
        return None

    def set(self, key: str, content: bytes, metadata: dict[str, str]) -> None:
        self.memory.set(key, content, metadata)
        for level in self.slower:
            level.set(key, content, metadata)


def open_cache(settings: Settings) -> TieredCache:
    """The levels that the settings ask for."""
    slower: list[TileCache] = []
    if settings.tile_cache_dir_bytes:
        slower.append(DiskCache.of(settings))
    if settings.redis_url:
        slower.append(RedisCache(settings.redis_url))
    return TieredCache(MemoryCache(settings.tile_cache_bytes), slower)


def _write(path: str, data: bytes) -> None:
    """A new file, in a folder that is made where there is none. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except FileNotFoundError:
        Path(path).parent.mkdir(exist_ok=True)
        descriptor = os.open(path, flags, 0o666)
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError("the disk is full")
    finally:
        os.close(descriptor)


def _pack(content: bytes, metadata: dict[str, str]) -> bytes:
    head = orjson.dumps(metadata)
    return struct.pack("<I", len(head)) + head + content


def _unpack(packed: bytes) -> Entry | None:
    """None for anything that is not a whole entry."""
    try:
        (size,) = struct.unpack_from("<I", packed)
        return packed[4 + size :], orjson.loads(packed[4 : 4 + size])
    except (struct.error, orjson.JSONDecodeError):
        return None
