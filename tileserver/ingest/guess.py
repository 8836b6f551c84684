"""A collection for rasters that nobody described: its template, its styles and a sensible stretch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gpu.expression import ExpressionError
from tileserver.collections import mask_from_json
from tileserver.errors import NotFound
from tileserver.ingest.generic import own_renders
from tileserver.ingest.kinds import MAX_NAMED, Kind, kinds_of
from tileserver.ingest.layout import slug
from tileserver.ingest.sample import Sample, look
from tileserver.ingest.template import Template, template, templates
from tileserver.models import Asset, Collection, Item, Style
from tileserver.ports import Catalog
from tileserver.styles import PREFIX, style_from_render

SIZE = PREFIX + "guessed_from"
"""How many files the styles were chosen from."""
_NAME = re.compile(r"[A-Za-z_]\w*")


def describe(collection_id: str, title: str, items: Iterable[Item], main: Template) -> Collection:
    """The collection of items that are already complete.

    Args:
        main: the template that was chosen for the collection.
    """
    kinds = kinds_of(items, main)
    samples = _Samples()
    document = main.document
    styles = _named_styles(kinds, main, samples)
    unknown = [kind for kind in kinds if kind.known is None or not _drawn(kind, styles)]
    styles += [style for kind in unknown for style in _own_styles(kind, kinds, samples)]
    if all(kind.lone for kind in kinds):
        styles.sort(key=lambda style: -_area(style, kinds))
    mask = mask_from_json(document.get("mask"))
    if mask is not None:
        keys = [kind.key for kind in kinds if kind.known == (main.id, mask.asset) and not kind.lone]
        mask = replace(mask, asset=keys[0]) if keys else None
    return Collection(
        id=collection_id,
        title=title,
        description=_english(document.get("description")) if main.id != "generic" else "",
        license=str(document.get("license", "other")),
        attribution=str(document.get("attribution", "")),
        keywords=tuple(document.get("keywords", ())),
        template=main.id,
        item_assets={kind.key: _item_asset(kind) for kind in kinds},
        styles=tuple(_distinct(styles)),
        mask=mask,
        tolerance_days=int(document.get("tolerance_days", 10)),
        extra={SIZE: sum(kind.count for kind in kinds)},
        maxzoom=max((_zoom(asset) for kind in kinds for asset in kind.examples[:2]), default=14),
    )


def keep_styles(guessed: Collection, catalog: Catalog) -> Collection:
    """The styles of the last time, where they still show the same: a new file must not shift all colours.

    They are chosen anew when the collection has grown to twice its size.
    """
    try:
        before = catalog.collection(guessed.id)
    except NotFound:
        return guessed
    size = int(guessed.extra.get(SIZE, 0))
    told = int(before.extra.get(SIZE, 0))
    same = [_shape(style) for style in before.styles] == [_shape(style) for style in guessed.styles]
    if not same or before.template != guessed.template or size >= 2 * told:
        return guessed
    return replace(guessed, styles=before.styles, extra={**guessed.extra, SIZE: told})


def _shape(style: Style) -> tuple[object, ...]:
    return style.id, style.assets, style.expression, style.items, style.titles


class _Samples:
    """Values of kinds, each looked at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Sample | None] = {}

    def of(self, kind: Kind, band: int = 1) -> Sample | None:
        key = (id(kind), band)
        if key not in self._known:
            self._known[key] = look(kind.examples, band)
        return self._known[key]


def _area(style: Style, kinds: Sequence[Kind]) -> float:
    """Square degrees that a style shows: of unlike rasters the widest comes first."""
    return sum(kind.area for kind in kinds if _drawn(kind, [style]))


def _english(words: Any) -> str:
    return str(words.get("en", "")) if isinstance(words, Mapping) else str(words or "")


def _item_asset(kind: Kind) -> dict[str, Any]:
    known = template(kind.known[0]).item_assets[kind.known[1]] if kind.known else {}
    out = {key: value for key, value in known.items() if key in {"unit", "gsd", "description"}}
    first = kind.examples[0]
    return {"title": _english(known.get("title")) or kind.title, "type": first.media_type, "roles": ["data"], **out}


def _drawn(kind: Kind, styles: Sequence[Style]) -> bool:
    """Does a named style show this kind of raster alone (classes, a ramp), or as a part of a picture?"""
    names = set(kind.bands) | {kind.key}
    return any(
        names & set(_NAME.findall(style.expression or " ".join(style.assets)))
        and (not kind.lone or not style.items or set(kind.items) & set(style.items))
        for style in styles
    )


def _named_styles(kinds: Sequence[Kind], main: Template, samples: _Samples) -> list[Style]:
    styles = []
    for one in (main, *(other for other in templates() if other is not main)):
        mine: dict[str, Kind] = {}
        for kind in kinds:
            if kind.known and kind.known[0] == one.id:
                mine.setdefault(kind.known[1], kind)
        lone = [kind for kind in kinds if kind.lone]
        for style_id, render in one.renders.items():
            style = _instance(style_id, render, mine, samples)
            if style is None:
                continue
            used = [kind for kind in mine.values() if kind.lone and _drawn(kind, [style])]
            if used and len(lone) > 1 and used[0].count < MAX_NAMED:
                style = replace(style, items=tuple(used[0].items))
            styles.append(style)
    return styles


