"""A map request to an HTTP answer: ETag and 304, the tile cache, one rendering for equal requests, headers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response

from gpu.expression import ExpressionError
from tileserver.api.parts import Parts
from tileserver.errors import InvalidParameter
from tileserver.metrics import CACHE_HITS, RENDERS, STAGE
from tileserver.models import Image
from tileserver.render import MapRequest, server_timing
from tileserver.selection import Selection

_SETTLED = timedelta(days=2)
"""A period that ended this long ago is not expected to get further images."""


class HungUp(Exception):
    """The client has gone."""


async def deliver(
    parts: Parts,
    request: Request,
    wanted: MapRequest,
    headers: Mapping[str, str] | None = None,
    keep: Callable[[str, Mapping[str, str]], None] | None = None,
) -> Response:
    """The picture as an answer; `keep` is told its key and headers. Raises what selecting and drawing raise."""
    started = perf_counter()
    try:
        slow = wanted.time.kind == "best"
        selection = await asyncio.to_thread(parts.renderer.select, wanted) if slow else parts.renderer.select(wanted)
    except ExpressionError as error:
        raise InvalidParameter("expression", wanted.style.expression, str(error)) from None
    key = parts.renderer.key(wanted, selection)
    seconds = {"catalog": perf_counter() - started}
    out = {"ETag": f'"{key}"', "Cache-Control": cache_control(parts, wanted, selection), **(headers or {})}
    if matches(request.headers.get("if-none-match"), out["ETag"]):
        return Response(status_code=304, headers=out)
    if keep:
        keep(key, out)
    entry = parts.cache.peek(key)
    if entry is not None:
        CACHE_HITS.labels("memory").inc()
        content, metadata = entry
        return Response(content, headers={**out, **metadata, "Server-Timing": server_timing(seconds)})
    try:
        image = await while_connected(request, parts, key, wanted, selection)
    except HungUp:
        return Response(status_code=499)
    for stage, spent in {**seconds, **image.seconds}.items():
        STAGE.labels(stage).observe(spent)
    timing = server_timing({**seconds, **image.seconds})
    return Response(image.content, headers={**out, **metadata_of(image), "Server-Timing": timing})


async def while_connected(request: Request, parts: Parts, key: str, wanted: MapRequest, selection: Selection) -> Image:
    """Draw, but stop waiting when the client hangs up."""
    work = asyncio.ensure_future(parts.flight.run(key, lambda: _draw(parts, key, wanted, selection)))
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise HungUp
        return work.result()
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _draw(parts: Parts, key: str, wanted: MapRequest, selection: Selection) -> Image:
    entry = parts.cache.get(key)  # the slower levels; this is a worker thread
    if entry is not None:
        CACHE_HITS.labels("shared").inc()
        content, metadata = entry
        return Image(
            content=content,
            media_type=metadata["Content-Type"],
            empty="X-Tile-Empty" in metadata,
            datetime=metadata.get("X-Tile-Datetime", ""),
        )
    image = parts.renderer.draw(wanted, selection)
    RENDERS.inc()
    parts.cache.set(key, image.content, metadata_of(image))
    return image


def metadata_of(image: Image) -> dict[str, str]:
    """The headers that belong to the picture itself."""
    headers = {"Content-Type": image.media_type}
    if image.datetime:
        headers["X-Tile-Datetime"] = image.datetime
    if image.empty:
        headers["X-Tile-Empty"] = "1"
    return headers


def cache_control(parts: Parts, wanted: MapRequest, selection: Selection) -> str:
    """Immutable where the time is explicit and nothing can come any more; short where it may."""
    end = wanted.time.end
    settled = end is not None and end < datetime.now(UTC) - _SETTLED
    if wanted.time.explicit and settled and selection.exact and selection.items:
        return "public, max-age=31536000, immutable"
    return f"public, max-age={parts.settings.latest_max_age}"


def matches(if_none_match: str | None, etag: str) -> bool:
    """Does an If-None-Match header name the ETag?"""
    if not if_none_match:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
