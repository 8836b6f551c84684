"""GetMap: what a request names, and pictures on top of each other."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Format, Picture
from tileserver.api.dimension import dimension_time
from tileserver.api.kvp import KeyValues, MissingParameter
from tileserver.api.parts import Parts
from tileserver.api.published import dimension
from tileserver.api.queries import MEDIA_FORMATS, integer, number
from tileserver.api.tiles import degrees
from tileserver.api.wms_crs import known_crs
from tileserver.api.wms_document import FORMATS
from tileserver.api.wms_errors import WmsError
from tileserver.errors import InvalidParameter, NotFound, TooLarge
from tileserver.models import Collection, Grid, Image, Style
from tileserver.render import MEDIA_TYPES, MapRequest, Renderer
from tileserver.times import Time

MAX_LAYERS = 16
_COLOR = re.compile(r"(?:0[xX]|#)([0-9A-Fa-f]{6})")
_SIDE = 32768


@dataclass(frozen=True, slots=True, kw_only=True)
class WmsMap:
    """A picture of one or several layers."""

    requests: tuple[MapRequest, ...]
    """The lowest first."""
    format: Format
    transparent: bool
    background: tuple[int, int, int]


def layers_of(parts: Parts, values: KeyValues, name: str = "layers") -> list[tuple[Collection, Style]]:
    """The layers named, the lowest first, each with its style. Raises WmsError, InvalidParameter, TooLarge."""
    names = [text.strip() for text in values.need(name).split(",")]
    if len(names) > MAX_LAYERS:
        raise TooLarge("Layers", len(names), MAX_LAYERS)
    if "styles" not in values:
        raise MissingParameter("styles")
    styles = [text.strip() for text in values.get("styles").split(",")]
    wanted = values.get("layers").split(",") if name != "layers" else names
    if styles == [""]:
        styles = [""] * len(wanted)
    if len(styles) != len(wanted):
        raise WmsError("StyleNotDefined", f"{len(styles)} styles for {len(wanted)} layers.", locator="styles")
    by_layer = dict(zip((text.strip() for text in wanted), styles, strict=True))
    if name == "layers":
        return [_layer(parts, *pair) for pair in zip(names, styles, strict=True)]
    return [_layer(parts, layer, by_layer.get(layer, "")) for layer in names]


def _layer(parts: Parts, name: str, style_id: str) -> tuple[Collection, Style]:
    try:
        collection = parts.catalog.collection(name)
    except NotFound as error:
        raise WmsError("LayerNotDefined", error.detail, locator="layers") from None
    for style in collection.styles:
        if style_id in {style.id, "", "default"}:
            return collection, style
    raise WmsError("StyleNotDefined", f"Layer '{name}' has no style '{style_id}'.", locator="styles")


def grid_of(parts: Parts, values: KeyValues, *, new: bool) -> Grid:
    """The grid of CRS or SRS, BBOX, WIDTH and HEIGHT. Raises WmsError, InvalidParameter, TooLarge."""
    name = "crs" if new else "srs"
    code = values.need(name)
    crs = known_crs(code)
    if crs is None:
        raise WmsError(f"Invalid{name.upper()}", f"{name.upper()} '{code[:60]}' is not known.", locator=name)
    allowed = "minx,miny,maxx,maxy with the lowest before the highest"
    text = values.need("bbox")
    numbers = [number(part.strip(), "bbox") for part in text.split(",")]
    if len(numbers) != 4:
        raise InvalidParameter("bbox", text, allowed)
    left, bottom, right, top = numbers
    if new and crs[1]:
        left, bottom, right, top = bottom, left, top, right
    if left >= right or bottom >= top:
        raise InvalidParameter("bbox", text, allowed)
    width = integer(values.need("width"), "width", 1, _SIDE)
    height = integer(values.need("height"), "height", 1, _SIDE)
    parts.renderer.check_size(width, height)
    return Grid(crs=crs[0], bounds=(left, bottom, right, top), width=width, height=height)


def times_of(parts: Parts, values: KeyValues, collection: Collection) -> list[Time]:
    """TIME: one, a list, or intervals (a period is read and left aside). Raises InvalidParameter, TooLarge."""
    texts = [text.strip() for text in values.get("time").split(",")]
    if len(texts) > MAX_LAYERS:
        raise TooLarge("Times", len(texts), MAX_LAYERS)
    known = partial(dimension, parts.catalog, collection.id)
    return [dimension_time(_without_period(text), known) for text in texts]


def _without_period(text: str) -> str:
    """start/end of start/end/P1D."""
    ends = text.split("/")
    return "/".join(ends[:2]) if len(ends) == 3 and ends[2][:1] in {"P", "p"} else text


def map_of(parts: Parts, values: KeyValues, *, new: bool) -> WmsMap:
    """The map that a GetMap request means. Raises what is wrong with it."""
    layers = layers_of(parts, values)
    grid = grid_of(parts, values, new=new)
    wanted = _format(values)
    parts.renderer.check_size(grid.width, grid.height, wanted)
    bbox = degrees(grid)
    transparent = _transparent(values)
    requests = [
        MapRequest(collection=collection, style=style, time=time, grid=grid, bbox=bbox, format=wanted)
        for collection, style in layers
        for time in sorted(times_of(parts, values, collection), key=str)
    ]
    if len(requests) > MAX_LAYERS:
        raise TooLarge("Pictures in one map", len(requests), MAX_LAYERS)
    return WmsMap(requests=tuple(requests), format=wanted, transparent=transparent, background=_background(values))


def _format(values: KeyValues) -> Format:
    text = values.need("format")
    media = text.split(";")[0].strip().lower()  # QGIS writes "image/png; mode=8bit"
    if media not in MEDIA_FORMATS:
        raise WmsError("InvalidFormat", f"Format '{text[:60]}' is none of {', '.join(FORMATS)}.", locator="format")
    return MEDIA_FORMATS[media]


def _transparent(values: KeyValues) -> bool:
    text = values.get("transparent").upper() or "FALSE"
    if text not in {"TRUE", "FALSE"}:
        raise InvalidParameter("transparent", text, "TRUE, FALSE")
    return text == "TRUE"


def _background(values: KeyValues) -> tuple[int, int, int]:
    text = values.get("bgcolor") or "0xFFFFFF"
    match = _COLOR.fullmatch(text)
    if not match:
        raise InvalidParameter("bgcolor", text, "0xRRGGBB")
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue


def map_key(renderer: Renderer, wanted: WmsMap) -> str:
    """Names the bytes of the picture."""
    keys = [renderer.key(request, renderer.select(request)) for request in wanted.requests]
    text = repr((keys, wanted.format, wanted.transparent, wanted.background))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def draw_map(parts: Parts, wanted: WmsMap) -> Image:
    """The layers on top of each other, on the background unless transparent."""
    grid = wanted.requests[0].grid
    canvas = np.zeros((grid.height, grid.width, 4), np.uint8)
    served = ""
    items: tuple[str, ...] = ()
    for request in wanted.requests:
        picture, selection = parts.renderer.picture(request)
        _put_on(canvas, picture.rgba())
        served = selection.datetime or served
        items = tuple(item.id for item in selection.items) + items
    empty = not canvas[..., 3].any()
    if not wanted.transparent or wanted.format == "jpg":
        ground = np.empty_like(canvas)
        ground[..., :3] = wanted.background
        ground[..., 3] = 255
        _put_on(ground, canvas)
        canvas = ground
    picture = Picture(pixels=np.ascontiguousarray(canvas[..., :3]), alpha=np.ascontiguousarray(canvas[..., 3]))
    settings = parts.settings
    quality = settings.webp_quality if wanted.format == "webp" else settings.jpeg_quality
    encoded = parts.backend.encode(picture, wanted.format, quality, wanted.background)
    return Image(
        content=encoded.content, media_type=MEDIA_TYPES[encoded.format], empty=empty, items=items, datetime=served
    )


def _put_on(canvas: NDArray[Any], top: NDArray[Any]) -> None:
    """Alpha compositing ("over") in place, RGBA with straight alpha."""
    alpha = top[..., 3:].astype(np.float32) / 255
    below = canvas[..., 3:].astype(np.float32) / 255 * (1 - alpha)
    out = alpha + below
    shares = np.divide(alpha, out, out=np.zeros_like(out), where=out > 0)
    canvas[..., :3] = np.rint(top[..., :3] * shares + canvas[..., :3] * (1 - shares))
    canvas[..., 3:] = np.rint(out * 255)
