"""`/collections/{c}/styles/{s}/{tms}/tilejson.json`: TileJSON 3.0.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tileserver.api.addresses import base_address
from tileserver.api.errors import json_response
from tileserver.api.legends import named_style
from tileserver.api.parts import Parts
from tileserver.api.queries import picture_format
from tileserver.errors import InvalidParameter
from tileserver.models import Collection, Style
from tileserver.tile_matrix_sets import load_tile_matrix_sets, native_zoom, project
from tileserver.times import parse_time

if TYPE_CHECKING:
    from titiler.core.models.mapbox import TileJSON

Text = Annotated[str | None, Query()]


def load() -> type[TileJSON]:
    """TiTiler's model, which brings much along that a start need not wait for."""
    from titiler.core.models.mapbox import TileJSON

    return TileJSON


def tile_template(base: str, collection: Collection, style: Style, tms_id: str, time: str, suffix: str) -> str:
    """The address of tiles with {z}, {x} and {y}; `/xyz` for WebMercatorQuad."""
    here = f"{quote(collection.id, safe='')}"
    if tms_id == "WebMercatorQuad":
        in_path = quote(time.replace("/", "--"), safe=":.")
        return f"{base}/xyz/{here}/{quote(style.id, safe='')}/{in_path}/{{z}}/{{x}}/{{y}}{suffix}"
    query = f"?datetime={quote(time, safe=':/.')}" + (f"&f={suffix[1:]}" if suffix else "")
    path = f"{base}/collections/{here}/styles/{quote(style.id, safe='')}/map/tiles/{tms_id}"
    return f"{path}/{{z}}/{{y}}/{{x}}{query}"


def router(parts: Parts) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["Tiles"])
    sets = load_tile_matrix_sets(parts.settings.tile_matrix_sets)

    @routes.get(
        "/collections/{collection_id}/styles/{style_id}/{tms_id}/tilejson.json",
        summary="TileJSON 3.0.0",
        response_class=Response,
    )
    def tilejson(
        collection_id: str,
        style_id: str,
        tms_id: str,
        request: Request,
        datetime: Text = None,
        f: Text = None,
        lang: Text = None,
    ) -> Response:
        collection = parts.catalog.collection(collection_id)
        style = named_style(collection, style_id)
        tms = sets[tms_id]
        time = datetime or "latest"
        parse_time(time)
        suffix = "." + picture_format(f, "f") if f else ""
        if project(collection.bbox, tms) is None:
            raise InvalidParameter("tms", tms_id, "a tile matrix set that reaches the collection")
        base = base_address(request, parts.settings)
        west, south, east, north = collection.bbox
        bounds = [west, south, east, north] if west <= east else [-180.0, south, 180.0, north]
        zoom = native_zoom(tms, collection.bbox, collection.maxzoom)
        here = f"{base}/collections/{quote(collection.id, safe='')}/styles/{quote(style.id, safe='')}"
        language = f"?lang={quote(lang)}" if lang else ""
        document = load()(
            name=f"{collection.title}: {style.title}",
            description=collection.description,
            attribution=collection.attribution,
            tiles=[tile_template(base, collection, style, str(tms.id), time, suffix)],
            minzoom=tms.minzoom,
            maxzoom=zoom,
            bounds=bounds,
            center=((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, max(tms.minzoom, zoom - 4)),
            legend=f"{here}/legend.png{language}",
            tileSize=256,
        )
        headers = {"Cache-Control": f"public, max-age={parts.settings.latest_max_age}"}
        return json_response(document.model_dump(exclude_none=True), headers=headers)

    return routes
