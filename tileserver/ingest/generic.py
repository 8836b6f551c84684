"""Styles for rasters of which nothing is known: from their number of bands, colour table and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tileserver.ingest.sample import Sample

Look = Callable[[int], Sample | None]
Render = tuple[str, dict[str, Any]]

# Told apart by people with any colour vision: hues and lightness both change.
_CATEGORIES = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#222255",
    "#ee8866", "#99ddff", "#44bb99", "#ffaabb", "#999933", "#882255", "#dddddd", "#555555",
)  # fmt: skip
_MAX_CLASSES = len(_CATEGORIES)
_MAX_GREY = 8
PICTURE = {"en": "Colour picture", "cs": "Barevný obraz", "de": "Farbbild", "fr": "Image en couleurs"}
VALUES = {"en": "Values", "cs": "Hodnoty", "de": "Werte", "fr": "Valeurs"}
CLASSES = {"en": "Classes", "cs": "Třídy", "de": "Klassen", "fr": "Classes"}
_CLASS = {"en": "Class", "cs": "Třída", "de": "Klasse", "fr": "Classe"}
_BAND = {"en": "Band", "cs": "Pásmo", "de": "Kanal", "fr": "Bande"}
_LOW = {"en": "low", "cs": "nízké", "de": "niedrig", "fr": "bas"}
_HIGH = {"en": "high", "cs": "vysoké", "de": "hoch", "fr": "haut"}
_SHOWN = {
    "picture": {
        "en": "The bands as red, green and blue, stretched to the values that are there.",
        "cs": "Pásma jako červená, zelená a modrá, roztažená na skutečné hodnoty.",
        "de": "Die Kanäle als Rot, Grün und Blau, auf die vorhandenen Werte gespreizt.",
        "fr": "Les bandes en rouge, vert et bleu, étirées selon les valeurs présentes.",
    },
    "values": {
        "en": "Each value has a colour, from dark (low) to light (high).",
        "cs": "Každá hodnota má barvu, od tmavé (nízké) po světlou (vysoké).",
        "de": "Jeder Wert hat eine Farbe, von dunkel (niedrig) bis hell (hoch).",
        "fr": "Chaque valeur a une couleur, du foncé (bas) au clair (haut).",
    },
    "classes": {
        "en": "Each class has a colour of its own.",
        "cs": "Každá třída má svou barvu.",
        "de": "Jede Klasse hat ihre eigene Farbe.",
        "fr": "Chaque classe a sa propre couleur.",
    },
}


def own_renders(
    key: str,
    title: str,
    bands: Sequence[str],
    look: Look,
    nice: Callable[[float, float], tuple[float, float]],
    *,
    whole: bool,
) -> Iterator[Render]:
    """Renders (template form) for one kind of raster.

    Args:
        key: style id to begin with.
        title: what a lone file or an asset is called; empty: by what is shown.
        whole: stored numbers are whole and unscaled, so that they may be classes.
    """
    if len(bands) < 3:
        for index, band in enumerate(bands, start=1):
            name = key if index == 1 else f"{key}-{index}"
            yield name, _single(title, band, look(index), nice, whole=whole, number=index if len(bands) > 1 else 0)
        return
    yield _picture(key, title, bands, (1, 2, 3), look, nice)
    if len(bands) > 3:
        yield _picture(key, title, bands, (3, 2, 1), look, nice)
        yield _picture(key, title, bands, (4, 3, 2), look, nice)
        for index, band in enumerate(bands[:_MAX_GREY], start=1):
            yield f"{key}-b{index}", _single(title, band, look(index), nice, whole=False, number=index)


def _title(title: str, else_: dict[str, str]) -> dict[str, str]:
    return {"en": title} if title else dict(else_)


def _numbered(title: str, number: int) -> dict[str, str]:
    words = {language: f"{word} {number}" for language, word in _BAND.items()}
    return {language: f"{title}: {word}" for language, word in words.items()} if title else words


def _picture(
    key: str,
    title: str,
    bands: Sequence[str],
    order: tuple[int, int, int],
    look: Look,
    nice: Callable[[float, float], tuple[float, float]],
) -> Render:
    samples = [look(index) for index in order]
    if len(bands) == 3 and samples[0] is not None and samples[0].rgb:
        rescale: list[tuple[float, float]] = [(0, 255)]
    else:
        rescale = [nice(one.low, one.high) if one else (0, 1) for one in samples]
    words = "-".join(str(index) for index in order)
    return (
        key if order == (1, 2, 3) else f"{key}-{words}",
        {
            "title": _title(title, PICTURE),
            "expert": words if len(bands) > 3 else "",
            "description": _SHOWN["picture"],
            "assets": [bands[index - 1] for index in order],
            "rescale": rescale,
        },
    )


def _single(
    title: str,
    band: str,
    sample: Sample | None,
    nice: Callable[[float, float], tuple[float, float]],
    *,
    whole: bool,
    number: int,
) -> dict[str, Any]:
    heading = _numbered(title, number) if number else _title(title, VALUES)
    if sample is not None and sample.colors:
        shown = [pair for pair in sample.colors if not sample.distinct or pair[0] in sample.distinct]
        colors = [(value, "#" + bytes(color).hex()) for value, color in shown]
        return _classes(_title(title, CLASSES), band, colors)
    if sample is not None and whole and 0 < len(sample.distinct) <= _MAX_CLASSES:
        return _classes(_title(title, CLASSES), band, list(zip(sample.distinct, _CATEGORIES, strict=False)))
    low, high = nice(sample.low, sample.high) if sample else (0.0, 1.0)
    return {
        "title": heading,
        "description": _SHOWN["values"],
        "assets": [band],
        "rescale": [[low, high]],
        "colormap_name": "gray" if number else "cividis",
        "marks": [[low, _LOW], [high, _HIGH]],
    }


def _classes(title: dict[str, str], band: str, colors: list[tuple[int, str]]) -> dict[str, Any]:
    return {
        "title": title,
        "description": _SHOWN["classes"],
        "assets": [band],
        "resampling": "nearest",
        "classes": [
            {"value": value, "color": color, "title": {lang: f"{word} {value}" for lang, word in _CLASS.items()}}
            for value, color in colors
        ],
    }