def _instance(style_id: str, render: Mapping[str, Any], mine: Mapping[str, Kind], samples: _Samples) -> Style | None:
    """A template's render for the assets that are there, or None where one is missing."""
    text = str(render.get("expression") or "")
    assets = [str(name) for name in render.get("assets", ())]
    needed = assets if not text else [name for name in _NAME.findall(text) if name not in _FUNCTIONS]
    if not needed or not all(name in mine for name in [*needed, *render.get("needs", ())]):
        return None
    first = mine[needed[0]]
    if not _holds(render.get("when"), first, samples):
        return None
    rename = partial(_NAME.sub, lambda match: mine[match[0]].bands[0] if match[0] in mine else match[0])
    document = {**render, "assets": [rename(name) for name in assets], "expression": rename(text)}
    if len(assets) == 1 and len(first.bands) >= 3 and not text:
        document["assets"] = list(first.bands[:3])
    try:
        return style_from_render(style_id, _stretched(document, [mine[name] for name in needed], samples, text))
    except (ExpressionError, ValueError, KeyError):
        return None


_FUNCTIONS = frozenset({"sqrt", "abs", "log", "log10", "exp", "min", "max", "clip", "where", "and", "or", "not"})


def _holds(condition: Mapping[str, Any] | None, kind: Kind, samples: _Samples) -> bool:
    """`when`: only where low and high values lie within ranges (decibels, linear power, stored numbers)."""
    if not condition:
        return True
    sample = samples.of(kind)
    if sample is None:
        return False
    return all(
        least <= value <= most
        for value, (least, most) in ((sample.low, condition["low"]), (sample.high, condition["high"]))
    )


def _stretched(document: dict[str, Any], kinds: Sequence[Kind], samples: _Samples, expression: str) -> dict[str, Any]:
    """The template's stretch where the values fit it, else one from the values themselves.

    `"rescale": "auto"` always takes the values; its ramp and marks are given from 0 to 1.
    """
    rescale = document.get("rescale")
    if expression or document.get("classes") or not rescale:
        return document
    seen = [samples.of(kind) for kind in kinds]
    known = [sample for sample in seen if sample is not None]
    if rescale == "auto":
        low, high = nice(min((s.least for s in known), default=0.0), max((s.most for s in known), default=1.0))
        stops = {
            name: [[low + (high - low) * at, value] for at, value in document.get(name, ())]
            for name in ("ramp", "marks")
        }
        return {**document, **stops, "rescale": [[low, high]]}
    if document.get("ramp") or document.get("colormap_name") or len(known) < len(kinds):
        return document
    top = max(pair[1] for pair in rescale)
    if all(sample.high <= 8 * top and sample.high > top / 50 for sample in known):
        return document
    return {**document, "rescale": [list(nice(sample.low, sample.high)) for sample in known]}


def nice(low: float, high: float) -> tuple[float, float]:
    """A range rounded outwards to two significant digits of its width."""
    if not high > low:
        return low - 0.5, low + 0.5
    step = 10.0 ** (math.floor(math.log10(high - low)) - 1)
    return round(math.floor(low / step) * step, 10), round(math.ceil(high / step) * step, 10)


def _own_styles(kind: Kind, kinds: Sequence[Kind], samples: _Samples) -> list[Style]:
    lone = sum(other.lone for other in kinds) > 1 and kind.lone and kind.count < MAX_NAMED
    title = kind.title if kind.key != "data" or lone else ""
    first = kind.examples[0].bands[0]
    whole = (first.dtype or "").startswith(("uint", "int")) and first.scale is None
    key = slug(kind.items[0] if lone and kind.count == 1 else "picture" if kind.key == "data" else kind.key)
    key = "values" if key == "picture" and len(kind.bands) < 3 else key
    renders = own_renders(key, title, kind.bands, partial(samples.of, kind), nice, whole=whole)
    expert = kind.key if kind.known and not kind.lone else ""
    styles = [style_from_render(name, {"expert": expert, **render}) for name, render in renders]
    return [replace(style, items=tuple(kind.items)) for style in styles] if lone else styles


def _distinct(styles: Sequence[Style]) -> list[Style]:
    """Styles with ids of their own."""
    taken: set[str] = set()
    out = []
    for style in styles:
        name, number = style.id, 1
        while name in taken:
            number += 1
            name = f"{style.id}-{number}"
        taken.add(name)
        out.append(replace(style, id=name))
    return out


def _zoom(asset: Asset) -> int:
    """The Web Mercator zoom whose pixels are as fine as the raster's, from its own units."""
    if asset.transform is None:
        return 14
    a, _, _, d, _, f = asset.transform
    size = math.hypot(a, d)
    degrees = asset.crs in {"EPSG:4326", "EPSG:4258", "OGC:CRS84"} or (size < 0.2 and abs(f) <= 90)
    metres = size * 111_320 if degrees else size
    if metres <= 0:
        return 14
    return max(0, min(22, math.ceil(math.log2(156_543.034 / metres) - 0.25)))
