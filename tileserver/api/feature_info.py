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
        selection = select(
            parts.catalog, collection, time, place, names=names, only=style.items, strict=strict
        )
        found = describe_point(parts.reader, selection, style, lon, lat)
        properties |= {key: found[key] for key in ("item", "datetime", "valid")}
        if found["style"]["value"] is not None:
            properties |= {
                key: found["style"][key] for key in ("value", "unit", "class") if found["style"][key]
            }
            properties["value"] = found["style"]["value"]
        properties |= found["assets"]
    geometry = {"type": "Point", "coordinates": [lon, lat]} if on_earth else None
    return {"type": "Feature", "id": collection.id, "geometry": geometry, "properties": properties}


def feature_info(features: list[dict[str, Any]], media_type: str) -> Response:
    """The features as a GeoJSON FeatureCollection, an HTML table or plain text."""
    headers = {"Cache-Control": "no-store"}
    if media_type in {"application/json", "application/geo+json"}:
        body = orjson.dumps({"type": "FeatureCollection", "features": features})
        return Response(body, headers=headers, media_type=media_type)
    if media_type == "text/html":
        rows = "".join(
            f"<tr><th>{html.escape(str(key))}</th><td>{html.escape(_shown(value))}</td></tr>"
            for one in features
            for key, value in one["properties"].items()
        )
        page = f'<!doctype html><html lang="en"><title>Values</title><table>{rows}</table></html>'
        return Response(page, headers=headers, media_type="text/html")
    lines = [f"{key} = {_shown(value)}" for one in features for key, value in one["properties"].items()]
    return Response("\n".join(lines) + "\n", headers=headers, media_type="text/plain")


def _shown(value: Any) -> str:
    if value is None:
        return "no data"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
