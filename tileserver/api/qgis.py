"""`/collections/{c}/qgis.qlr`: a layer definition that QGIS opens with layers, legend and time set.

The layers are WMS with time: the temporal controller of every QGIS since 3.14 moves them; for
WMTS it needs 3.28.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from pyproj import CRS
from starlette.requests import Request
from starlette.responses import Response

from tileserver.api.addresses import base_address
from tileserver.api.dimension import Dimension
from tileserver.api.parts import Parts
from tileserver.api.published import dimension
from tileserver.api.wms_crs import mercator_box
from tileserver.api.xml import environment
from tileserver.errors import NotFound
from tileserver.models import Collection, Style
from tileserver.styles import word

# QGIS draws nothing in a CRS of which the file says the code alone.
_WKT = CRS.from_epsg(3857).to_wkt()
MEDIA_TYPE = "application/x-qgis-layer-definition"


def _source(base: str, collection: Collection, style: Style, times: Dimension | None) -> str:
    """QGIS's address of a WMS layer; every value is percent-encoded."""
    parameters = {
        "contextualWMSLegend": "0",
        "crs": "EPSG:3857",
        "dpiMode": "7",
        "featureCount": "10",
        "format": "image/png",
        "layers": collection.id,
        "styles": style.id,
        "url": f"{base}/wms?",
    }
    if times:
        parameters |= {
            "type": "wmst",
            "allowTemporalUpdates": "true",
            "enableTime": "yes" if times.form == "instant" else "no",
            "temporalSource": "provider",
            "timeDimensionExtent": ",".join(times.values),
        }
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(parameters.items()))


def layer_definition(collection: Collection, times: Dimension | None, base: str) -> bytes:
    """The file for a collection: a group with a layer for each style, the first one switched on."""
    west, south, east, north = collection.bbox
    box = (west, south, east, north) if west <= east else (-180.0, south, 180.0, north)
    layers: list[dict[str, Any]] = [
        {
            "id": f"tilescope_{collection.id}_{style.id}",
            "title": style.title,
            "abstract": word(style.descriptions, "en"),
            "source": _source(base, collection, style, times),
        }
        for style in collection.styles
    ]
    document = environment().get_template("qgis.xml").render(
        title=collection.title,
        credit=collection.attribution,
        layers=layers,
        box=mercator_box(box),
        wkt=_WKT,
        start=f"{times.first_day}T00:00:00Z" if times else "",
        end=f"{times.last_day}T23:59:59Z" if times else "",
    )  # fmt: skip
    return document.encode()


def router(parts: Parts) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["Maps"])

    @routes.get("/collections/{collection_id}/qgis.qlr", summary="Layers for QGIS", response_class=Response)
    def definition(collection_id: str, request: Request) -> Response:
        collection = parts.catalog.collection(collection_id)
        if not collection.styles:
            raise NotFound("style of", collection_id)
        times = dimension(parts.catalog, collection_id)
        body = layer_definition(collection, times, base_address(request, parts.settings))
        name = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in collection.id)
        headers = {
            "Content-Disposition": f'attachment; filename="{name}.qlr"',
            "Cache-Control": f"public, max-age={parts.settings.latest_max_age}",
        }
        return Response(body, headers=headers, media_type=MEDIA_TYPE)

    return routes
