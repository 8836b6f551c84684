"""Styles as STAC renders: reading and writing them, and what they mean for the pixel engine.

In templates a title is an object of languages; in a STAC Collection it is an English string and everything that
the render extension does not know carries the prefix `tilescope:`. Both are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Recipe
from gpu.expression import Expression, parse
from tileserver import ramps
from tileserver.models import Color, LegendClass, Reducer, Resampling, Style, Words, spelled

PREFIX = "tilescope:"


def color_from_hex(text: str) -> Color:
    """ "#rrggbb" or "#rrggbbaa" -> (red, green, blue, alpha)."""
    digits = text.lstrip("#")
    if len(digits) == 6:
        digits += "ff"
    if len(digits) != 8:
        raise ValueError(f"colour {text!r} is not #rrggbb or #rrggbbaa")
    red, green, blue, alpha = bytes.fromhex(digits)
    return red, green, blue, alpha


def color_to_hex(color: Color) -> str:
    """(red, green, blue, alpha) -> "#rrggbb", or "#rrggbbaa" where it is not opaque."""
    return "#" + bytes(color if color[3] != 255 else color[:3]).hex()


def _words(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(key): str(text) for key, text in value.items()}
    return {"en": str(value)} if value else {}


def _pairs(value: Any) -> tuple[tuple[float, float], ...]:
    if not value:
        return ()
    if isinstance(value[0], int | float):
        value = [value]
    return tuple((float(low), float(high)) for low, high in value)


def _classes(entries: Sequence[Mapping[str, Any]]) -> tuple[LegendClass, ...]:
    return tuple(
        LegendClass(
            value=float(entry["value"]),
            end=float(entry["end"]) if entry.get("end") is not None else None,
            color=color_from_hex(entry["color"]),
            words=_words(entry.get("title") or entry["value"]),
        )
        for entry in entries
    )


def _colormap(value: Any) -> tuple[LegendClass, ...]:
    """A render extension's `colormap`: {"1": "#rrggbb" or [r, g, b, a]} as classes."""
    if not isinstance(value, Mapping):
        return ()
    classes = []
    for key, color in value.items():
        rgba = color_from_hex(color) if isinstance(color, str) else tuple(color) + (255,) * (4 - len(color))
        classes.append(LegendClass(value=float(key), color=cast("Color", rgba), words={"en": str(key)}))
    return tuple(classes)


def style_from_render(style_id: str, render: Mapping[str, Any]) -> Style:
    """A template's or a STAC Collection's render as a Style. Raises ValueError or KeyError on nonsense."""

    def get(name: str, default: Any = None) -> Any:
        return render.get(PREFIX + name, render.get(name, default))

    resampling = get("resampling") or "bilinear"
    if resampling not in get_args(Resampling):
        raise ValueError(f"resampling {resampling!r} of style {style_id!r} is not one of {get_args(Resampling)}")
    reducers = tuple(get("reducers") or ())
    if not set(reducers) <= set(get_args(Reducer)):
        raise ValueError(f"reducers {reducers!r} of style {style_id!r} are not among {get_args(Reducer)}")
    expression = str(get("expression") or "")
    titles = _words(render.get(PREFIX + "titles") or render.get("title") or style_id)
    return Style(
        id=style_id,
        titles=titles if "en" in titles else {**titles, "en": style_id},
        expert=str(get("expert") or ""),
        descriptions=_words(render.get(PREFIX + "descriptions") or render.get("description")),
        assets=() if expression else tuple(get("assets") or ()),
        expression=expression,
        rescale=_pairs(get("rescale")),
        colormap_name=str(get("colormap_name") or ""),
        classes=_classes(get("classes") or ()) or _colormap(render.get("colormap")),
        color_formula=str(get("color_formula") or ""),
        resampling=cast("Resampling", resampling),
        nodata=get("nodata"),
        unit=str(get("unit") or ""),
        ramp=tuple((float(value), color_from_hex(color)) for value, color in get("ramp") or ()),
        marks=tuple((float(value), _words(words)) for value, words in get("marks") or ()),
        reducers=cast("tuple[Reducer, ...]", reducers),
        period_days=get("period_days"),
        masked=bool(get("masked", False)),
        items=tuple(get("items") or ()),
    )


