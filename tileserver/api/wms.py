"""WMS 1.3.0 and 1.1.1: `/wms`."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tileserver.api.addresses import base_address
from tileserver.api.delivery import beside, cache_control, deliver
from tileserver.api.etags import matches
from tileserver.api.feature_info import feature, feature_info
from tileserver.api.kvp import KeyValues
from tileserver.api.legends import LANGUAGES, legend_response, named_style
from tileserver.api.openapi import DOCUMENT, PICTURE, get, queries
from tileserver.api.parts import Parts
from tileserver.api.published import dimension, fragment, published
from tileserver.api.queries import integer
from tileserver.api.sequence import Sequences, compare
from tileserver.api.tiles import lonlat
from tileserver.api.wms_document import INFO_FORMATS, capabilities, layer_fragment
from tileserver.api.wms_errors import WmsError, service_exception
from tileserver.api.wms_map import WmsMap, draw_map, grid_of, layers_of, map_key, map_of, times_of
from tileserver.cache import metadata_of
from tileserver.errors import InvalidParameter, NotFound, TileserverError
from tileserver.models import Collection

_LEGENDS = {"image/png": "png", "image/svg+xml": "svg", "application/json": "json"}


class Wms:
    """The service over the parts."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._sequences = Sequences()

    async def answer(self, request: Request) -> Response:
        """Any request; errors become service exceptions of the version asked."""
        values = KeyValues(request.query_params.multi_items())
        new = True
        try:
            new = _is_new(values)
            return await self._operation(request, values, new=new)
        except TileserverError as error:
            return service_exception(error, values, new=new)

    async def _operation(self, request: Request, values: KeyValues, *, new: bool) -> Response:
        service = values.get("service")
        if service and service.upper() != "WMS":
            raise InvalidParameter("service", service, "WMS")
        operation = values.need("request")
        if operation in {"GetCapabilities", "capabilities"}:
            values.need("service")
            base = base_address(request, self.parts.settings)
            return await asyncio.to_thread(self._capabilities, values, base, new=new)
        if operation == "GetLegendGraphic":
            return await beside(self.parts.catalog, lambda: self._legend(values))
        if operation not in {"GetMap", "GetFeatureInfo"}:
            raise WmsError("OperationNotSupported", f"There is no operation '{operation[:60]}'.", locator="request")
        _check_version(values)
        if operation == "GetMap":
            wanted = await beside(self.parts.catalog, lambda: map_of(self.parts, values, new=new))
            return await self._map(request, wanted)
        return await asyncio.to_thread(self._feature_info, values, new=new)

    def _capabilities(self, values: KeyValues, base: str, *, new: bool) -> Response:
        layers = published(self.parts.catalog)
        sequence = self._sequences.number("", tuple((layer.id, revision) for layer, revision in layers))
        _check_sequence(values.get("updatesequence"), sequence)
        pieces = [self._fragment(layer, revision, new=new) for layer, revision in layers]
        body = capabilities(pieces, self.parts.settings, base=base, new=new, sequence=sequence)
        headers = {"Cache-Control": f"public, max-age={self.parts.settings.latest_max_age}"}
        return Response(body, headers=headers, media_type="text/xml" if new else "application/vnd.ogc.wms_xml")

    def _fragment(self, collection: Collection, revision: str, *, new: bool) -> bytes:
        catalog = self.parts.catalog
        return fragment(
            ("wms", new, catalog.uri, collection.id, revision),
            lambda: layer_fragment(collection, dimension(catalog, collection.id), new=new),
        )

    async def _map(self, request: Request, wanted: WmsMap) -> Response:
        if len(wanted.requests) == 1 and wanted.transparent and wanted.format != "jpg":
            return await deliver(self.parts, request, lambda: wanted.requests[0])
        key, caching = await asyncio.to_thread(self._named, wanted)
        headers = {"ETag": f'"{key}"', "Cache-Control": caching}
        if matches(request.headers.get("if-none-match"), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        image = await self.parts.flight.run(f"wms-{key}", lambda: draw_map(self.parts, wanted))
        return Response(image.content, headers={**headers, **metadata_of(image)})

    def _named(self, wanted: WmsMap) -> tuple[str, str]:
        """The key of a picture and its Cache-Control."""
        first = wanted.requests[0]
        selection = self.parts.renderer.select(first)
        return map_key(self.parts.renderer, wanted), cache_control(self.parts, first, selection)

    def _feature_info(self, values: KeyValues, *, new: bool) -> Response:
        grid = grid_of(self.parts, values, new=new)
        layers_of(self.parts, values)
        layers = layers_of(self.parts, values, "query_layers")
        names = ("i", "j") if new else ("x", "y")
        try:
            column = integer(values.need(names[0]), names[0], 0, grid.width - 1)
            row = integer(values.need(names[1]), names[1], 0, grid.height - 1)
        except InvalidParameter as error:
            if not values.get(error.name):
                raise
            raise WmsError("InvalidPoint", error.detail, locator=error.name) from None
        media = values.get("info_format") or "text/plain"
        if media not in INFO_FORMATS and media != "application/geo+json":
            allowed = ", ".join(INFO_FORMATS)
            raise WmsError("InvalidFormat", f"'{media[:60]}' is none of {allowed}.", locator="info_format")
        left, bottom, right, top = grid.bounds
        x = left + (column + 0.5) * (right - left) / grid.width
        y = top - (row + 0.5) * (top - bottom) / grid.height
        place = lonlat(grid.crs, x, y)
        features = []
        for collection, style in layers:
            time = times_of(self.parts, values, collection)[-1]
            features.append(feature(self.parts, collection, style, time, *place, strict=False))
        return feature_info(features, media)

    def _legend(self, values: KeyValues) -> Response:
        name, media = values.need("layer"), values.get("format") or "image/png"
        language = values.get("language") or "en"
        if media not in _LEGENDS:
            raise WmsError("InvalidFormat", f"'{media[:60]}' is none of {', '.join(_LEGENDS)}.", locator="format")
        try:
            collection = self.parts.catalog.collection(name)
        except NotFound as error:
            raise WmsError("LayerNotDefined", error.detail, locator="layer") from None
        try:
            style = named_style(collection, values.get("style"))
        except NotFound as error:
            raise WmsError("StyleNotDefined", error.detail, locator="style") from None
        language = language if language in LANGUAGES else "en"
        return legend_response(collection, style, _LEGENDS[media], language, self.parts.settings.latest_max_age)


def landing_links(base: str) -> list[dict[str, str]]:
    """Where the document is."""
    href = f"{base}/wms?SERVICE=WMS&REQUEST=GetCapabilities"
    return [{"rel": "service-meta", "type": "text/xml", "href": href, "title": "WMS"}]


def _is_new(values: KeyValues) -> bool:
    """1.3.0 rather than 1.1.1: the highest version that is not above the one asked."""
    version = values.get("version") or values.get("wmtver")
    return not version.startswith(("1.0", "1.1", "1.2", "0."))


def _check_version(values: KeyValues) -> None:
    version = values.get("version") or values.get("wmtver") or values.need("version")
    if version not in {"1.3.0", "1.1.1", "1.1.0", "1.0.0"}:
        raise InvalidParameter("version", version, "1.3.0, 1.1.1")


def _check_sequence(text: str, sequence: int) -> None:
    """Raises WmsError where the client has the document already, or claims a newer one."""
    if not text:
        return
    try:
        order = compare(text, sequence)
    except ValueError as error:
        raise WmsError("InvalidUpdateSequence", str(error), locator="updatesequence") from None
    if order >= 0:
        code = "InvalidUpdateSequence" if order else "CurrentUpdateSequence"
        raise WmsError(code, f"The newest update sequence is {sequence}.", locator="updatesequence")


def routes(parts: Parts) -> list[BaseRoute]:
    """The one address."""
    return [Route("/wms", Wms(parts).answer, methods=["GET"])]


OPENAPI = {
    "/wms": get(
        "WMS 1.3.0 and 1.1.1",
        "WMS",
        "wms",
        queries(
            "service",
            "request",
            "version",
            "layers",
            "styles",
            "crs",
            "srs",
            "bbox",
            "width",
            "height",
            "format",
            "time",
            "transparent",
            "bgcolor",
            "exceptions",
            "query_layers",
            "info_format",
            "i",
            "j",
            "x",
            "y",
            "layer",
            "style",
        ),
        {**PICTURE, **DOCUMENT, "200": PICTURE["200"]},
    )
}
