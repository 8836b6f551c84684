"""OGC API - Tiles 1.0: `/collections/{c}[/styles/{s}]/map/tiles…`; row before column."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from morecantile import TileMatrixSet
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tileserver.api.addresses import base_address
from tileserver.api.delivery import deliver
from tileserver.api.errors import json_response
from tileserver.api.looks import Looks
from tileserver.api.openapi import DOCUMENT, PICTURE, get, parameter, paths, queries
from tileserver.api.parts import Parts
from tileserver.api.queries import MEDIA_FORMATS, integer, picture_format, style_of
from tileserver.api.tiles import place_tile
from tileserver.errors import NotFound
from tileserver.models import Collection, Style
from tileserver.render import MapRequest
from tileserver.tile_matrix_sets import limits, load_tile_matrix_sets
from tileserver.times import parse_time

_SPEC = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
CONFORMANCE = tuple(
    f"{_SPEC}/{name}" for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "jpeg", "png", "oas30")
)
_REL = "http://www.opengis.net/def/rel/ogc/1.0"
_FAR = 10**10


def _link(rel: str, href: str, media: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"rel": rel, "href": href, "type": media, **more}


class OgcTiles:
    """The service over the parts."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.sets = load_tile_matrix_sets(parts.settings.tile_matrix_sets)
        self._looks = Looks(parts)

    def _asked(self, request: Request) -> tuple[Collection, Style, str]:
        """Collection, style and the address of its tiles; without a style in the path it is the first one."""
        path = request.path_params
        collection = self.parts.catalog.collection(path["collection"])
        base = f"{base_address(request, self.parts.settings)}/collections/{quote(collection.id, safe='')}"
        if "style" not in path:
            if not collection.styles:
                raise NotFound("style of", collection.id)
            return collection, collection.styles[0], f"{base}/map/tiles"
        style = style_of(self.parts, collection, path["style"], request.query_params)
        return collection, style, f"{base}/styles/{quote(style.id, safe='')}/map/tiles"

    def listed(self, request: Request) -> Response:
        """The tilesets of a style."""
        collection, style, here = self._asked(request)
        tilesets = [
            self._tileset(request, collection, style, here, tms, full=False)
            for tms in self.sets.values()
            if limits(tms, collection.bbox, collection.maxzoom)
        ]
        return json_response({"links": [_link("self", f"{here}?f=json")], "tilesets": tilesets})

    def tileset(self, request: Request) -> Response:
        """The metadata of a tileset."""
        collection, style, here = self._asked(request)
        tms = self.sets[request.path_params["tms"]]
        return json_response(self._tileset(request, collection, style, here, tms, full=True))

    def _tileset(
        self, request: Request, collection: Collection, style: Style, here: str, tms: TileMatrixSet, *, full: bool
    ) -> dict[str, Any]:
        base = base_address(request, self.parts.settings)
        time = request.query_params.get("datetime", "")
        parse_time(time)
        query = f"?datetime={quote(time, safe=':/.')}" if time else ""
        tile = f"{here}/{tms.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}{query}{'&' if query else '?'}f="
        definition = f"{base}/tileMatrixSets/{tms.id}"
        collection_id = quote(collection.id, safe="")
        style_id = quote(style.id, safe="")
        links = [
            _link("self", f"{here}/{tms.id}{query}{'&' if query else '?'}f=json"),
            _link(f"{_REL}/tiling-scheme", definition),
            _link("item", f"{tile}png", "image/png", templated=True),
            _link("item", f"{tile}jpg", "image/jpeg", templated=True),
            _link(f"{_REL}/geodata", f"{base}/collections/{collection_id}"),
        ]
        if style.id != "custom":
            tilejson = f"{base}/collections/{collection_id}/styles/{style_id}/{tms.id}/tilejson.json{query}"
            links.append(_link("describedby", tilejson, title="TileJSON"))
        document: dict[str, Any] = {
            "title": f"{collection.title}: {style.title}",
            "dataType": "map",
            "crs": tms.crs.srs,
            "tileMatrixSetURI": tms.uri or definition,
            "links": links,
        }
        if full:
            west, south, east, north = collection.bbox
            document |= {
                "attribution": collection.attribution,
                "boundingBox": {
                    "lowerLeft": [west if west <= east else -180.0, south],
                    "upperRight": [east if west <= east else 180.0, north],
                    "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                },
                "tileMatrixSetLimits": [
                    {
                        "tileMatrix": one.matrix, "minTileRow": one.min_row, "maxTileRow": one.max_row,
                        "minTileCol": one.min_col, "maxTileCol": one.max_col,
                    }
                    for one in limits(tms, collection.bbox, collection.maxzoom)
                ],
            }  # fmt: skip
        return document

    async def tile(self, request: Request) -> Response:
        """A tile."""
        # Where the address names its format, nothing else of the request matters.
        suffix = request.path_params["tileCol"].partition(".")[2]
        again = bool(request.query_params.get("f") or suffix)
        return await deliver(
            self.parts, request, lambda: self._wanted(request), headers={"Vary": "Accept"}, again=again
        )

    def _wanted(self, request: Request) -> MapRequest:
        path = request.path_params
        look = self._looks.of(path["collection"], path.get("style"), request.scope["query_string"])
        tms = self.sets[path["tms"]]
        column, _, suffix = path["tileCol"].partition(".")
        zoom = integer(path["tileMatrix"], "tileMatrix", -_FAR, _FAR)
        row, col = integer(path["tileRow"], "tileRow", -_FAR, _FAR), integer(column, "tileCol", -_FAR, _FAR)
        grid, bbox = place_tile(tms, zoom, col, row)
        return MapRequest(
            collection=look.collection,
            revision=look.revision,
            style=look.style,
            time=parse_time(look.query.get("datetime", "")),
            grid=grid,
            bbox=bbox,
            format=picture_format(look.query.get("f") or suffix or _accepted(request), "f"),
            reducer=look.reducer,
            strict=look.strict,
            unscale=look.unscale,
        )


def _accepted(request: Request) -> str:
    """The first picture type that the client names; nothing where it takes any."""
    for entry in request.headers.get("accept", "").split(","):
        media = entry.split(";")[0].strip()
        if media in MEDIA_FORMATS:
            # Browsers name WebP first for whatever they load as a picture; it is not a wish.
            return "" if "*/*" in request.headers.get("accept", "") else media
    return ""


def routes(parts: Parts) -> list[BaseRoute]:
    """With and without a style in the path."""
    service = OgcTiles(parts)
    found: list[BaseRoute] = []
    for prefix in ("/collections/{collection}/map/tiles", "/collections/{collection}/styles/{style}/map/tiles"):
        found += [
            Route(f"{prefix}/{{tms}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", service.tile, methods=["GET"]),
            Route(f"{prefix}/{{tms}}", service.tileset, methods=["GET"]),
            Route(prefix, service.listed, methods=["GET"]),
        ]
    return found


def _described() -> dict[str, Any]:
    """OpenAPI of all addresses."""
    found: dict[str, Any] = {}
    for prefix, names in (("", ("collection",)), ("/styles/{style}", ("collection", "style"))):
        here = f"/collections/{{collection}}{prefix}/map/tiles"
        mark = "_style" if prefix else ""
        tile = ("tms", "tileMatrix", "tileRow", "tileCol")
        time = parameter("datetime", "query", description="YYYY-MM-DD, YYYY, instant, start/end, latest, best")
        formats = parameter("f", "query", {"enum": ["png", "jpg", "webp"]})
        more = queries("reducer", "strict", "unscale")
        found |= {
            here: get("Tilesets", "Tiles", f"tilesets{mark}", paths(*names), DOCUMENT),
            f"{here}/{{tms}}": get("A tileset", "Tiles", f"tileset{mark}", [*paths(*names, "tms"), time], DOCUMENT),
            f"{here}/{{tms}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": get(
                "A tile, row before column",
                "Tiles",
                f"tile{mark}",
                [*paths(*names, *tile), time, formats, *more],
                PICTURE,
            ),
        }
    return found


OPENAPI = _described()
