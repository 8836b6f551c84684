"""Legends: what the colours of a style mean, in words and units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tileserver.models import Collection, Color, Style
from tileserver.styles import color_to_hex, expressions, palette, recipe, word

_STOPS = np.linspace(0, 255, 17).astype(int)

Kind = Literal["classes", "ramp", "composite"]
_CHANNELS: tuple[tuple[Color, dict[str, str]], ...] = (
    ((214, 40, 40, 255), {"en": "Red", "cs": "Červená", "de": "Rot", "fr": "Rouge"}),
    ((46, 160, 67, 255), {"en": "Green", "cs": "Zelená", "de": "Grün", "fr": "Vert"}),
    ((9, 105, 218, 255), {"en": "Blue", "cs": "Modrá", "de": "Blau", "fr": "Bleu"}),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A colour and what it means."""

    color: Color
    label: str
    value: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """A style's legend in one language."""

    title: str
    kind: Kind
    description: str = ""
    unit: str = ""
    entries: tuple[Entry, ...] = ()
    """Classes, intervals, or the three channels of a composite."""
    lowest: float = 0.0
    highest: float = 0.0
    colors: tuple[Color, ...] = ()
    """Along a ramp from the lowest to the highest value."""
    marks: tuple[tuple[float, str], ...] = ()
    """Words along a ramp."""

    def to_json(self) -> dict[str, Any]:
        """What `legend.json` says."""
        answer: dict[str, Any] = {
            "title": self.title,
            "description": self.description,
            "type": self.kind,
            "unit": self.unit,
        }
        if self.kind == "ramp":
            return answer | {
                "min": self.lowest,
                "max": self.highest,
                "colors": [color_to_hex(color) for color in self.colors],
                "marks": [{"value": value, "label": label} for value, label in self.marks],
            }
        keys = ("value", "end")
        return answer | {
            "entries": [
                {"color": color_to_hex(entry.color), "label": entry.label}
                | {key: getattr(entry, key) for key in keys if getattr(entry, key) is not None}
                for entry in self.entries
            ]
        }


def legend_of(collection: Collection, style: Style, language: str = "en") -> Legend:
    """The legend of a style of a collection."""
    title = word(style.titles, language)
    title = f"{title} ({style.expert})" if style.expert else title
    description = word(style.descriptions, language)
    if style.classes:
        entries = tuple(
            Entry(c.color, word(c.words, language) or _span(c.value, c.end), c.value, c.end) for c in style.classes
        )
        return Legend(title=title, description=description, unit=style.unit, kind="classes", entries=entries)
    outputs = expressions(style)
    if len(outputs) == 3:
        sources = style.expression.split(";") if style.expression else style.assets
        entries = tuple(
            Entry(color, f"{word(names, language)}: {_source(collection, source.strip())}")
            for (color, names), source in zip(_CHANNELS, sources, strict=True)
        )
        return Legend(title=title, description=description, kind="composite", entries=entries)
    table = palette(style)
    if table is None:
        table = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, axis=1)
        table[:, 3] = 255
    lowest, highest = (recipe(style).rescale or ((0.0, 255.0),))[0]
    return Legend(
        title=title,
        description=description,
        unit=style.unit,
        kind="ramp",
        lowest=lowest,
        highest=highest,
        colors=tuple((int(r), int(g), int(b), int(a)) for r, g, b, a in table[_STOPS]),
        marks=tuple((value, word(words, language)) for value, words in style.marks if lowest <= value <= highest),
    )


def _source(collection: Collection, name: str) -> str:
    """A band by its title where the collection knows one: "B04, Red"."""
    title = collection.item_assets.get(name, {}).get("title", "")
    return f"{title} ({name})" if title and title != name else name


def _span(value: float, end: float | None) -> str:
    return f"{value:g}" if end is None else f"{value:g} – {end:g}"
