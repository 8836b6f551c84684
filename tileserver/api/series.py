"""`/collections/{c}/timeseries`: values of a point or an area through time."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import asdict
from typing import Annotated, Any

import orjson
import shapely
from fastapi import APIRouter, Query
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.api.point import coordinates
from tileserver.api.queries import custom_style, flag, style_of
from tileserver.bands import band_of
from tileserver.errors import InvalidParameter, TooLarge
from tileserver.models import Collection, Style
from tileserver.pixels import Measure
from tileserver.polygon import parse_area
from tileserver.ports import Interval
from tileserver.series import Question, Row, Series
from tileserver.styles import expressions, variables
from tileserver.times import parse_time

Text = Annotated[str | None, Query()]
STATISTICS = ("median", "p10", "p90", "std", "min", "max", "count")
FORMATS = ("json", "csv", "ndjson")
BYTES_PER_VERTEX = 100
"""Room for a vertex with height in GeoJSON, with blanks."""

_GEOMETRY = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"enum": ["Point", "Polygon", "MultiPolygon", "Feature"]},
        "coordinates": {"type": "array"},
        "geometry": {"type": "object"},
    },
    "example": {
        "type": "Polygon",
        "coordinates": [[[15.4, 46.5], [15.5, 46.5], [15.5, 46.6], [15.4, 46.5]]],
    },
}
_BODY = {
    "required": True,
    "description": "A GeoJSON geometry or Feature in degrees",
    "content": {kind: {"schema": _GEOMETRY} for kind in ("application/geo+json", "application/json")},
}


def router(parts: Parts) -> APIRouter:
    """GET for points, POST for anything drawn."""
    series = Series(parts.catalog, parts.reader, parts.backend, parts.settings.rendering_threads())
    routes = APIRouter(tags=["Values"])
    path = "/collections/{collection_id}/timeseries"

    @routes.get(path, summary="Values of a point through time", response_class=Response)
    async def of_point(
        collection_id: str,
        request: Request,
        lon: Text = None,
        lat: Text = None,
        datetime: Text = None,
        style: Text = None,
        expression: Text = None,
        mask: Text = None,
        unscale: Text = None,
        group: Text = None,
        f: Text = None,
    ) -> Response:
        del datetime, style, expression, mask, unscale, group, f  # documented here, read from the request
        point = shapely.Point(coordinates(lon, lat))
        return await run_in_threadpool(_answer, parts, series, collection_id, request, point)

    @routes.post(
        path,
        summary="Values of a GeoJSON Point, Polygon or MultiPolygon",
        response_class=Response,
        openapi_extra={"requestBody": _BODY},
    )
    async def of_geometry(
        collection_id: str,
        request: Request,
        datetime: Text = None,
        style: Text = None,
        expression: Text = None,
        mask: Text = None,
        unscale: Text = None,
        group: Text = None,
        f: Text = None,
    ) -> Response:
        del datetime, style, expression, mask, unscale, group, f
        body = await _body(request, parts.settings.max_vertices * BYTES_PER_VERTEX + 65536)
        area = await run_in_threadpool(_area, body, parts.settings.max_vertices)
        return await run_in_threadpool(_answer, parts, series, collection_id, request, area)

    return routes


async def _body(request: Request, limit: int) -> bytes:
    """The body, refused as soon as it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge("Bytes of the geometry", f"more than {limit}", limit)
    return bytes(body)


def _area(body: bytes, max_vertices: int) -> Any:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidParameter("geometry", body[:60].decode(errors="replace"), "GeoJSON") from None
    return parse_area(value, max_vertices)


