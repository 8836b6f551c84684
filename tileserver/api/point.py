"""`/collections/{c}/point`: the values of one place."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.api.queries import flag, number, style_of
from tileserver.errors import InvalidParameter
from tileserver.point import describe_point
from tileserver.selection import select
from tileserver.styles import variables
from tileserver.times import parse_time

Text = Annotated[str | None, Query()]


def coordinates(lon: str | None, lat: str | None) -> tuple[float, float]:
    """Degrees. Raises InvalidParameter when one is missing or beyond the Earth."""
    if lon is None or lat is None:
        raise InvalidParameter("lon" if lon is None else "lat", "", "both lon and lat, in degrees")
    return number(lon, "lon", -180, 180), number(lat, "lat", -90, 90)


def router(parts: Parts) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["Values"])

    @routes.get("/collections/{collection_id}/point", summary="Values of one place", response_class=Response)
    def point(
        collection_id: str,
        request: Request,
        lon: Text = None,
        lat: Text = None,
        datetime: Text = None,
        style: Text = None,
        strict: Text = None,
        unscale: Text = None,
        lang: Text = None,
    ) -> Response:
        collection = parts.catalog.collection(collection_id)
        x, y = coordinates(lon, lat)
        wanted = style_of(parts, collection, style, request.query_params) if style else None
        selection = select(
            parts.catalog,
            collection,
            parse_time(datetime or "latest"),
            (x, y, x, y),
            names=variables(wanted) if wanted else (),
            only=wanted.items if wanted else (),
            strict=flag(strict, "strict", default=False),
        )
        physical = flag(unscale, "unscale", default=True)
        return json_response(describe_point(parts.reader, selection, wanted, x, y, lang or "en", unscale=physical))

    return routes
