"""`/collections/{c}/dates`: the calendar of a view."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.api.queries import lonlat_bbox
from tileserver.api.series import interval_of
from tileserver.days import Day, days_of

Text = Annotated[str | None, Query()]
_SECONDS = 2.0
"""How long an answer waits for what nobody counted yet."""


def router(parts: Parts) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["Values"])

    path = "/collections/{collection_id}/dates"

    @routes.get(path, summary="Dates with images in a view", response_class=Response)
    def dates(collection_id: str, bbox: Text = None, datetime: Text = None) -> Response:
        """Each date with its number of items, the share of the view covered (0 to 1) and cloud percent in it.

        `X-Dates-Complete: false` says that some items are still being counted: their outline and their
        producer's cloud percent stand in, ask again.
        """
        collection = parts.catalog.collection(collection_id)
        view, interval = lonlat_bbox(bbox), interval_of(datetime)
        days, complete = days_of(parts.catalog, parts.survey, collection, view, interval, _SECONDS)
        answer = json_response([_row(day) for day in days])
        answer.headers["X-Dates-Complete"] = str(complete).lower()
        if not complete:
            answer.headers["Cache-Control"] = "no-cache"
        return answer

    return routes


def _row(day: Day) -> dict[str, Any]:
    cloud = day.share.cloud
    return {
        "date": day.date.isoformat(),
        "items": len(day.items),
        "cover": round(day.share.cover, 4),
        "cloud": None if cloud is None else round(cloud, 2),
    }
