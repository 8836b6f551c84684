"""The app as a value built from parts."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

import tileserver
from tileserver import logs, ramps
from tileserver.api import (
    assets,
    collections,
    colormaps,
    coverage,
    dates,
    landing,
    legends,
    maps,
    ogc_tiles,
    point,
    qgis,
    series,
    stac,
    tilejson,
    timelapses,
    tms,
    viewer,
    wms,
    wmts,
    xyz,
)
from tileserver.api.addresses import base_address
from tileserver.api.docs import docs_page
from tileserver.api.errors import add_error_handlers, json_response
from tileserver.api.middleware import Access, Cors, Head, Tally
from tileserver.api.parts import Parts
from tileserver.api.shelf import Again
from tileserver.cache import open_cache
from tileserver.engine import open_engine
from tileserver.flight import SingleFlight
from tileserver.logs import RequestLog
from tileserver.metrics import FALLBACKS
from tileserver.settings import Settings


def open_parts(settings: Settings) -> Parts:
    """The real parts that the settings name. Raises gpu.devices.DeviceUnavailable."""
    engine = open_engine(settings, lambda _reason: FALLBACKS.inc())
    return Parts(
        settings=settings,
        catalog=engine.catalog,
        reader=engine.reader,
        backend=engine.backend,
        renderer=engine.renderer,
        survey=engine.survey,
        cache=open_cache(settings),
        flight=SingleFlight(engine.threads, settings.queue_limit),
    )


SERVICES: tuple[ModuleType, ...] = (
    # Routes are tried in this order: the hot ones come first.
    xyz, ogc_tiles, wmts, wms,
    assets, collections, colormaps, coverage, dates, legends, maps, point, qgis, series, stac,
    tilejson, timelapses, tms, viewer,
)  # fmt: skip
"""Each offers `routes(parts)` or `router(parts)`; some have CONFORMANCE, OPENAPI and `landing_links(base)`."""


_LATER = 2.0
"""Seconds after the start, when what came first has been answered."""


def _load_the_rest() -> None:
    """What a start does not wait for, and no later request should."""
    ramps.load()
    tilejson.load()


def _all(name: str) -> list[Any]:
    return [getattr(service, name) for service in SERVICES if hasattr(service, name)]


class App(FastAPI):
    """FastAPI behind what every request passes first; the fewest get as far as the framework."""

    front: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.front(scope, receive, send)

    async def services(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is behind the front."""
        await super().__call__(scope, receive, send)


def create_app(parts: Parts, log: RequestLog | None = None) -> App:
    """All services over the parts; requests are logged where there is a log for them."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        later = loop.call_later(_LATER, lambda: loop.run_in_executor(None, _load_the_rest))
        yield
        later.cancel()
        if log:
            log.flush()
        parts.flight.close()
        parts.catalog.close()

    app = App(
        title=parts.settings.title,
        description="Satellite imagery as tiles, maps, values and files.",
        version=tileserver.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        routes=[route for routes in _all("routes") for route in routes(parts)],
        lifespan=lifespan,
        middleware=[Middleware(Head)],
    )
    app.front = _front(app, parts, Tally(log))
    add_error_handlers(app)
    conformance = tuple(dict.fromkeys([*landing.CONFORMANCE, *(uri for uris in _all("CONFORMANCE") for uri in uris)]))
    for router in [landing.router(parts, conformance), *(router(parts) for router in _all("router"))]:
        app.include_router(router)
    _add_documents(app, parts, conformance)
    return app


def _front(app: App, parts: Parts, tally: Tally) -> ASGIApp:
    """What is asked again, then tiles, then everything else."""
    direct = xyz.Direct(Access(Cors(app.services), tally), parts, tally)
    return Again(direct, shelf=parts.shelf, catalog=parts.catalog, cache=parts.cache, tally=tally)


def _add_documents(app: FastAPI, parts: Parts, conformance: tuple[str, ...]) -> None:
    """`/`, `/api` and `/docs`."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            by_hand = {path: entry for paths in _all("OPENAPI") for path, entry in paths.items()}
            schema["paths"] = {**by_hand, **schema["paths"]}
            app.openapi_schema = schema
        return app.openapi_schema

    @app.get("/api", include_in_schema=False)
    def api() -> Response:
        return json_response(document(), headers={"Content-Type": "application/vnd.oai.openapi+json;version=3.0"})

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return HTMLResponse(docs_page(document()))

    @app.get("/", include_in_schema=False)
    def root(request: Request) -> Response:
        wants_json = request.query_params.get("f") == "json" or "application/json" in request.headers.get("accept", "")
        if not wants_json:
            return viewer.page(request, parts)
        base = base_address(request, parts.settings)
        links = [link for links_of in _all("landing_links") for link in links_of(base)]
        return json_response(landing.landing_page(parts, base, conformance, links), headers={"Vary": "Accept"})


def process_app(settings: Settings, log: RequestLog | None) -> App:
    """The one app of a server process."""
    app = create_app(open_parts(settings), log)
    gc.freeze()  # what was loaded stays: every full collection of garbage would look at all of it again
    return app


def app_from_environment() -> App:
    """For several workers: each process opens its own parts from TILESERVER_* variables."""
    settings = Settings()
    return process_app(settings, logs.set_up(settings))
