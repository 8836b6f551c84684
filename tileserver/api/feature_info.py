"""GetFeatureInfo of WMTS and WMS: the values of a place, by the same code as `/point`."""

from __future__ import annotations

import html
import math
from typing import Any

import orjson
from starlette.responses import Response

from tileserver.api.parts import Parts
from tileserver.models import Collection, Style
from tileserver.point import describe_point
from tileserver.selection import select
from tileserver.styles import variables
from tileserver.times import Time


class _AsWritten(bytes):
    """A header name that stays in its case: QGIS 3.22 finds no FeatureCollection behind "content-type".

    Header names have no case in HTTP, and uvicorn writes them all small.
    """

    __slots__ = ()

    def lower(self) -> bytes:
        return self


def feature(
    parts: Parts, collection: Collection, style: Style, time: Time, lon: float, lat: float, *, strict: bool
) -> dict[str, Any]:
    """A GeoJSON Feature whose properties are flat: item, datetime, the style's value, then every band."""
    properties: dict[str, Any] = {
        "collection": collection.id,
        "style": style.id,
        "item": None,
        "valid": False,
    }
    on_earth = math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
    if on_earth:
        names = variables(style)
        place = (lon, lat, lon, lat)
        selection = select(parts.catalog, collection, time, place, names=names, only=style.items, strict=strict)
        found = describe_point(parts.reader, selection, style, lon, lat)
        properties |= {key: found[key] for key in ("item", "datetime", "valid")}
        if found["style"]["value"] is not None:
            properties |= {key: found["style"][key] for key in ("value", "unit", "class") if found["style"][key]}
            properties["value"] = found["style"]["value"]
        properties |= found["assets"]
    geometry = {"type": "Point", "coordinates": [lon, lat]} if on_earth else None
    return {"type": "Feature", "id": collection.id, "geometry": geometry, "properties": properties}


def feature_info(features: list[dict[str, Any]], media_type: str) -> Response:
    """The features as a GeoJSON FeatureCollection, an HTML table or plain text."""
    response = Response(_body(features, media_type), headers={"Cache-Control": "no-store"}, media_type=media_type)
    response.raw_headers = [
        (_AsWritten(b"Content-Type") if name == b"content-type" else name, value)
        for name, value in response.raw_headers
    ]
    return response


def _body(features: list[dict[str, Any]], media_type: str) -> bytes:
    if media_type in {"application/json", "application/geo+json"}:
        return orjson.dumps({"type": "FeatureCollection", "features": features})
    pairs = [(str(key), _shown(value)) for one in features for key, value in one["properties"].items()]
    if media_type == "text/html":
        rows = "".join(f"<tr><th>{html.escape(key)}</th><td>{html.escape(text)}</td></tr>" for key, text in pairs)
        return f'<!doctype html><html lang="en"><title>Values</title><table>{rows}</table></html>'.encode()
    return "".join(f"{key} = {text}\n" for key, text in pairs).encode()


def _shown(value: Any) -> str:
    if value is None:
        return "no data"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
