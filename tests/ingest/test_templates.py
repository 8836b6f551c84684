"""The shipped templates: whole, readable in four languages, safe for colour-blind people."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from rio_tiler.colormap import cmap

from tileserver.errors import NotFound
from tileserver.ingest.template import best_template, template, templates
from tileserver.models import Style
from tileserver.styles import color_from_hex, expressions, recipe, style_from_render, variables

LANGUAGES = {"en", "cs", "de", "fr"}
SHIPPED = {
    "sentinel-2-l2a", "sentinel-2-l1c", "sentinel-1-grd", "sentinel-3", "sentinel-5p", "landsat-c2-l2", "proba-v",
    "dem", "worldcover", "rgb", "generic",
}  # fmt: skip
RENDERS = [(one.id, key, render) for one in templates() for key, render in one.renders.items()]
each_render = pytest.mark.parametrize(
    ("name", "key", "render"), RENDERS, ids=[f"{one}-{key}" for one, key, _ in RENDERS]
)


def test_all_are_there():
    assert {one.id for one in templates()} == SHIPPED
    with pytest.raises(NotFound, match="Did you mean 'sentinel-2-l2a'"):
        template("sentinel-2-l2")


@pytest.mark.parametrize("one", templates(), ids=lambda one: one.id)
def test_a_template_is_whole(one: Any):
    document = one.document
    assert set(document["title"]) == set(document["description"]) == LANGUAGES
    assert one.renders
    mask = document.get("mask")
    if mask:
        assert mask["asset"] in one.item_assets
        assert mask["values"] or mask["bits"]


def _words(render: dict[str, Any]) -> list[dict[str, str]]:
    return [
        render["title"], render["description"],
        *(entry["title"] for entry in render.get("classes", ())), *(mark[1] for mark in render.get("marks", ())),
    ]  # fmt: skip


@each_render
def test_words_in_four_languages(name: str, key: str, render: dict[str, Any]):
    for words in _words(render):
        assert set(words) == LANGUAGES
        assert all(text == text.strip() and text for text in words.values())
    assert re.fullmatch(r"[a-z0-9-]+", key)
    sentences = render["description"].values()
    assert all(text.endswith(".") for text in sentences)
    assert len(set(sentences)) == 4


@each_render
def test_a_style_can_be_made(name: str, key: str, render: dict[str, Any]):
    fixed = {**render, "rescale": [[0, 1]] if render.get("rescale") == "auto" else render.get("rescale")}
    style: Style = style_from_render(key, fixed)
    assert len(expressions(style)) in (1, 3)
    assert set(variables(style)) <= set(template(name).item_assets)
    made = recipe(style)
    assert made.rescale or made.classes or made.intervals
    if render.get("colormap_name"):
        cmap.get(render["colormap_name"])
    for low, high in fixed.get("rescale") or ():
        assert low < high


@each_render
def test_legends_say_something(name: str, key: str, render: dict[str, Any]):
    outputs = 3 if len(render.get("assets", ())) == 3 or ";" in render.get("expression", "") else 1
    picture = outputs == 3 or render.get("rescale") == [[0, 255]]
    plain = picture or render.get("colormap_name") == "gray"
    assert plain or render.get("marks") or render.get("classes")
    values = [mark[0] for mark in render.get("marks", ())]
    assert values == sorted(values)


def seen_by(kind: str, color: tuple[int, int, int]) -> np.ndarray:
    """What people with a missing cone see: Viénot, Brettel and Mollon 1999, linear RGB."""
    rgb = (np.array(color) / 255) ** 2.2
    protan = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
    deutan = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    matrix = {"normal": np.eye(3), "protan": protan, "deutan": deutan}[kind]
    return np.clip(matrix @ rgb, 0, 1)


def lab(linear: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of linear sRGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x = to_xyz @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", ["normal", "protan", "deutan"])
@pytest.mark.parametrize(
    ("name", "key", "render"), [one for one in RENDERS if one[2].get("ramp")], ids=lambda x: str(x)[:24]
)
def test_ramps_for_every_eye(name: str, key: str, render: dict[str, Any], vision: str):
    """Neighbouring stops differ, and so do the ends and what lies a third of the ramp apart."""
    stops = [lab(seen_by(vision, color_from_hex(color)[:3])) for _, color in render["ramp"]]
    assert all(np.linalg.norm(b - a) > 6 for a, b in pairwise(stops))
    assert np.linalg.norm(stops[0] - stops[-1]) > 25
    third = max(2, len(stops) // 3)
    assert all(np.linalg.norm(b - a) > 10 for a, b in zip(stops, stops[third:], strict=False))
    values = [value for value, _ in render["ramp"]]
    assert values == sorted(values)


@pytest.mark.parametrize(
    ("keys", "folder", "expected"),
    [
        (["B02", "B03", "B04", "B08", "SCL"], "s2", "sentinel-2-l2a"),
        (["B02", "B03", "B04"], "my_l1c_scenes", "sentinel-2-l1c"),
        (["red", "green", "blue", "nir", "scl"], "x", "sentinel-2-l2a"),
        (["SR_B4", "SR_B5", "QA_PIXEL"], "x", "landsat-c2-l2"),
        (["coastal", "red", "green", "blue", "nir08", "swir16", "swir22", "qa_pixel"], "x", "landsat-c2-l2"),
        (["B4", "B5"], "landsat", "landsat-c2-l2"),
        (["VV", "VH"], "x", "sentinel-1-grd"),
        (["vv"], "s1", "sentinel-1-grd"),
        (["NO2"], "s5p", "sentinel-5p"),
        (["NDVI"], "PROBA-V_300m", "proba-v"),
        (["NDVI", "CLM"], "s2_ndvi", "generic"),
        ([], "dem", "dem"),
        ([], "Copernicus_DEM", "dem"),
        ([], "esa-worldcover", "worldcover"),
        ([], "orthophotos", "rgb"),
        ([], "academic", "generic"),
        ([], "single", "generic"),
        (["temperature"], "x", "generic"),
    ],
)
def test_recognised(keys: list[str], folder: str, expected: str):
    assert best_template(keys, folder).id == expected


def test_clouds_of_landsat_are_hidden():
    """The classes and bits of QA_PIXEL agree (USGS LSDS-1619): what is called cloud is hidden by the mask."""
    document = template("landsat-c2-l2").document
    bits = document["mask"]["bits"]
    for entry in document["renders"]["quality"]["classes"]:
        hidden = any(entry["value"] >> bit & 1 for bit in bits)
        words = entry["title"]["en"].lower()
        if "likely" in words or "near" in words:
            continue
        assert hidden == any(word in words for word in ("cloud", "cirrus", "shadow")), entry
