"""Tiles asked again are answered before anything else, for as long as their collection has not changed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, perf_counter

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tileserver.api.etags import matches
from tileserver.api.middleware import CORS, Tally
from tileserver.cache import Entry, TieredCache
from tileserver.errors import TileserverError
from tileserver.metrics import hits_of
from tileserver.ports import Catalog

_SECONDS = 30.0
"""What `Cache-Control` says may change with the day, so an answer is not kept for ever."""
RawHeaders = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class _Known:
    collection: str
    revision: str
    key: str
    headers: Mapping[str, str]
    until: float
    picture: RawHeaders | None = None
    """All headers of the whole answer, once it was given again."""


class Shelf:
    """What an address was answered with: names of pictures, not the pictures. Belongs to one event loop."""

    def __init__(self, size: int = 16384) -> None:
        self._size = size
        self._known: OrderedDict[tuple[str, bytes], _Known] = OrderedDict()

    def keep(self, scope: Scope, collection: str, revision: str, key: str, headers: Mapping[str, str]) -> None:
        """`revision` is the collection's from before its items were selected; no header of the request matters."""
        now = monotonic()
        address = scope["path"], scope["query_string"]
        self._known[address] = _Known(collection, revision, key, headers, now + _SECONDS)
        while len(self._known) > self._size or next(iter(self._known.values())).until < now:
            self._known.popitem(last=False)

    def find(self, scope: Scope) -> _Known | None:
        """What was kept lately for the address of a request."""
        address = scope["path"], scope["query_string"]
        known = self._known.get(address)
        if known is None:
            return None
        if known.until < monotonic():
            del self._known[address]
            return None
        self._known.move_to_end(address)
        return known


class Again:
    """The middleware that looks on the shelf. It is the first, so it says itself what the others add."""

    def __init__(self, app: ASGIApp, *, shelf: Shelf, catalog: Catalog, cache: TieredCache, tally: Tally) -> None:
        self._app = app
        self._shelf = shelf
        self._catalog = catalog
        self._cache = cache
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            started = perf_counter()
            known = self._shelf.find(scope)
            answer = self._answer(scope, known) if known else None
            if known and answer and await self._current(known):
                status, headers, body = answer
                if status == 200:
                    hits_of("memory").inc()
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                self._tally.add(scope, status, len(body), perf_counter() - started)
                return
        await self._app(scope, receive, send)

    async def _current(self, known: _Known) -> bool:
        """Is the collection as it was?"""
        try:
            if self._catalog.local:
                return self._catalog.revision(known.collection) == known.revision
            return await asyncio.to_thread(self._catalog.revision, known.collection) == known.revision
        except TileserverError:
            return False

    def _answer(self, scope: Scope, known: _Known) -> tuple[int, RawHeaders, bytes] | None:
        """Status, headers and body; None where the picture is forgotten."""
        for name, value in scope["headers"]:
            if name == b"if-none-match" and matches(value.decode("latin-1"), known.headers["ETag"]):
                return 304, [*Response(status_code=304, headers=known.headers).raw_headers, *CORS], b""
        entry = self._cache.peek(known.key)
        if entry is None:
            return None
        if known.picture is None:
            known.picture = _headers(known, entry)
        return 200, known.picture, entry[0]


def _headers(known: _Known, entry: Entry) -> RawHeaders:
    content, metadata = entry
    answer = Response(content, headers={**known.headers, **metadata, "Server-Timing": "cache;dur=0"})
    return [*answer.raw_headers, *CORS]
