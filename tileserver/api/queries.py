"""What requests say, as values: styles, formats, boxes, times. Everything wrong is an InvalidParameter."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast, get_args

from color_operations import parse_operations
from starlette.datastructures import QueryParams

from gpu.backend import Format
from gpu.expression import ExpressionError
from tileserver import ramps
from tileserver.api.parts import Parts
from tileserver.bands import band_names, band_of, require_bands
from tileserver.errors import InvalidParameter, NotFound
from tileserver.models import Bbox, Collection, Reducer, Resampling, Style, spelled
from tileserver.styles import expressions, variables

FORMATS: dict[str, Format] = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp"}
MEDIA_FORMATS: dict[str, Format] = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


def picture_format(text: str | None, name: str = "format") -> Format:
    """jpg, png, webp; nothing means JPEG where opaque, else PNG."""
    if not text:
        return "auto"
    found = FORMATS.get(text.lower()) or MEDIA_FORMATS.get(text.lower())
    if found is None:
        raise InvalidParameter(name, text, "jpg, png, webp")
    return found


def number(text: str, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number within limits."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        limits = f"a number from {low:g} to {high:g}" if math.isfinite(low) else "a finite number"
        raise InvalidParameter(name, text, limits)
    return value


def whole(text: str, name: str) -> int:
    """A whole number, written with ASCII digits."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        raise InvalidParameter(name, text, "a whole number")
    return int(text)


def integer(text: str, name: str, low: int, high: int) -> int:
    """A whole number within limits."""
    value = whole(text, name)
    if not low <= value <= high:
        raise InvalidParameter(name, text, f"a whole number from {low} to {high}")
    return value


def flag(text: str | None, name: str, *, default: bool) -> bool:
    """True or false."""
    if text is None or text == "":
        return default
    if text.lower() in {"true", "1", "yes"}:
        return True
    if text.lower() in {"false", "0", "no"}:
        return False
    raise InvalidParameter(name, text, "true, false")


def lonlat_bbox(text: str | None, name: str = "bbox") -> Bbox | None:
    """west,south,east,north in degrees; west > east crosses the antimeridian."""
    if not text:
        return None
    parts = text.split(",")
    if len(parts) == 6:  # with heights
        parts = [*parts[:2], *parts[3:5]]
    if len(parts) != 4:
        raise InvalidParameter(name, text, "west,south,east,north in degrees")
    west, east = (number(parts[i], name, -180, 180) for i in (0, 2))
    south, north = (number(parts[i], name, -90, 90) for i in (1, 3))
    if south > north:
        raise InvalidParameter(name, text, "west,south,east,north with south not above north")
    return west, south, east, north


def reducer(text: str | None) -> Reducer | None:
    """How an interval composes."""
    if not text:
        return None
    if text not in get_args(Reducer):
        raise InvalidParameter("reducer", text, ", ".join(get_args(Reducer)))
    return cast("Reducer", text)


def style_of(parts: Parts, collection: Collection, style_id: str, query: QueryParams) -> Style:
    """A style of the collection, or `custom` from the query. Raises NotFound."""
    for style in collection.styles:
        if style.id == style_id:
            return style
    if style_id == "custom":
        return custom_style(parts, collection, query)
    raise NotFound("style", style_id, [style.id for style in collection.styles] + ["custom"])


