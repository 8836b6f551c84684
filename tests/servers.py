"""Servers for tests: in process, over real parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tileserver.app import create_app, open_parts
from tileserver.ingest.folders import index_folders
from tileserver.settings import Settings


@contextmanager
def open_client(folder: Path, cache: Path, **settings: Any) -> Iterator[TestClient]:
    """A client of a server that serves one folder; failures of the server are answers, not exceptions."""
    parts = open_parts(Settings(cache_dir=cache, catalog=f"sqlite:///{cache}/catalog.db", **settings))
    index_folders(parts.catalog, [folder])
    with TestClient(create_app(parts), raise_server_exceptions=False) as client:
        client.parts = parts  # type: ignore[attr-defined]
        yield client
