"""WMTS 1.0.0: `/wmts` by key-value pairs and `/wmts/1.0.0/…` by paths, for all collections or for one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tileserver.api.addresses import base_address
from tileserver.api.delivery import beside, deliver
from tileserver.api.feature_info import feature, feature_info
from tileserver.api.kvp import KeyValues
from tileserver.api.openapi import DOCUMENT, PICTURE, get, paths, queries
from tileserver.api.ows import OwsError, exception_report, ows_error
from tileserver.api.parts import Parts
from tileserver.api.queries import FORMATS, integer
from tileserver.api.tiles import lonlat, place_tile
from tileserver.api.wmts_capabilities import Capabilities
from tileserver.api.wmts_document import INFO_FORMATS, usable_sets
from tileserver.api.wmts_tile import Layer, TileAddress, find_layer, find_tile
from tileserver.errors import InvalidParameter, NotFound, TileserverError
from tileserver.models import Style
from tileserver.render import MapRequest
from tileserver.tile_matrix_sets import load_tile_matrix_sets
from tileserver.times import Time

_TILE_NAMES = ("layer", "style", "format", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol")
_INFO_NAMES = (*_TILE_NAMES, "InfoFormat", "I", "J")
_SUFFIXES = {suffix: media for media, suffix in INFO_FORMATS.items()}
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A tile of a layer at a time."""

    layer: Layer
    style: Style
    time: Time
    address: TileAddress


class Wmts:
    """The service over the parts."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.sets = usable_sets(load_tile_matrix_sets(parts.settings.tile_matrix_sets))
        self.capabilities = Capabilities(parts, self.sets)

    # Key-value pairs

    async def kvp(self, request: Request) -> Response:
        """GetCapabilities, GetTile and GetFeatureInfo."""
        values = KeyValues(request.query_params.multi_items())
        scope = request.path_params.get("collection", "")
        if scope:
            await beside(self.parts.catalog, lambda: self.parts.catalog.collection(scope))
        operation = self._operation(values)
        if operation == "GetCapabilities":
            return await self._capabilities(request, values, scope)
        if values.need("version") != "1.0.0":
            raise InvalidParameter("version", values.get("version"), "1.0.0")
        if operation == "GetTile":
            named = {name: values.get(name) if name == "style" else values.need(name) for name in _TILE_NAMES}
            if "style" not in values:
                values.need("style")
            wanted = _media(named["format"], "format")
            return await self._tile(request, lambda: self._asked(named, values.get("Time"), scope), wanted)
        named = {name: values.get(name) for name in _INFO_NAMES}
        if "style" not in values:
            values.need("style")
        for name in _INFO_NAMES:
            if name not in {"style", "format"}:  # QGIS sends no format here
                values.need(name)
        return await asyncio.to_thread(self._info, named, values.get("Time"), scope)

    def _operation(self, values: KeyValues) -> str:
        service = values.get("service")
        if service and service.upper() != "WMTS":
            raise InvalidParameter("service", service, "WMTS")
        operation = values.need("request")
        values.need("service")
        if operation not in {"GetCapabilities", "GetTile", "GetFeatureInfo"}:
            raise InvalidParameter("request", operation, "GetCapabilities, GetTile, GetFeatureInfo")
        return operation

    async def _capabilities(self, request: Request, values: KeyValues, scope: str) -> Response:
        base = base_address(request, self.parts.settings)
        return await asyncio.to_thread(self.capabilities.answer, values, scope, base, request.headers)

    # Paths

    async def document(self, request: Request) -> Response:
        """The capabilities at their own address."""
        scope = request.path_params.get("collection", "")
        accept = request.headers.get("accept", "")
        if accept and not any(word in accept for word in ("*/*", "xml", "text/*", "application/*", "html")):
            raise OwsError("NoApplicableCode", "This resource is application/xml.", status=406)
        return await self._capabilities(request, KeyValues(()), scope)

    async def tile(self, request: Request) -> Response:
        """A tile by its path."""
        path = request.path_params
        column, _, suffix = path["TileCol"].partition(".")

        def asked() -> _Asked:
            found = self._asked({**path, "TileCol": column}, path["Time"], "")
            if suffix not in {"png", "jpg", "jpeg", "webp"}:
                raise NotFound("format", suffix, ("png", "jpg", "webp"))
            return found

        return await self._tile(request, asked, suffix)

    async def info(self, request: Request) -> Response:
        """FeatureInfo by its path."""
        path = request.path_params
        column, _, suffix = path["I"].partition(".")
        if suffix not in _SUFFIXES:
            raise NotFound("format", suffix, tuple(_SUFFIXES))
        named = {**path, "I": column, "InfoFormat": _SUFFIXES[suffix]}
        return await asyncio.to_thread(self._info, named, path["Time"], "")

    # Both

    def _asked(self, named: dict[str, str], time: str, scope: str) -> _Asked:
        layer = find_layer(self.parts.catalog, named["layer"], scope)
        style = layer.style(named["style"])
        address = find_tile(self.sets, layer.collection, named)
        return _Asked(layer, style, layer.time(time), address)

    async def _tile(self, request: Request, ask: Callable[[], _Asked], wanted: str) -> Response:
        def map_request() -> MapRequest:
            asked = ask()
            address = asked.address
            grid, bbox = place_tile(address.tms, address.zoom, address.col, address.row)
            return MapRequest(
                collection=asked.layer.collection,
                revision=asked.layer.revision,
                style=asked.style,
                time=asked.time,
                grid=grid,
                bbox=bbox,
                format=FORMATS[wanted],
                strict=not asked.layer.nearest,
            )

        return await deliver(self.parts, request, map_request, again=True)

    def _info(self, named: dict[str, str], time: str, scope: str) -> Response:
        asked = self._asked(named, time, scope)
        media = named["InfoFormat"]
        if media not in INFO_FORMATS and media != "application/geo+json":
            raise InvalidParameter("InfoFormat", media, ", ".join(INFO_FORMATS))
        address = asked.address
        grid, _ = place_tile(address.tms, address.zoom, address.col, address.row)
        column = integer(named["I"], "I", 0, grid.width - 1)
        row = integer(named["J"], "J", 0, grid.height - 1)
        left, bottom, right, top = grid.bounds
        found = feature(
            self.parts,
            asked.layer.collection,
            asked.style,
            asked.time,
            *lonlat(
                grid.crs,
                left + (column + 0.5) * (right - left) / grid.width,
                top - (row + 0.5) * (top - bottom) / grid.height,
            ),
            strict=not asked.layer.nearest,
        )
        return feature_info([found], media)


def landing_links(base: str) -> list[dict[str, str]]:
    """Where the document is."""
    href = f"{base}/wmts/1.0.0/WMTSCapabilities.xml"
    return [{"rel": "service-meta", "type": "application/xml", "href": href, "title": "WMTS"}]


def _media(media_type: str, name: str) -> str:
    """png, jpg or webp."""
    formats = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
    if media_type not in formats:
        raise InvalidParameter(name, media_type, ", ".join(formats))
    return formats[media_type]


def _reported(handler: Handler, *, by_path: bool = False) -> Handler:
    """A handler whose errors are exception reports; by path, what does not exist is 404."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except TileserverError as error:
            report = ows_error(error)
            if by_path and report.status == 400:
                report = OwsError(report.code, report.detail, locator=report.locator, status=404)
            return exception_report(report)

    return answer


