"""`/tileMatrixSets` and `/tileMatrixSets/{tms}`: OGC Two Dimensional Tile Matrix Set 2.0."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from morecantile import TileMatrixSet
from starlette.requests import Request
from starlette.responses import Response

from tileserver.api.addresses import base_address
from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.tile_matrix_sets import load_tile_matrix_sets

CONFORMANCE = (
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
)
_MAX_AGE = "public, max-age=3600"


def landing_links(base: str) -> list[dict[str, Any]]:
    """Where the list is."""
    return [
        {
            "rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
            "type": "application/json",
            "href": f"{base}/tileMatrixSets",
            "title": "Tile matrix sets",
        }
    ]


def definition(tms: TileMatrixSet) -> dict[str, Any]:
    """The set as OGC's JSON."""
    document: dict[str, Any] = tms.model_dump(mode="json", exclude_none=True)
    return document


def router(parts: Parts) -> APIRouter:
    """The list and each one."""
    routes = APIRouter(tags=["Tiles"])
    sets = load_tile_matrix_sets(parts.settings.tile_matrix_sets)

    @routes.get("/tileMatrixSets", summary="Tile matrix sets", response_class=Response)
    def listed(request: Request) -> Response:
        base = base_address(request, parts.settings)
        entries = []
        for name, tms in sets.items():
            link = {"rel": "self", "type": "application/json", "href": f"{base}/tileMatrixSets/{name}"}
            entry = {"id": name, "title": tms.title or name, "crs": tms.crs.srs, "links": [link]}
            entries.append(entry | ({"uri": tms.uri} if tms.uri else {}))
        return json_response({"tileMatrixSets": entries}, headers={"Cache-Control": _MAX_AGE})

    @routes.get("/tileMatrixSets/{tms_id}", summary="One tile matrix set", response_class=Response)
    def one(tms_id: str) -> Response:
        return json_response(definition(sets[tms_id]), headers={"Cache-Control": _MAX_AGE})

    return routes
