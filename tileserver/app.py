"""The app as a value built from parts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

import tileserver
from gpu.devices import open_backend
from tileserver.api import collections, landing, point, xyz
from tileserver.api.docs import docs_page
from tileserver.api.errors import add_error_handlers, json_response
from tileserver.api.middleware import Access, Cors
from tileserver.api.parts import Parts
from tileserver.best import Clearest
from tileserver.cache import open_cache
from tileserver.catalog import open_catalog
from tileserver.flight import SingleFlight
from tileserver.reading import open_reader
from tileserver.render import Renderer
from tileserver.settings import Settings
from tileserver.survey import Survey


def open_parts(settings: Settings) -> Parts:
    """The real parts that the settings name. Raises gpu.devices.DeviceUnavailable."""
    catalog = open_catalog(settings.catalog or f"sqlite:///{settings.scratch() / 'catalog.db'}")
    reader = open_reader(settings)
    backend = open_backend(settings.device)
    threads = settings.threads or os.cpu_count() or 2
    survey = Survey(catalog, reader, backend, threads)
    return Parts(
        settings=settings,
        catalog=catalog,
        reader=reader,
        backend=backend,
        renderer=Renderer(catalog, reader, backend, settings, Clearest(catalog, survey)),
        survey=survey,
        cache=open_cache(settings),
        flight=SingleFlight(threads, settings.queue_limit),
    )


# Every service is a module in tileserver.api; hot ones come first because routes are tried in order.
_HOT = ("ogc_tiles", "wmts", "wms")
_SERVICES = (
    "colormaps",
    "dates",
    "series",
    "maps",
    "coverage",
    "timelapses",
    "legends",
    "tilejson",
    "tms",
    "assets",
    "stac",
    "qgis",
    "viewer",
)


def _services(names: tuple[str, ...]) -> list[Any]:
    modules = []
    for name in names:
        try:
            modules.append(import_module(f"tileserver.api.{name}"))
        except ModuleNotFoundError as error:
            if error.name != f"tileserver.api.{name}":
                raise
    return modules


def create_app(parts: Parts) -> FastAPI:
    """All services over the parts."""
    services = _services(_HOT) + _services(_SERVICES)
    hot: list[BaseRoute] = list(xyz.routes(parts))
    routers: list[APIRouter] = [collections.router(parts), point.router(parts)]
    conformance: tuple[str, ...] = landing.CONFORMANCE
    openapi_paths: dict[str, Any] = dict(xyz.OPENAPI)
    for service in services:
        hot += service.routes(parts) if hasattr(service, "routes") else []
        routers += [service.router(parts)] if hasattr(service, "router") else []
        conformance += getattr(service, "CONFORMANCE", ())
        openapi_paths |= getattr(service, "OPENAPI", {})
    conformance = tuple(dict.fromkeys(conformance))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        parts.flight.close()
        parts.catalog.close()

    app = FastAPI(
        title=parts.settings.title,
        description="Satellite imagery as tiles, maps, values and files.",
        version=tileserver.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        routes=hot,
        lifespan=lifespan,
        middleware=[
            Middleware(Access, as_json=parts.settings.log_format == "json"),
            Middleware(Cors),
        ],
    )
    add_error_handlers(app)
    for router in [landing.router(parts, conformance), *routers]:
        app.include_router(router)
    _add_documents(app, parts, conformance, services, openapi_paths)
    return app


def _add_documents(
    app: FastAPI, parts: Parts, conformance: tuple[str, ...], services: list[Any], extra_paths: dict[str, Any]
) -> None:
    """`/` as JSON, `/api` and `/docs`."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schema["paths"] = {**extra_paths, **schema["paths"]}
            app.openapi_schema = schema
        return app.openapi_schema

    @app.get("/api", include_in_schema=False)
    def api() -> Response:
        return json_response(document(), headers={"Content-Type": "application/vnd.oai.openapi+json;version=3.0"})

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return HTMLResponse(docs_page(document()))

    viewer_page = next((service.page for service in services if hasattr(service, "page")), None)

    @app.get("/", include_in_schema=False)
    def root(request: Request) -> Response:
        wants_json = request.query_params.get("f") == "json" or "application/json" in request.headers.get("accept", "")
        if viewer_page is None or wants_json:
            base = landing.base_of(request, parts)
            links = [
                link
                for service in services
                if hasattr(service, "landing_links")
                for link in service.landing_links(base)
            ]
            return json_response(landing.landing_page(parts, base, conformance, links))
        page: Response = viewer_page(request, parts)
        return page


def app_from_environment() -> FastAPI:
    """For several workers: each process opens its own parts from TILESERVER_* variables."""
    return create_app(open_parts(Settings()))