def style_to_render(style: Style) -> dict[str, Any]:
    """A Style as a render of the STAC render extension."""
    render: dict[str, Any] = {
        "title": style.title,
        "description": style.descriptions.get("en", ""),
        "assets": list(style.assets or dict.fromkeys(v for e in expressions(style) for v in e.bands)),
        "expression": style.expression,
        "rescale": [list(pair) for pair in style.rescale],
        "colormap_name": style.colormap_name,
        "colormap": {f"{c.value:g}": list(c.color) for c in style.classes if c.end is None},
        "color_formula": style.color_formula,
        "resampling": style.resampling,
        "nodata": style.nodata,
        f"{PREFIX}titles": dict(style.titles),
        f"{PREFIX}descriptions": dict(style.descriptions),
        f"{PREFIX}expert": style.expert,
        f"{PREFIX}classes": [
            {"value": c.value, "end": c.end, "color": color_to_hex(c.color), "title": dict(c.words)}
            for c in style.classes
        ],
        f"{PREFIX}ramp": [[value, color_to_hex(color)] for value, color in style.ramp],
        f"{PREFIX}marks": [[value, dict(words)] for value, words in style.marks],
        f"{PREFIX}unit": style.unit,
        f"{PREFIX}reducers": list(style.reducers),
        f"{PREFIX}period_days": style.period_days,
        f"{PREFIX}masked": style.masked,
        f"{PREFIX}items": list(style.items),
    }
    return {key: value for key, value in render.items() if value not in (None, "", [], {}, False)}


def word(words: Words, language: str) -> str:
    """The text in a language, else in English."""
    return words.get(language) or words.get("en", "")


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[Expression, ...]:
    return parse(text, None)


def expressions(style: Style) -> tuple[Expression, ...]:
    """The outputs of a style, one or three. Raises gpu.expression.ExpressionError."""
    return _parsed(style.expression or ";".join(map(spelled, style.assets)))


def variables(style: Style) -> tuple[str, ...]:
    """The band names that a style needs, each once, in the order of use."""
    return tuple(dict.fromkeys(name for output in expressions(style) for name in output.bands))


def palette(style: Style) -> NDArray[np.uint8] | None:
    """(256, 4) RGBA over the style's rescale, or None for grey, RGB and classes."""
    if style.classes or len(expressions(style)) != 1:
        return None
    if style.ramp:
        low, high = style.rescale[0] if style.rescale else (style.ramp[0][0], style.ramp[-1][0])
        at = np.linspace(low, high, 256)
        stops = [value for value, _ in style.ramp]
        channels = [np.interp(at, stops, [color[c] for _, color in style.ramp]) for c in range(4)]
        return np.round(np.stack(channels, axis=1)).astype(np.uint8)
    if style.colormap_name:
        return np.array(ramps.colors(style.colormap_name), np.uint8)
    return None


def recipe(style: Style, *, unscale: bool = True) -> Recipe:
    """What the pixel engine needs to know of a style."""
    outputs = expressions(style)
    rescale = style.rescale
    if not rescale and style.ramp:
        rescale = ((style.ramp[0][0], style.ramp[-1][0]),)
    discrete = [c for c in style.classes if c.end is None]
    return Recipe(
        variables=variables(style),
        expressions=outputs,
        plain=all(output.is_band for output in outputs),
        rescale=rescale,
        palette=palette(style),
        classes={int(c.value): c.color for c in discrete} if discrete else None,
        intervals=tuple((c.value, c.end, c.color) for c in style.classes if c.end is not None),
        color_formula=style.color_formula,
        resampling="nearest" if discrete else style.resampling,
        unscale=unscale,
    )
