"""No tile server at all: what an answer of 20 kB costs over HTTP. uvicorn benchmarks.peers.floor:app"""

from __future__ import annotations

from typing import Any

BODY = bytes(20_000)
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"image/jpeg"), (b"content-length", b"%d" % len(BODY))],
}


async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Any path is answered with the same bytes."""
    if scope["type"] == "http":
        await send(START)
        await send({"type": "http.response.body", "body": BODY})
