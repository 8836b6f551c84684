"""`/xyz/…`: tiles with everything in the path. Hot, therefore plain Starlette."""

from __future__ import annotations

from functools import lru_cache
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tileserver.api.delivery import deliver
from tileserver.api.errors import answered
from tileserver.api.looks import Looks
from tileserver.api.middleware import CORS, Tally
from tileserver.api.parts import Parts
from tileserver.api.queries import picture_format, whole
from tileserver.errors import InvalidParameter, NotFound
from tileserver.mercator import mercator_tile
from tileserver.render import MapRequest
from tileserver.times import parse_time

MAX_ZOOM = 24


def tile_address(z: str, x: str, y: str) -> tuple[int, int, int]:
    """Whole numbers on the grid. Raises InvalidParameter for no number, NotFound beyond the grid."""
    zoom, column, row = whole(z, "z"), whole(x, "x"), whole(y, "y")
    if not (0 <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
        raise NotFound("tile", f"{z}/{x}/{y}")
    return zoom, column, row


_parsed_time = lru_cache(maxsize=4096)(parse_time)


class Xyz:
    """The service over the parts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._looks = Looks(parts)

    async def tile(self, request: Request) -> Response:
        """A tile."""
        return await deliver(self._parts, request, lambda: self._asked(request), again=True)

    def _asked(self, request: Request) -> MapRequest:
        path = request.path_params
        name, dot, extension = path["y"].partition(".")
        if dot and not extension:
            raise InvalidParameter("format", path["y"], "jpg, png, webp")
        row, at, scale = name.partition("@")
        if at and scale != "2x":
            raise InvalidParameter("scale", scale, "2x")
        look = self._looks.of(path["collection"], path["style"], request.scope["query_string"])
        grid, bbox = mercator_tile(*tile_address(path["z"], path["x"], row), 512 if at else 256)
        return MapRequest(
            collection=look.collection,
            revision=look.revision,
            style=look.style,
            time=_parsed_time(path["time"], "time"),
            grid=grid,
            bbox=bbox,
            format=picture_format(extension),
            reducer=look.reducer,
            strict=look.strict,
            unscale=look.unscale,
        )


_NAMES = ("collection", "style", "time", "z", "x", "y")


class Direct:
    """The middleware that takes tiles straight to their function; all others go on to the app.

    Routing and what the framework has around it cost as much as half of a tile whose blocks are at hand. So it says
    itself what the middlewares behind it would add.
    """

    def __init__(self, app: ASGIApp, parts: Parts, tally: Tally) -> None:
        self._app = app
        self._tile = Xyz(parts).tile
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith("/xyz/")
        names = scope["path"].split("/")[2:] if direct and not scope.get("root_path") else ()
        if len(names) != len(_NAMES) or not all(names):
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        scope["path_params"] = dict(zip(_NAMES, names, strict=True))
        request = Request(scope, receive, send)
        status, size = 499, 0
        try:
            try:
                response = await self._tile(request)
            except Exception as error:
                response = await answered(request, error)
            response.raw_headers += CORS
            await response(scope, receive, send)
            status, size = response.status_code, len(response.body)
        finally:
            self._tally.add(scope, status, size, perf_counter() - started)


def routes(parts: Parts) -> list[BaseRoute]:
    """For HEAD, for other methods' errors and behind a prefix."""
    return [Route("/xyz/{collection}/{style}/{time}/{z}/{x}/{y}", Xyz(parts).tile, methods=["GET"], name="xyz")]


def _parameter(name: str, place: str, schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": description,
    }


_TEXT: dict[str, Any] = {"type": "string"}
OPENAPI: dict[str, Any] = {
    "/xyz/{collection}/{style}/{time}/{z}/{x}/{y}": {
        "get": {
            "summary": "A map tile",
            "description": "WebMercatorQuad. Without a suffix: JPEG where the tile is opaque, else PNG.",
            "operationId": "xyz",
            "tags": ["Tiles"],
            "parameters": [
                _parameter("collection", "path", _TEXT),
                _parameter("style", "path", _TEXT, "a style of the collection, or custom"),
                _parameter("time", "path", _TEXT, "YYYY-MM-DD, YYYY, instant, start--end, latest, best"),
                _parameter("z", "path", {"type": "integer", "minimum": 0, "maximum": MAX_ZOOM}),
                _parameter("x", "path", {"type": "integer", "minimum": 0}),
                _parameter("y", "path", _TEXT, "row, then @2x for 512 px, then .jpg, .png or .webp"),
                _parameter("assets", "query", _TEXT, "custom: one or three bands"),
                _parameter("expression", "query", _TEXT, "custom: band maths"),
                _parameter("rescale", "query", _TEXT, "custom: lowest,highest in physical units"),
                _parameter("colormap_name", "query", _TEXT, "custom: see /colorMaps"),
                _parameter("color_formula", "query", _TEXT, "custom: gamma, sigmoidal, saturation"),
                _parameter("resampling", "query", {"enum": ["nearest", "bilinear", "cubic", "average"]}),
                _parameter("nodata", "query", _TEXT),
                _parameter("reducer", "query", {"enum": ["first", "best", "median", "mean", "max", "min"]}),
                _parameter("strict", "query", {"type": "boolean"}, "only the time asked"),
                _parameter("unscale", "query", {"type": "boolean"}, "false: stored values"),
            ],
            "responses": {
                "200": {
                    "description": "The tile; X-Tile-Datetime says what is shown, X-Tile-Empty: 1 that nothing is",
                    "content": {
                        kind: {"schema": {"type": "string", "format": "binary"}}
                        for kind in ("image/jpeg", "image/png", "image/webp")
                    },
                },
                "304": {"description": "Not changed"},
                "400": {"description": "InvalidParameter"},
                "404": {"description": "NotFound: collection, style, or beyond the grid"},
                "502": {"description": "SourceUnreadable"},
                "503": {"description": "Overloaded"},
            },
        }
    }
}
