import numpy as np
import pytest

from tileserver.styles import (
    color_from_hex,
    color_to_hex,
    palette,
    recipe,
    style_from_render,
    style_to_render,
    variables,
)

NDVI = {
    "title": {"en": "Plant health", "cs": "Zdraví rostlin"},
    "expert": "NDVI",
    "expression": "(B08-B04)/(B08+B04)",
    "rescale": [[-0.2, 0.9]],
    "ramp": [[-0.2, "#e8dcc0"], [0.4, "#7fb35a"], [0.9, "#0b3d2e"]],
    "marks": [[0.1, {"en": "bare"}], [0.7, {"en": "dense"}]],
    "unit": "",
}
CLASSES = {
    "title": "Scene classes",
    "assets": ["SCL"],
    "classes": [
        {"value": 4, "color": "#00a000", "title": {"en": "Vegetation"}},
        {"value": 6, "color": "#0000ff80", "title": {"en": "Water"}},
    ],
}


@pytest.mark.parametrize("render", [NDVI, CLASSES, {"assets": ["B04", "B03", "B02"], "rescale": [[0, 0.3]]}])
def test_a_style_survives_a_stac_collection(render):
    style = style_from_render("it", render)
    assert style_from_render("it", style_to_render(style)) == style


def test_a_render_says_its_bands():
    style = style_from_render("ndvi", NDVI)
    assert variables(style) == ("B08", "B04")
    assert style_to_render(style)["assets"] == ["B08", "B04"]
    assert style_to_render(style)["title"] == "Plant health (NDVI)"


def test_ramp_becomes_a_palette():
    table = palette(style_from_render("ndvi", NDVI))
    assert table.shape == (256, 4)
    assert tuple(table[0]) == color_from_hex("#e8dcc0")
    assert tuple(table[255]) == color_from_hex("#0b3d2e")
    middle = round((0.4 + 0.2) / 1.1 * 255)
    assert np.abs(table[middle].astype(int) - color_from_hex("#7fb35a")).max() <= 2


def test_a_plain_colormap_of_the_render_extension():
    style = style_from_render("x", {"assets": ["a"], "colormap": {"1": "#ff0000", "2": [0, 255, 0, 255]}})
    assert recipe(style).classes == {1: (255, 0, 0, 255), 2: (0, 255, 0, 255)}
    assert recipe(style).resampling == "nearest"


def test_colours_round_trip():
    assert color_to_hex(color_from_hex("#0d7a5f")) == "#0d7a5f"
    assert color_to_hex(color_from_hex("#0d7a5f80")) == "#0d7a5f80"
    with pytest.raises(ValueError, match="colour"):
        color_from_hex("#12")
