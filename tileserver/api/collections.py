"""`/collections`: STAC Collections with item_assets, renders, extents and links."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tileserver.api.addresses import base_address
from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.collections import collection_to_stac
from tileserver.models import Collection
from tileserver.styles import PREFIX

OGC_REL = "http://www.opengis.net/def/rel/ogc/1.0"
WEB_MAP_LINKS = "https://stac-extensions.github.io/web-map-links/v1.2.0/schema.json"
_BOOKKEEPING = ("guessed_from", "described_by")
"""What ingest keeps with a collection for itself."""


def collection_document(collection: Collection, base: str) -> dict[str, Any]:
    """The STAC Collection with absolute links, web map links for every style among them."""
    stac = collection_to_stac(collection)
    for ours in _BOOKKEEPING:
        stac.pop(PREFIX + ours, None)
    collection_id = quote(collection.id, safe="")
    here = f"{base}/collections/{collection_id}"
    if collection.styles:
        stac["stac_extensions"] = [*stac["stac_extensions"], WEB_MAP_LINKS]
    stac["links"] = [
        {"rel": "self", "type": "application/json", "href": here},
        {"rel": "root", "type": "application/json", "href": f"{base}/?f=json"},
        {"rel": "parent", "type": "application/json", "href": f"{base}/?f=json"},
        {
            "rel": "items",
            "type": "application/geo+json",
            "href": f"{base}/stac/collections/{collection_id}/items",
        },
        {"rel": "alternate", "type": "text/html", "href": f"{base}/?collection={collection_id}"},
        {"rel": f"{OGC_REL}/tilesets-map", "type": "application/json", "href": f"{here}/map/tiles?f=json"},
        {"rel": "alternate", "type": "application/x-qgis-layer-definition", "href": f"{here}/qgis.qlr"},
        *web_map_links(collection, base),
    ]
    return stac


def web_map_links(collection: Collection, base: str, time: str = "latest") -> list[dict[str, Any]]:
    """xyz, tilejson, wmts and wms links as the web-map-links and render extensions describe them."""
    collection_id = quote(collection.id, safe="")
    here = f"{base}/collections/{collection_id}"
    links: list[dict[str, Any]] = []
    for style in collection.styles:
        style_id = quote(style.id, safe="")
        tiles = f"{base}/xyz/{collection_id}/{style_id}/{time}/{{z}}/{{x}}/{{y}}.png"
        tilejson = f"{here}/styles/{style_id}/WebMercatorQuad/tilejson.json?datetime={time}"
        said = {"title": style.title, "render": style.id}
        links += [
            {"rel": "xyz", "type": "image/png", "href": tiles, **said},
            {"rel": "tilejson", "type": "application/json", "href": tilejson, **said},
        ]
    if collection.styles:
        wmts = f"{here}/wmts/1.0.0/WMTSCapabilities.xml"
        dated = time not in {"latest", "best"}
        links += [
            {
                "rel": "wmts", "type": "image/png", "title": collection.title, "href": wmts,
                "wmts:layer": collection.id, **({"wmts:dimensions": {"Time": time}} if dated else {}),
            },
            {
                "rel": "wms", "type": "image/png", "title": collection.title, "href": f"{base}/wms",
                "wms:layers": [collection.id], "wms:transparent": True,
                **({"wms:dimensions": {"TIME": time}} if dated else {}),
            },
        ]  # fmt: skip
    return links


def router(parts: Parts) -> APIRouter:
    """The list and each one."""
    routes = APIRouter(tags=["Collections"])

    @routes.get("/collections", summary="All collections", response_class=Response)
    def collections(request: Request) -> Response:
        base = base_address(request, parts.settings)
        documents = [collection_document(collection, base) for collection in parts.catalog.collections()]
        links = [
            {"rel": "self", "type": "application/json", "href": f"{base}/collections"},
            {"rel": "root", "type": "application/json", "href": f"{base}/?f=json"},
        ]
        return json_response({"collections": documents, "links": links})

    @routes.get("/collections/{collection_id}", summary="One collection", response_class=Response)
    def collection(collection_id: str, request: Request) -> Response:
        base = base_address(request, parts.settings)
        return json_response(collection_document(parts.catalog.collection(collection_id), base))

    return routes
