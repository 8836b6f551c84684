"""The values of one place: what is drawn on top there, in physical units and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tileserver.collections import rfc3339
from tileserver.errors import SourceUnreadable
from tileserver.models import Asset, Band, Item, Style
from tileserver.ports import Reader
from tileserver.selection import Selection
from tileserver.styles import expressions, variables, word

Value = float | None


def public_name(item: Item, band: Band) -> str:
    """b1, b2, … where the item has one asset of several bands; else the band's own name."""
    only = len(item.assets) == 1
    asset = next(iter(item.assets.values()))
    return f"b{band.index}" if only and len(asset.bands) > 1 else band.name


def band_values(reader: Reader, item: Item, lon: float, lat: float, *, unscale: bool = True) -> dict[str, Value]:
    """Physical (or stored) values by band name at a place; None where nodata or outside."""
    bands = [
        (asset, band if unscale else band.stored())
        for asset in item.assets.values()
        if _is_raster(asset)
        for band in asset.bands
    ]
    try:
        values = reader.point(bands, lon, lat)
    except SourceUnreadable as error:
        raise error.named(item=item.id, asset=error.asset or bands[0][0].key) from error
    return {band.name: value for (_, band), value in zip(bands, values, strict=True)}


def _is_raster(asset: Asset) -> bool:
    return bool(asset.bands) and "overview" not in asset.roles and "thumbnail" not in asset.roles


def style_value(style: Style, item: Item, values: dict[str, Value]) -> Value:
    """The style's one physical output, or None for colour composites and where any band is nodata."""
    outputs = expressions(style)
    if len(outputs) != 1:
        return None
    environment = {}
    for name in variables(style):
        found = item.band(name)
        value = values.get(found[1].name) if found else None
        if value is None:
            return None
        environment[name] = np.array([value])
    result = float(outputs[0].numpy(environment)[0])
    return result if np.isfinite(result) else None


def class_word(style: Style, value: Value, language: str = "en") -> str | None:
    """What a value means: its class, its interval, or the last mark at or below it."""
    if value is None:
        return None
    for entry in style.classes:
        inside = entry.value <= value < entry.end if entry.end is not None else value == entry.value
        if inside:
            return word(entry.words, language)
    below = [words for at, words in style.marks if at <= value] or [words for _, words in style.marks[:1]]
    return word(below[-1], language) if below and not style.classes else None


def describe_point(
    reader: Reader,
    selection: Selection,
    style: Style | None,
    lon: float,
    lat: float,
    language: str = "en",
    *,
    unscale: bool = True,
) -> dict[str, Any]:
    """The answer of `/point`: the top item with a valid pixel there, else the top one with `valid` false."""
    found = _top(reader, selection.items, style, lon, lat, unscale=unscale)
    answer: dict[str, Any] = {
        "lon": lon,
        "lat": lat,
        "datetime": None,
        "item": None,
        "valid": False,
        "assets": {},
    }
    if found:
        item, values, valid = found
        names = {band.name: public_name(item, band) for asset in item.assets.values() for band in asset.bands}
        answer |= {
            "datetime": rfc3339(item.datetime),
            "item": item.id,
            "valid": valid,
            "assets": {names[name]: value for name, value in values.items()},
        }
    if style is not None:
        value = style_value(style, found[0], found[1]) if found else None
        answer["style"] = {
            "id": style.id,
            "value": value,
            "unit": style.unit,
            "class": class_word(style, value, language),
        }
    return answer


def _top(
    reader: Reader, items: Sequence[Item], style: Style | None, lon: float, lat: float, *, unscale: bool
) -> tuple[Item, dict[str, Value], bool] | None:
    first = None
    for item in items:
        values = band_values(reader, item, lon, lat, unscale=unscale)
        valid = _valid(style, item, values)
        if valid:
            return item, values, True
        first = first or (item, values, False)
    return first


def _valid(style: Style | None, item: Item, values: dict[str, Value]) -> bool:
    if style is None:
        return any(value is not None for value in values.values())
    present = []
    for name in variables(style):
        found = item.band(name)
        present.append(found is not None and values.get(found[1].name) is not None)
    plain_rgb = len(expressions(style)) == 3 and all(e.is_band for e in expressions(style))
    return any(present) if plain_rgb else all(present)
