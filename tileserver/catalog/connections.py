"""SQLite connections: one for each thread, one writer at a time, WAL so that readers never wait."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tileserver.errors import InvalidParameter

VERSION = 2
_WAIT_SECONDS = 30.0
TIME = "coalesce(start, -1e12)"
"""Sorts items by time, undated ones first; the index has the same expression."""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, revision TEXT NOT NULL, document BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    name TEXT NOT NULL,
    start REAL,
    finish REAL,
    west REAL NOT NULL, south REAL NOT NULL, east REAL NOT NULL, north REAL NOT NULL,
    version TEXT NOT NULL,
    document BLOB NOT NULL,
    UNIQUE (collection, name)
);
CREATE INDEX IF NOT EXISTS items_by_time ON items (collection, start DESC, name);
CREATE INDEX IF NOT EXISTS items_in_time ON items (collection, {TIME}, name);
CREATE TABLE IF NOT EXISTS facts (
    item INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (item, key)
) WITHOUT ROWID;
"""


class Connections:
    """Connections to one database file, made where it is missing."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._writing = threading.RLock()
        self._readonly = self.path.exists() and not os.access(self.path, os.W_OK)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise InvalidParameter("catalog", path.name, f"a catalog database that can be opened ({error})") from error

    def _prepare(self) -> None:
        connection = self.read()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == VERSION or self._readonly:
            return
        if version > VERSION:
            raise sqlite3.DatabaseError("it was made by a newer version")
        if version:
            raise sqlite3.DatabaseError("it was made by an older version; remove it and ingest again")
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def read(self) -> sqlite3.Connection:
        """The connection of the calling thread."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
            self._local.connection = connection
            with self._lock:
                self._all.append(connection)
        return connection

    def _open(self) -> sqlite3.Connection:
        if self._readonly:
            address = f"{self.path.as_uri()}?mode=ro&immutable=1"
            return sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
        connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, check_same_thread=False, isolation_level=None)
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA mmap_size = 268435456")
        connection.execute("PRAGMA cache_size = -16384")
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or nothing."""
        with self._writing:
            connection = self.read()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; the busy timeout does not cover this while another process does the same."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
