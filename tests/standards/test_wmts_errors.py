"""Everything wrong with a WMTS request: the code of the standard and the locator."""

from __future__ import annotations

import pytest

from tests.standards.wmts import INFO, TILE, exception


@pytest.mark.parametrize(
    "missing",
    ["layer", "style", "format", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol", "version", "request", "service"],
)
def test_missing_parameters_of_get_tile(client, missing):
    params = {k: v for k, v in TILE.items() if k != missing}
    assert exception(client.get("/wmts", params=params)) == ("MissingParameterValue", missing)
    if missing != "style":
        assert exception(client.get("/wmts", params={**TILE, missing: ""})) == ("MissingParameterValue", missing)


@pytest.mark.parametrize(
    "missing", ["layer", "style", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol", "InfoFormat", "I", "J"]
)
def test_missing_parameters_of_get_feature_info(client, missing):
    params = {k: v for k, v in INFO.items() if k != missing}
    assert exception(client.get("/wmts", params=params)) == ("MissingParameterValue", missing)


NASTY = [
    "Bogus",
    "<script>",
    "' OR 1=1 --",
    "&lt;!ENTITY x SYSTEM 'file:///etc/passwd'>",
    "\x00\x1b",
    "../../etc/passwd",
    "٣",
    "1e3",
    "𝟏",
    "-0",
]


@pytest.mark.parametrize(
    "name",
    [
        "service",
        "request",
        "version",
        "layer",
        "style",
        "format",
        "TileMatrixSet",
        "TileMatrix",
        "TileRow",
        "TileCol",
        "Time",
    ],
)
@pytest.mark.parametrize("value", NASTY)
def test_wrong_values(client, name, value):
    code, locator = exception(client.get("/wmts", params={**TILE, name: value}))
    assert code == "InvalidParameterValue" or (value == "-0" and code == "TileOutOfRange")
    assert locator == name


@pytest.mark.parametrize("name", list(TILE))
def test_a_parameter_given_twice(client, name):
    params = [*TILE.items(), (name.upper(), "other")]
    assert exception(client.get("/wmts", params=params)) == ("InvalidParameterValue", name)
    assert client.get("/wmts", params=[*TILE.items(), (name.lower(), TILE[name])]).status_code == 200


@pytest.mark.parametrize(
    ("change", "locator"),
    [({"TileRow": "171"}, "TileRow"), ({"TileRow": "-1"}, "TileRow"), ({"TileCol": "400"}, "TileCol"),
     ({"TileRow": "99999999999"}, "TileRow"), ({"TileMatrix": "20"}, "TileMatrix")],
)  # fmt: skip
def test_tiles_beyond_the_limits(client, change, locator):
    asked = {**TILE, **change}
    assert exception(client.get("/wmts", params=asked)) == ("TileOutOfRange", locator)
    path = "/wmts/1.0.0/ramp/rgb/default/WebMercatorQuad/{TileMatrix}/{TileRow}/{TileCol}.png".format(**asked)
    assert exception(client.get(path), 404) == ("TileOutOfRange", locator)


@pytest.mark.parametrize("path", [
    "nope/rgb/default/WebMercatorQuad/9/173/276.png", "ramp/nope/default/WebMercatorQuad/9/173/276.png",
    "ramp/rgb/bogus/WebMercatorQuad/9/173/276.png", "ramp/rgb/default/Nope/9/173/276.png",
    "ramp/rgb/default/WebMercatorQuad/nope/173/276.png", "ramp/rgb/default/WebMercatorQuad/9/x/276.png",
    "ramp/rgb/default/WebMercatorQuad/9/173/276.gif", "ramp/rgb/default/WebMercatorQuad/9/173/276",
    "ramp/rgb/default/WebMercatorQuad/9/173/276/1/999.json", "ramp/rgb/default/WebMercatorQuad/9/173/276/1/9.exe",
])  # fmt: skip
def test_wrong_paths_are_404(client, path):
    assert exception(client.get(f"/wmts/1.0.0/{path}"), 404)


def test_a_query_string_that_is_none(client):
    assert exception(client.get("/wmts?service=WMTS&request~GetCapabilities!version~1.0.0")) == (
        "MissingParameterValue",
        "request",
    )
    assert exception(client.get("/wmts")) == ("MissingParameterValue", "request")
    assert exception(client.get("/wmts?service=Bogus")) == ("InvalidParameterValue", "service")
