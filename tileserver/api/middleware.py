"""Around every request: CORS exactly once, one log line, the request counter. Plain ASGI, a few microseconds."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tileserver.api.errors import json_response
from tileserver.metrics import REQUESTS

log = logging.getLogger("tileserver.access")

EXPOSED = (
    "Content-Disposition, ETag, Retry-After, Server-Timing, "
    "X-Cache-Status, X-Dates-Complete, X-Tile-Datetime, X-Tile-Empty"
)
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED.encode()),
]
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
                headers = [
                    h for h in message.get("headers", []) if not h[0].lower().startswith(b"access-control-allow-origin")
                ]
                message = {**message, "headers": headers + _CORS}
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


class Access:
    """Counts and logs each request once, with the time it took; a failure that escapes is still an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        seen: dict[str, Any] = {"status": 499, "bytes": 0}

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            elif message["type"] == "http.response.body":
                seen["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # the framework has logged it and sent a 500 where it still could
            if seen["status"] == 499:
                raise
        finally:
            path = scope["path"]
            route = "/" + path.split("/", 2)[1] if path.count("/") else path
            known = scope.get("route") is not None or seen["status"] < 400
            REQUESTS.labels(route if known else "unknown", str(seen["status"])).inc()
            if log.isEnabledFor(logging.INFO):
                self._line(scope, seen, perf_counter() - started)

    def _line(self, scope: Scope, seen: dict[str, Any], seconds: float) -> None:
        query = scope["query_string"].decode("latin-1")
        fields = {
            "method": scope["method"],
            "path": scope["path"],
            "query": query,
            "status": seen["status"],
            "bytes": seen["bytes"],
            "ms": round(seconds * 1000, 2),
        }
        address = f"{scope['path']}?{query}" if query else scope["path"]
        text = f"{scope['method']} {address} {seen['status']} {seen['bytes']} bytes {fields['ms']} ms"
        log.info("%s", text.encode("ascii", "backslashreplace").decode(), extra={"fields": fields})