def routes(parts: Parts) -> list[BaseRoute]:
    """Every address of the service."""
    service = Wmts(parts)
    tile = "/{layer}/{style}/{Time}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}"
    found: list[BaseRoute] = []
    for prefix in ("/wmts", "/collections/{collection}/wmts"):
        found += [
            Route(prefix, _reported(service.kvp), methods=["GET"]),
            Route(f"{prefix}/1.0.0/WMTSCapabilities.xml", _reported(service.document), methods=["GET"]),
        ]
    return [
        *found,
        Route(f"/wmts/1.0.0{tile}", _reported(service.tile, by_path=True), methods=["GET"]),
        Route(f"/wmts/1.0.0{tile}/{{J}}/{{I}}", _reported(service.info, by_path=True), methods=["GET"]),
    ]


_TILE_PATH = ("layer", "style", "Time", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol")
_REST = "/wmts/1.0.0/{layer}/{style}/{Time}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}"
_KVP = queries("service", "request", "version", "Sections", "AcceptVersions", "Time", *_INFO_NAMES)
OPENAPI = {
    "/wmts": get("WMTS 1.0.0 by key-value pairs", "WMTS", "wmts", _KVP, DOCUMENT),
    "/wmts/1.0.0/WMTSCapabilities.xml": get("The WMTS document", "WMTS", "wmts_document", [], DOCUMENT),
    _REST: get("A WMTS tile by its path", "WMTS", "wmts_tile", paths(*_TILE_PATH), PICTURE),
    f"{_REST}/{{J}}/{{I}}": get("WMTS values", "WMTS", "wmts_info", paths(*_TILE_PATH, "J", "I"), DOCUMENT),
    "/collections/{collection}/wmts": get(
        "WMTS of one collection", "WMTS", "wmts_collection", [*paths("collection"), *_KVP], DOCUMENT
    ),
    "/collections/{collection}/wmts/1.0.0/WMTSCapabilities.xml": get(
        "The WMTS document of one collection", "WMTS", "wmts_collection_document", paths("collection"), DOCUMENT
    ),
}
