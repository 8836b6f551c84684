"""`/collections/{c}/styles/{s}/map`: a picture of an area in any projection (OGC API Maps)."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tileserver.api.delivery import deliver
from tileserver.api.parts import Parts
from tileserver.api.queries import flag, integer, number, picture_format, reducer, style_of
from tileserver.errors import InvalidParameter
from tileserver.extent import DEGREES, Bounds, crs_named, in_crs, in_degrees
from tileserver.geotiff import MEDIA_TYPE, Described, write_cog
from tileserver.models import Bbox, Collection, Grid
from tileserver.render import MapRequest
from tileserver.times import parse_time

Text = Annotated[str | None, Query()]
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/spatial-subsetting",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/scaling",
    "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf/crs",
)
_LONGER = 1024
"""Pixels along the longer side when neither width nor height is asked."""
_TIFF = {"tif", "tiff", "geotiff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a map lies."""

    grid: Grid
    bbox: Bbox


def frame_of(collection: Collection, query: dict[str, str | None]) -> Frame:
    """The grid of bbox, bbox-crs, crs, width and height. Raises InvalidParameter."""
    bbox_crs = crs_named(query.get("bbox-crs") or "OGC:CRS84", "bbox-crs")
    crs = crs_named(query["crs"], "crs") if query.get("crs") else bbox_crs
    text = query.get("bbox")
    try:
        if text:
            given = _numbers(text)
            bbox = _lonlat(given, text) if bbox_crs == DEGREES else in_degrees(_checked(given, text), bbox_crs)
        else:
            bbox = collection.bbox
        bounds = _numbers(text) if text and crs == bbox_crs != DEGREES else in_crs(bbox, crs)
    except ValueError:
        raise InvalidParameter("bbox", text, f"an area that {crs} reaches") from None
    left, bottom, right, top = bounds
    if not (right > left and top > bottom):
        raise InvalidParameter("bbox", text, "left,bottom,right,top of an area that is larger than nothing")
    width, height = _size(query.get("width"), query.get("height"), (right - left) / (top - bottom))
    return Frame(grid=Grid(crs=crs, bounds=bounds, width=width, height=height), bbox=bbox)


def _numbers(text: str) -> Bounds:
    parts = text.split(",")
    if len(parts) == 6:  # with heights
        parts = [*parts[:2], *parts[3:5]]
    if len(parts) != 4:
        raise InvalidParameter("bbox", text, "left,bottom,right,top")
    left, bottom, right, top = (number(part, "bbox") for part in parts)
    return left, bottom, right, top


def _lonlat(bounds: Bounds, text: str) -> Bbox:
    west, south, east, north = bounds
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90 and west != east):
        raise InvalidParameter("bbox", text, "west,south,east,north in degrees; west > east crosses 180")
    return bounds


def _checked(bounds: Bounds, text: str) -> Bounds:
    left, bottom, right, top = bounds
    if not (left < right and bottom < top):
        raise InvalidParameter("bbox", text, "left,bottom,right,top with left < right and bottom < top")
    return bounds


def _size(width: str | None, height: str | None, aspect: float) -> tuple[int, int]:
    """Pixels; what is not asked follows from the shape of the area."""
    limit = 10**6
    if width and height:
        return integer(width, "width", 1, limit), integer(height, "height", 1, limit)
    if width:
        wide = integer(width, "width", 1, limit)
        return wide, max(round(wide / aspect), 1)
    if height:
        tall = integer(height, "height", 1, limit)
        return max(round(tall * aspect), 1), tall
    return (_LONGER, max(round(_LONGER / aspect), 1)) if aspect >= 1 else (max(round(_LONGER * aspect), 1), _LONGER)


def router(parts: Parts) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["Maps"])

    @routes.get(
        "/collections/{collection_id}/styles/{style_id}/map",
        summary="A picture of an area",
        response_class=Response,
        responses={200: {"content": {kind: {} for kind in ("image/png", "image/jpeg", "image/webp", MEDIA_TYPE)}}},
    )
    async def picture(
        request: Request,
        collection_id: str,
        style_id: str,
        bbox: Text = None,
        bbox_crs: Annotated[str | None, Query(alias="bbox-crs")] = None,
        crs: Text = None,
        width: Text = None,
        height: Text = None,
        datetime: Text = None,
        f: Text = None,
        reducer: Text = None,
        strict: Text = None,
    ) -> Response:
        """`bbox` is left, bottom, right, top in `bbox-crs` (degrees unless said), x before y in every CRS."""
        tiff = (f or "").lower() in {*_TIFF, "image/tiff"}

        def asked() -> MapRequest:
            collection = parts.catalog.collection(collection_id)
            place = {"bbox": bbox, "bbox-crs": bbox_crs, "crs": crs, "width": width, "height": height}
            frame = frame_of(collection, place)
            form = "png" if tiff else picture_format(f, "f")
            parts.renderer.check_size(frame.grid.width, frame.grid.height, form)
            return MapRequest(
                collection=collection,
                style=style_of(parts, collection, style_id, request.query_params),
                time=parse_time(datetime or "latest"),
                grid=frame.grid,
                bbox=frame.bbox,
                format=form,
                reducer=_reducer(reducer),
                strict=flag(strict, "strict", default=False),
                unscale=flag(request.query_params.get("unscale"), "unscale", default=True),
            )

        if tiff:
            return await run_in_threadpool(lambda: _tiff(parts, asked()))
        return await deliver(parts, request, asked)

    return routes


_reducer = reducer


def _tiff(parts: Parts, wanted: MapRequest) -> Response:
    """The picture as a georeferenced file: red, green, blue, alpha."""
    picture, selection = parts.renderer.picture(wanted)
    with tempfile.NamedTemporaryFile(suffix=".tif", dir=parts.settings.scratch(), delete=False) as file:
        path = Path(file.name)
    collection = wanted.collection
    tags = {
        "TIFFTAG_SOFTWARE": "Tilescope",
        "TIFFTAG_COPYRIGHT": collection.attribution,
        "TIFFTAG_IMAGEDESCRIPTION": f"{collection.title}, {wanted.style.title}",
        "DATETIME": selection.datetime,
        "ITEMS": ",".join(item.id for item in selection.items),
    }
    about = Described(alpha=True, tags={key: value for key, value in tags.items() if value})
    try:
        write_cog(path, np.moveaxis(picture.rgba(), 2, 0), wanted.grid, about)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return FileResponse(
        path,
        media_type=MEDIA_TYPE,
        filename=f"{collection.id}-{wanted.style.id}.tif",
        headers={"X-Tile-Datetime": selection.datetime} if selection.datetime else None,
        background=BackgroundTask(path.unlink, missing_ok=True),
    )
