"""`/colorMaps`: the names that `colormap_name` takes, and their colours."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter
from rio_tiler.colormap import cmap
from starlette.requests import Request
from starlette.responses import Response

from tileserver.api.addresses import base_address
from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.errors import NotFound


@cache
def continuous() -> list[str]:
    """Colour maps with 256 entries; class tables are styles of their own here. Reads them all, so not at start."""
    return sorted(name for name in cmap.list() if len(cmap.get(name)) == 256)


def router(parts: Parts) -> APIRouter:
    """The list and each one."""
    routes = APIRouter(tags=["Server"])

    @routes.get("/colorMaps", summary="Names for colormap_name", response_class=Response)
    def colormaps(request: Request) -> Response:
        base = base_address(request, parts.settings)
        return json_response({"colorMaps": [{"id": name, "href": f"{base}/colorMaps/{name}"} for name in continuous()]})

    @routes.get("/colorMaps/{name}", summary="The 256 colours of one", response_class=Response)
    def colormap(name: str) -> Response:
        if name not in continuous():
            raise NotFound("colour map", name, continuous())
        return json_response([list(color) for _, color in sorted(cmap.get(name).items())])

    return routes
