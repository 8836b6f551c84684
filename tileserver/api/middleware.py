"""Around every request: CORS exactly once, one log line, the request counter. Plain ASGI, a few microseconds."""

from __future__ import annotations

from time import perf_counter

from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tileserver.api.errors import json_response
from tileserver.logs import RequestLog
from tileserver.metrics import requests_of

EXPOSED = (
    "Content-Disposition, ETag, Retry-After, Server-Timing, "
    "X-Cache-Status, X-Dates-Complete, X-Tile-Datetime, X-Tile-Empty"
)
CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED.encode()),
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}


class Cors:
    """`Access-Control-Allow-Origin: *` exactly once on every answer, errors too; answers preflights."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [h for h in message.get("headers", ()) if h[0].lower() != CORS[0][0]]
                message = {**message, "headers": [*headers, *CORS]}
            await send(message)

        if scope["method"] == "OPTIONS" and Request(scope).headers.get("access-control-request-method"):
            await json_response({}, headers=_PREFLIGHT)(scope, receive, with_cors)
            return
        await self._app(scope, receive, with_cors)


class Head:
    """HEAD is GET without its body, also where a route knows of GET alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] == "HEAD"
        if not asked or any(route.matches(scope)[0] is Match.FULL for route in scope["app"].routes):
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, without_body)


class Tally:
    """Counts and logs each request once."""

    def __init__(self, log: RequestLog | None) -> None:
        self._log = log

    def add(self, scope: Scope, status: int, size: int, seconds: float, *, known: bool = True) -> None:
        """A request that was answered with so many bytes after so many seconds; `known`: such addresses exist."""
        path = scope["path"]
        route = "/" + path.split("/", 2)[1] if "/" in path else path
        requests_of(route if known else "unknown", str(status)).inc()
        if self._log:
            self._log.add(scope["method"], path, scope["query_string"].decode("latin-1"), status, size, seconds)


class Access:
    """Tells the tally of each request; a failure that escapes after its answer is answered is no more than that."""

    def __init__(self, app: ASGIApp, tally: Tally) -> None:
        self._app = app
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status, size = 499, 0

        async def watched(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # the framework has logged it and sent a 500 where it still could
            if status == 499:
                raise
        finally:
            known = scope.get("route") is not None or status < 400
            self._tally.add(scope, status, size, perf_counter() - started, known=known)
