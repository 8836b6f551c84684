"""Tiles asked again are answered before routing, for as long as their collection has not changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tileserver.cache import TieredCache
from tileserver.metrics import CACHE_HITS
from tileserver.ports import Catalog

PREFIX = "/xyz/"
_SECONDS = 30.0
"""What `Cache-Control` says may change with the day, so an answer is not kept for ever."""


@dataclass(frozen=True, slots=True)
class _Known:
    collection: str
    revision: str
    key: str
    headers: Mapping[str, str]
    until: float


class Shelf:
    """What an address was answered with: names of pictures, not the pictures. Belongs to one event loop."""

    def __init__(self, size: int = 16384) -> None:
        self._known: LRUCache[tuple[str, bytes], _Known] = LRUCache(size)

    def keep(self, scope: Scope, collection: str, revision: str, key: str, headers: Mapping[str, str]) -> None:
        """`revision` is the collection's from before its items were selected."""
        until = monotonic() + _SECONDS
        self._known[scope["path"], scope["query_string"]] = _Known(collection, revision, key, headers, until)

    def answer(self, scope: Scope, catalog: Catalog, cache: TieredCache) -> Response | None:
        """The same answer again, or None where anything may have changed or the picture is forgotten."""
        known = self._known.get((scope["path"], scope["query_string"]))
        if known is None or known.until < monotonic() or catalog.revision(known.collection) != known.revision:
            return None
        if Request(scope).headers.get("if-none-match"):
            return None
        entry = cache.peek(known.key)
        if entry is None:
            return None
        CACHE_HITS.labels("memory").inc()
        content, metadata = entry
        return Response(content, headers={**known.headers, **metadata, "Server-Timing": "cache;dur=0"})


class Again:
    """The middleware that looks on the shelf."""

    def __init__(self, app: ASGIApp, *, shelf: Shelf, catalog: Catalog, cache: TieredCache) -> None:
        self._app = app
        self._shelf = shelf
        self._catalog = catalog
        self._cache = cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(PREFIX):
            answer = self._shelf.answer(scope, self._catalog, self._cache)
            if answer is not None:
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