def _listed(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def custom_style(parts: Parts, collection: Collection, query: QueryParams) -> Style:
    """A style from TiTiler's parameter names."""
    known = band_names(parts.catalog, collection)
    expression = query.get("expression", "")
    assets = () if expression else _custom_assets(collection, query, known)
    if not expression and len(assets) not in {1, 3}:
        raise InvalidParameter(
            "assets", ",".join(assets), f"one or three band names of: {', '.join(known)}; or expression"
        )
    style = Style(
        id="custom",
        titles={"en": expression or ", ".join(assets)},
        assets=assets,
        expression=expression,
        rescale=_rescale(query.getlist("rescale")),
        colormap_name=_colormap_name(query.get("colormap_name", "")),
        color_formula=_color_formula(query.get("color_formula", "")),
        resampling=_resampling(query.get("resampling", "nearest")),
        nodata=_nodata(query.get("nodata")),
    )
    parameter = "expression" if expression else "assets"
    try:
        outputs = len(expressions(style))
        names = variables(style)
    except ExpressionError as error:
        raise InvalidParameter(parameter, expression or ",".join(assets), str(error)) from None
    if outputs not in {1, 3}:
        raise InvalidParameter(parameter, expression, "one output, or three separated by ';'")
    if not names:
        raise InvalidParameter(parameter, expression, f"at least one band of: {', '.join(known)}")
    require_bands(parts.catalog, collection, names, parameter)
    if len(style.rescale) not in {0, 1, outputs}:
        raise InvalidParameter("rescale", ",".join(query.getlist("rescale")), f"one pair, or {outputs} pairs")
    if style.rescale:
        return style
    return _with_rescale(parts, collection, style)


def _custom_assets(collection: Collection, query: QueryParams, known: tuple[str, ...]) -> tuple[str, ...]:
    assets = _listed(query.getlist("assets"))
    indexes = _listed(query.getlist("bidx"))
    if not indexes:
        if assets:
            return assets
        return collection.styles[0].assets if collection.styles and not collection.styles[0].expression else ()
    numbers = [integer(text, "bidx", 1, 9999) for text in indexes]
    stem = f"{spelled(assets[0])}_b" if len(assets) == 1 else ""
    prefix = stem[:-1] if stem and f"{stem}{numbers[0]}" in known else ""
    if len(assets) == 1 and not prefix and numbers == [1]:
        return assets
    return tuple(f"{prefix}b{index}" for index in numbers)


def _with_rescale(parts: Parts, collection: Collection, style: Style) -> Style:
    """Without `rescale`: what the collection's own styles use for these bands, else the whole range of the type."""
    from dataclasses import replace

    names = variables(style)
    if style.expression:
        return (
            replace(style, rescale=((-1.0, 1.0),))
            if len(expressions(style)) == 1
            else replace(style, rescale=((0.0, 1.0),))
        )
    for other in collection.styles:
        if other.rescale and not other.expression and (set(names) & set(other.assets) or len(other.assets) == 3):
            return replace(style, rescale=(other.rescale[0],))
    band = band_of(parts.catalog, collection, names[0])
    if band is None or band.dtype in {None, "uint8"}:
        return style
    if band.dtype == "uint16":
        scale, offset = band.scale or 1.0, band.offset or 0.0
        return replace(style, rescale=((offset, offset + scale * (10000 if scale != 1 else 65535)),))
    return replace(style, rescale=((0.0, 1.0),))


def _rescale(values: list[str]) -> tuple[tuple[float, float], ...]:
    numbers = [number(text, "rescale") for value in values for text in value.replace(";", ",").split(",")]
    shown = ";".join(values)
    if len(numbers) % 2:
        raise InvalidParameter("rescale", shown, "lowest,highest")
    pairs = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    if any(low >= high for low, high in pairs):
        raise InvalidParameter("rescale", shown, "lowest,highest with the lowest below the highest")
    return pairs


def _colormap_name(text: str) -> str:
    if text and not ramps.known(text):
        raise InvalidParameter("colormap_name", text, "a name listed at /colorMaps")
    if text and len(ramps.colors(text)) != ramps.SIZE:
        raise InvalidParameter("colormap_name", text, "a continuous colour map with 256 entries")
    return text


def _color_formula(text: str) -> str:
    if text:
        try:
            if len(text) > 200:
                raise ValueError("too long")
            list(parse_operations(text))
        except (ValueError, TypeError, KeyError, IndexError, AssertionError):
            allowed = "operations such as 'gamma RGB 1.5 sigmoidal RGB 5 0.4 saturation 1.2'"
            raise InvalidParameter("color_formula", text, allowed) from None
    return text


def _resampling(text: str) -> Resampling:
    if text not in get_args(Resampling):
        raise InvalidParameter("resampling", text, ", ".join(get_args(Resampling)))
    return cast("Resampling", text)


def _nodata(text: str | None) -> float | None:
    if not text:
        return None
    return math.nan if text.lower() == "nan" else number(text, "nodata")
