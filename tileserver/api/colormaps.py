"""`/colorMaps`: the names that `colormap_name` takes, and their colours."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tileserver import ramps
from tileserver.api.addresses import base_address
from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.errors import NotFound


def router(parts: Parts) -> APIRouter:
    """The list and each one."""
    routes = APIRouter(tags=["Server"])

    @routes.get("/colorMaps", summary="Names for colormap_name", response_class=Response)
    def colormaps(request: Request) -> Response:
        base = base_address(request, parts.settings)
        listed = [{"id": name, "href": f"{base}/colorMaps/{name}"} for name in ramps.continuous()]
        return json_response({"colorMaps": listed})

    @routes.get("/colorMaps/{name}", summary="The 256 colours of one", response_class=Response)
    def colormap(name: str) -> Response:
        if name not in ramps.continuous():
            raise NotFound("colour map", name, ramps.continuous())
        return json_response([list(color) for color in ramps.colors(name)])

    return routes
