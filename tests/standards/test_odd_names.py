"""Collections, styles and items whose names are words of people: blanks, accents, marks that mean something in XML and URLs."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, quote

import pytest
from lxml import etree

from tests.ramp import DATES, RGB
from tests.standards.schemas import validated
from tests.standards.wmts import layer

NAMES = ["Žlutý kůň", "a b", "100 % & <more>", "x'y\"z", "dots..and--dashes", "a+b", "tilde~(1)"]


@pytest.fixture(params=NAMES)
def named(client, request):
    catalog, name = client.parts.catalog, request.param
    catalog.put_collection(
        replace(catalog.collection("ramp"), id=name, title=f"{name}\x07", styles=(replace(RGB, id=f"s {name}"),))
    )
    item = catalog.item("ramp", f"ramp-{DATES[1]}")
    catalog.put_items([replace(item, id=f"i {name}", collection=name, version=f"odd {name}")])
    yield name
    catalog.remove_collection(name)


def test_wmts(client, named):
    for path in (
        "/wmts/1.0.0/WMTSCapabilities.xml",
        f"/collections/{quote(named, safe='')}/wmts/1.0.0/WMTSCapabilities.xml",
    ):
        root = validated(client.get(path).content)
        found = [one for one in root.iter("{*}Layer") if one.findtext("{*}Identifier") == named]
        assert len(found) == 1
        style = found[0].findtext("{*}Style/{*}Identifier")
        template = found[0].find("{*}ResourceURL").get("template")
        fill = {
            "{Style}": quote(style, safe=""),
            "{Time}": DATES[1],
            "{TileMatrixSet}": "WebMercatorQuad",
            "{TileMatrix}": "9",
            "{TileRow}": "173",
            "{TileCol}": "276",
        }
        for variable, value in fill.items():
            template = template.replace(variable, value)
        assert client.get(template).headers.get("content-type") == "image/png", template
        legend = found[0].find("{*}Style/{*}LegendURL").get("{http://www.w3.org/1999/xlink}href")
        assert client.get(legend).status_code == 200
    params = {
        "service": "WMTS", "request": "GetTile", "version": "1.0.0", "layer": named, "style": style, "format": "image/png",
        "TileMatrixSet": "EPSG5514", "TileMatrix": "5", "TileRow": "13", "TileCol": "10", "Time": DATES[1],
    }  # fmt: skip
    assert client.get("/wmts", params=params).status_code == 200
    assert layer(validated(client.get("/wmts?service=WMTS&request=GetCapabilities").content), "ramp") is not None


def test_wms_stac_and_qgis(client, named):
    for version in ("1.3.0", "1.1.1"):
        root = validated(client.get(f"/wms?service=WMS&request=GetCapabilities&version={version}").content)
        assert named in [one.text for one in root.iter("{*}Name")]
    base = f"/stac/collections/{quote(named, safe='')}"
    feature = client.get(f"{base}/items").json()["features"][0]
    for one in feature["links"]:
        if one["rel"] != "wms":
            assert client.get(one["href"].format(z=9, x=276, y=173)).status_code == 200, one
    assert client.get(feature["assets"]["data"]["href"]).status_code == 200
    definition = etree.fromstring(client.get(f"/collections/{quote(named, safe='')}/qgis.qlr").content)
    assert parse_qs(definition.findtext(".//datasource"))["layers"] == [named]
    tilejson = client.get(
        f"/collections/{quote(named, safe='')}/styles/{quote(f's {named}', safe='')}/WebMercatorQuad/tilejson.json"
    ).json()
    assert client.get(tilejson["tiles"][0].format(z=9, x=276, y=173)).status_code == 200
