"""A map request to an HTTP answer: ETag and 304, the tile cache, one rendering for equal requests, headers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from gpu.expression import ExpressionError
from tileserver.api.etags import matches
from tileserver.api.parts import Parts
from tileserver.cache import metadata_of
from tileserver.errors import InvalidParameter
from tileserver.metrics import RENDERS, hits_of, stage_of
from tileserver.models import Image
from tileserver.ports import Catalog
from tileserver.render import MapRequest, server_timing
from tileserver.selection import Selection

T = TypeVar("T")
_SETTLED = timedelta(days=2)
"""A period that ended this long ago is not expected to get further images."""


_PATIENCE = 0.05
"""Seconds before a connection is watched: most tiles are drawn before a watcher would even be set up."""


class HungUp(Exception):
    """The client has gone."""


async def deliver(
    parts: Parts,
    request: Request,
    ask: Callable[[], MapRequest],
    headers: Mapping[str, str] | None = None,
    *,
    again: bool = False,
) -> Response:
    """The picture of what `ask` says, as an answer. Raises what asking, selecting and drawing raise.

    Asking may look into the catalog. `again`: the same address means the same, whatever else a request says.
    """
    started = perf_counter()
    wanted, selection = await _planned(parts, ask)
    key = parts.renderer.key(wanted, selection)
    seconds = {"catalog": perf_counter() - started}
    out = {"ETag": f'"{key}"', "Cache-Control": cache_control(parts, wanted, selection), **(headers or {})}
    # What is clearest changes while clouds are still being counted, without a new revision.
    if again and wanted.revision and wanted.time.kind != "best":
        parts.shelf.keep(request.scope, wanted.collection.id, wanted.revision, key, out)
    if matches(request.headers.get("if-none-match"), out["ETag"]):
        return Response(status_code=304, headers=out)
    entry = parts.cache.peek(key)
    if entry is not None:
        hits_of("memory").inc()
        content, metadata = entry
        return Response(content, headers={**out, **metadata, "Server-Timing": server_timing(seconds)})
    image = None if parts.cache.slower else parts.renderer.at_hand(wanted, selection)
    if image is not None:
        _keep(parts, key, image)
    else:
        try:
            image = await _while_connected(request, parts, key, wanted, selection)
        except HungUp:
            return Response(status_code=499)
    seconds.update(image.seconds)
    for stage, spent in seconds.items():
        stage_of(stage).observe(spent)
    return Response(image.content, headers={**out, **metadata_of(image), "Server-Timing": server_timing(seconds)})


async def beside(catalog: Catalog, look: Callable[[], T]) -> T:
    """A look into the catalog: at once where it is local, else beside the event loop."""
    return look() if catalog.local else await asyncio.to_thread(look)


async def _planned(parts: Parts, ask: Callable[[], MapRequest]) -> tuple[MapRequest, Selection]:
    """What is wanted and its items; what may take long is done beside the event loop."""

    def select(wanted: MapRequest) -> Selection:
        try:
            return parts.renderer.select(wanted)
        except ExpressionError as error:
            raise InvalidParameter("expression", wanted.style.expression, str(error)) from None

    def plan() -> tuple[MapRequest, Selection]:
        wanted = ask()
        return wanted, select(wanted)

    if not parts.catalog.local:
        return await asyncio.to_thread(plan)
    wanted = ask()
    slow = wanted.time.kind == "best"
    return wanted, await asyncio.to_thread(select, wanted) if slow else select(wanted)


async def _while_connected(request: Request, parts: Parts, key: str, wanted: MapRequest, selection: Selection) -> Image:
    """Draw, but stop waiting when the client hangs up."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[Image] = loop.create_future()
    watching: list[asyncio.Task[None]] = []
    timer = loop.call_later(_PATIENCE, lambda: watching.append(loop.create_task(_watch(request, waiter))))
    try:
        return await parts.flight.run(key, lambda: _draw(parts, key, wanted, selection), waiter)
    finally:
        timer.cancel()
        for task in watching:
            task.cancel()


async def _watch(request: Request, waiter: asyncio.Future[Image]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    if not waiter.done():
        waiter.set_exception(HungUp())


def _draw(parts: Parts, key: str, wanted: MapRequest, selection: Selection) -> Image:
    entry = parts.cache.get(key)  # the slower levels; this is a worker thread
    if entry is not None:
        hits_of("shared").inc()
        content, metadata = entry
        return Image(
            content=content,
            media_type=metadata["Content-Type"],
            empty="X-Tile-Empty" in metadata,
            datetime=metadata.get("X-Tile-Datetime", ""),
        )
    image = parts.renderer.draw(wanted, selection)
    _keep(parts, key, image)
    return image


def _keep(parts: Parts, key: str, image: Image) -> None:
    RENDERS.inc()
    parts.cache.set(key, image.content, metadata_of(image))


def cache_control(parts: Parts, wanted: MapRequest, selection: Selection) -> str:
    """Immutable where the time is explicit and nothing can come any more; short where it may."""
    end = wanted.time.end
    settled = end is not None and end < datetime.now(UTC) - _SETTLED
    if wanted.time.explicit and settled and selection.exact and selection.items:
        return "public, max-age=31536000, immutable"
    return f"public, max-age={parts.settings.latest_max_age}"