def _answer(parts: Parts, series: Series, collection_id: str, request: Request, area: Any) -> Response:
    query = request.query_params
    collection = parts.catalog.collection(collection_id)
    form = query.get("f") or "json"
    if form not in FORMATS:
        raise InvalidParameter("f", form, ", ".join(FORMATS))
    group = query.get("group") or "item"
    if group not in {"item", "day"}:
        raise InvalidParameter("group", group, "item, day")
    style = one_value(parts, collection, request)
    question = Question(
        collection=collection,
        measure=Measure(
            expression=expressions(style)[0],
            mask=collection.mask if flag(query.get("mask"), "mask", default=True) else None,
            nodata=style.nodata,
            unscale=flag(query.get("unscale"), "unscale", default=True),
        ),
        area=area,
        interval=interval_of(query.get("datetime")),
        by_day=group == "day",
        only=style.items,
    )
    unit = _unit(parts, collection, style)
    rows = series.rows(question)
    point = question.is_point
    if form == "ndjson":
        return _stream((orjson.dumps(_record(row, point=point)) + b"\n" for row in rows), "application/x-ndjson")
    if form == "csv":
        answer = _stream(_csv(rows, unit, point=point), "text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = f'attachment; filename="{collection.id}-{style.id}.csv"'
        return answer
    return json_response(_columns(rows, point=point) | {"style": style.id, "unit": unit})


def interval_of(text: str | None) -> Interval | None:
    """From when to when; nothing means always. One image (`latest`, `best`) is no series."""
    if not text:
        return None
    time = parse_time(text)
    if time.kind in {"latest", "best"}:
        raise InvalidParameter("datetime", text, "a date, or an interval start/end with '..' for an open end")
    return time.start, time.end


def one_value(parts: Parts, collection: Collection, request: Request) -> Style:
    """The style asked for, which has to have one output; without one the collection's first that has."""
    query = request.query_params
    single = [style.id for style in collection.styles if len(expressions(style)) == 1]
    if query.get("expression") and not query.get("style"):
        style = custom_style(parts, collection, query)
    elif query.get("style"):
        style = style_of(parts, collection, query["style"], query)
    elif single:
        style = style_of(parts, collection, single[0], query)
    else:
        raise InvalidParameter("expression", "", "style= or expression= with one output")
    if len(expressions(style)) != 1:
        asked = query.get("style") or query.get("expression") or ""
        shown = ", ".join(single) or "none of this collection"
        raise InvalidParameter("style", asked, f"an expression or style of one value ({shown})")
    return style


def _unit(parts: Parts, collection: Collection, style: Style) -> str:
    """The style's unit, or the band's own where the style is nothing but a band."""
    if style.unit or not expressions(style)[0].is_band:
        return style.unit
    band = band_of(parts.catalog, collection, variables(style)[0])
    return band.unit if band else ""


def _record(row: Row, *, point: bool) -> dict[str, Any]:
    """A row as one object."""
    record: dict[str, Any] = {"datetime": row.datetime, "value": row.value}
    if point:
        record |= {"valid": row.valid > 0, "masked": row.masked > 0, "item": row.item}
    else:
        summary = asdict(row.summary) if row.summary else {}
        record |= {"valid": row.valid, "masked": row.masked, "item": row.item}
        record |= {name: summary.get(name) for name in STATISTICS}
        record |= {"count": summary.get("count", 0), "resolution": row.resolution}
    if row.failures:
        record["error"] = "; ".join(f"{failure.item}: {failure.detail}" for failure in row.failures)
    return record


def _names(*, point: bool) -> list[str]:
    names = ["datetime", "value", "valid", "masked", "item"]
    return names if point else [*names, *STATISTICS, "resolution"]


def _columns(rows: Iterable[Row], *, point: bool) -> dict[str, Any]:
    columns: dict[str, Any] = {name: [] for name in _names(point=point)}
    errors = []
    for row in rows:
        record = _record(row, point=point)
        for name, column in columns.items():
            column.append(record[name])
        errors += [asdict(failure) for failure in row.failures]
    return columns | ({"errors": errors} if errors else {})


def _csv(rows: Iterable[Row], unit: str, *, point: bool) -> Iterator[bytes]:
    """A header, then a line for each row as it is read."""
    names = _names(point=point)
    names[2:2] = ["unit"]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*names, "error"], lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        record = _record(row, point=point) | {"unit": unit}
        writer.writerow({key: str(v).lower() if isinstance(v, bool) else v for key, v in record.items()})
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


def _stream(lines: Iterator[bytes], media_type: str) -> StreamingResponse:
    async def send() -> AsyncIterator[bytes]:
        async for line in iterate_in_threadpool(lines):
            yield line

    return StreamingResponse(send(), media_type=media_type, headers={"Cache-Control": "no-cache"})
