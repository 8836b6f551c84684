"""WMTS: the document against OGC's schema and CLIENTS' checklist, tiles against the ramp, every exception with its locator."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from lxml import etree
from PIL import Image
from pyproj import Transformer

from tests.ramp import BLUE, DATES, POINTS, color
from tests.standards.schemas import validated
from tileserver.api import published

NS = {
    "w": "http://www.opengis.net/wmts/1.0",
    "o": "http://www.opengis.net/ows/1.1",
    "x": "http://www.w3.org/1999/xlink",
}
HREF = "{http://www.w3.org/1999/xlink}href"
TILE = {
    "service": "WMTS", "request": "GetTile", "version": "1.0.0", "layer": "ramp", "style": "rgb", "format": "image/png",
    "TileMatrixSet": "WebMercatorQuad", "TileMatrix": "9", "TileRow": "173", "TileCol": "276", "Time": "2024-05-11",
}  # fmt: skip
INFO = {**TILE, "request": "GetFeatureInfo", "InfoFormat": "application/json", "I": "100", "J": "120"}
del INFO["format"]


@pytest.fixture(scope="module")
def root(client) -> etree._Element:
    return validated(client.get("/wmts?service=WMTS&request=GetCapabilities").content)


def layer(root, name):
    return root.xpath(f"//w:Layer[o:Identifier='{name}']", namespaces=NS)[0]


def texts(node, path):
    return [str(text) for text in node.xpath(f"{path}/text()", namespaces=NS)]


def exception(response, status=400):
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"].startswith("application/xml")
    one = validated(response.content)[0]
    return one.get("exceptionCode"), one.get("locator")


def pixel(content, lon, lat, bounds, crs):
    """The colour of a place in a picture of `bounds` (left, bottom, right, top)."""
    image = Image.open(io.BytesIO(content)).convert("RGBA")
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    col = int((x - bounds[0]) / (bounds[2] - bounds[0]) * image.width)
    row = int((bounds[3] - y) / (bounds[3] - bounds[1]) * image.height)
    return image.getpixel((col, row))


# The document


def test_prefixes_are_those_that_qgis_compares_as_text(client):
    text = client.get("/wmts?service=WMTS&request=GetCapabilities").text
    assert re.search(
        r'<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1"', text
    )
    assert 'version="1.0.0"' in text
    assert "wmtsGetCapabilities_response.xsd" in text
    assert "<ows:Title>Ramp with dates &lt;&amp;&gt;</ows:Title>" in text


def test_kvp_comes_first_and_every_address_is_absolute(root):
    for operation in ("GetCapabilities", "GetTile", "GetFeatureInfo"):
        gets = root.xpath(f"//o:Operation[@name='{operation}']//o:Get", namespaces=NS)
        assert [texts(get, ".//o:Value") for get in gets] == [["KVP"], ["RESTful"]]
        assert gets[0].get(HREF).endswith("?")
    hrefs = [str(href) for href in root.xpath("//@x:href|//@template", namespaces=NS)]
    assert hrefs
    assert all(href.startswith("http://testserver/") for href in hrefs)


def test_the_service_metadata_address_is_the_one_asked(client):
    for path in ("/wmts", "/collections/ramp/wmts"):
        address = f"http://testserver{path}/1.0.0/WMTSCapabilities.xml"
        document = validated(client.get(f"{path}/1.0.0/WMTSCapabilities.xml").content)
        assert document.xpath("//w:ServiceMetadataURL/@x:href", namespaces=NS) == [address]
        assert document.xpath("//o:Operation//o:Get/@x:href", namespaces=NS)[0] == f"http://testserver{path}?"


def test_layers_styles_and_legends(client, root):
    assert texts(root, "//w:Layer/o:Identifier") == [
        "ramp", "ramp-nearest", "static", "passes", "passes-nearest"
    ]  # fmt: skip
    for one in root.xpath("//w:Layer", namespaces=NS):
        assert len(one.xpath("w:Style[@isDefault='true']", namespaces=NS)) == 1
        assert texts(one, "w:Format")[0] == "image/png"
        for legend in one.xpath("w:Style/w:LegendURL", namespaces=NS):
            answer = client.get(legend.get(HREF))
            assert answer.headers["content-type"] == legend.get("format") == "image/png"
            size = Image.open(io.BytesIO(answer.content)).size
            assert size == (int(legend.get("width")), int(legend.get("height")))


def test_times(root):
    one = layer(root, "ramp")
    assert texts(one, "w:Dimension/o:Identifier") == ["Time"]
    assert texts(one, "w:Dimension/w:Value") == list(DATES)
    assert texts(one, "w:Dimension/w:Default") == [DATES[-1]]
    nearest = layer(root, "ramp-nearest")
    assert texts(nearest, "w:Dimension/w:Value") == [f"{DATES[0]}/{DATES[-1]}/P1D"]
    assert texts(layer(root, "passes"), "w:Dimension/w:Value") == ["2024-05-21T09:30:00Z", "2024-05-21T12:00:00Z"]
    assert layer(root, "static").find("w:Dimension", NS) is None


def test_templates(root):
    for name in ("ramp", "ramp-nearest", "static"):
        templates = [str(t) for t in layer(root, name).xpath("w:ResourceURL/@template", namespaces=NS)]
        wanted = {"Style", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol"} | (
            {"Time"} if name != "static" else set()
        )
        for template in templates:
            assert f"/{name}/" in template
            assert set(re.findall(r"\{(\w+)\}", template)) - {"I", "J"} == wanted


def test_tile_matrix_sets(root):
    sets = {
        str(s.findtext("o:Identifier", None, NS)): s for s in root.xpath("w:Contents/w:TileMatrixSet", namespaces=NS)
    }
    assert {
        "WebMercatorQuad",
        "WorldCRS84Quad",
        "WGS1984Quad",
        "EPSG5514",
        "EPSG25833",
        "EuropeanETRS89_LAEAQuad",
    } <= set(sets)
    assert sets["WGS1984Quad"].findtext("o:SupportedCRS", None, NS) == "urn:ogc:def:crs:EPSG::4326"
    assert texts(sets["WGS1984Quad"], ".//w:TopLeftCorner")[0] == "90 -180"
    assert sets["WorldCRS84Quad"].findtext("o:SupportedCRS", None, NS) == "urn:ogc:def:crs:OGC:1.3:CRS84"
    for name, one in sets.items():
        identifiers = texts(one, "w:TileMatrix/o:Identifier")
        assert identifiers == [str(n) for n in range(len(identifiers))], name
        assert all(corner.count(" ") == 1 for corner in texts(one, ".//w:TopLeftCorner"))
    for link in root.xpath("//w:TileMatrixSetLink", namespaces=NS):
        assert texts(link, "w:TileMatrixSet")[0] in sets
        last = link.xpath(".//w:TileMatrixLimits[last()]/w:TileMatrix/text()", namespaces=NS)[0]
        assert last in texts(sets[texts(link, "w:TileMatrixSet")[0]], "w:TileMatrix/o:Identifier")


def test_caching_and_compression(client):
    first = client.get("/wmts/1.0.0/WMTSCapabilities.xml", headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert "max-age" in first.headers["cache-control"]
    plain = client.get("/wmts/1.0.0/WMTSCapabilities.xml", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content
    again = client.get(
        "/wmts/1.0.0/WMTSCapabilities.xml", headers={"If-None-Match": first.headers["etag"], "Accept-Encoding": "gzip"}
    )
    assert again.status_code == 304


def test_names_in_any_case_give_the_same_document(client):
    documents = {
        client.get("/wmts", params=params).content
        for params in (
            {"service": "WMTS", "request": "GetCapabilities"},
            {"REQUEST": "GetCapabilities", "SERVICE": "WMTS", "DPI": "96", "version": "1.0.0"},
            {"ReQuEsT": "GetCapabilities", "sErViCe": "WMTS"},
            [("service", "WMTS"), ("SERVICE", "WMTS"), ("request", "GetCapabilities")],
        )
    }
    assert len(documents) == 1
    assert client.get("/wmts?&&service=WMTS&&request=GetCapabilities&").status_code == 200


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ("All", {"ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents", "ServiceMetadataURL"}),
        ("Contents", {"Contents"}),
        ("ServiceProvider,OperationsMetadata", {"ServiceProvider", "OperationsMetadata"}),
        ("Themes", set()),
    ],
)
def test_sections(client, sections, expected):
    response = client.get("/wmts", params={"service": "WMTS", "request": "GetCapabilities", "sections": sections})
    assert {etree.QName(child).localname for child in validated(response.content)} == expected


def test_versions_sequences_and_formats(client):
    def ask(**more):
        return client.get("/wmts", params={"service": "WMTS", "request": "GetCapabilities", **more})

    assert validated(ask(AcceptVersions="2.0.0,1.0.0").content).get("version") == "1.0.0"
    assert exception(ask(AcceptVersions="0.7.0")) == ("VersionNegotiationFailed", None)
    sequence = int(validated(ask().content).get("updateSequence"))
    same = validated(ask(updateSequence=str(sequence)).content)
    assert len(same) == 0
    assert same.get("updateSequence") == str(sequence)
    assert len(validated(ask(updateSequence=str(sequence - 1)).content))
    assert exception(ask(updateSequence=str(sequence + 1))) == ("InvalidUpdateSequence", None)
    assert exception(ask(updateSequence="zzz")) == ("InvalidUpdateSequence", None)
    assert ask(AcceptFormats="text/xml").headers["content-type"].startswith("text/xml")
    assert ask(AcceptFormats="example/unknown").headers["content-type"].startswith("application/xml")
    assert exception(ask(sections="Bogus")) == ("InvalidParameterValue", "sections")
    assert exception(ask(sections="")) == ("MissingParameterValue", "sections")


def test_a_new_image_is_published_and_raises_the_sequence(client):
    def sequence():
        return int(validated(client.get("/wmts?service=WMTS&request=GetCapabilities").content).get("updateSequence"))

    catalog, before = client.parts.catalog, sequence()
    item = catalog.items("passes")[0]
    from dataclasses import replace
    from datetime import timedelta

    catalog.put_items([replace(item, id="later", datetime=item.datetime + timedelta(days=1), version="later")])
    try:
        assert sequence() > before
        assert "2024-05-22T12:00:00Z" in client.get("/collections/passes/wmts/1.0.0/WMTSCapabilities.xml").text
    finally:
        catalog.remove_items("passes", ["later"])


def test_accept_and_unknown_addresses(client):
    assert exception(client.get("/wmts/1.0.0/WMTSCapabilities.xml", headers={"Accept": "example/unknown"}), 406)
    for path in ("/wmts/1.0.0/WMTSCapabilities.xml/Bogus", "/wmts/1.0.0/Bogus", "/collections/nope/wmts"):
        assert client.get(path).status_code == 404
    assert client.get("/collections/nope/wmts/1.0.0/WMTSCapabilities.xml").status_code == 404


# Tiles


@pytest.mark.parametrize(
    "matrix_set",
    [
        "WebMercatorQuad",
        "WorldCRS84Quad",
        "WGS1984Quad",
        "EPSG5514",
        "EPSG25833",
        "EPSG25832",
        "EuropeanETRS89_LAEAQuad",
    ],
)
@pytest.mark.parametrize("date", DATES)
def test_every_announced_tile_shows_its_place_and_date(client, root, matrix_set, date):
    """All from the document alone: limits, corner, scale and template, as a client computes them."""
    one = root.xpath(f"w:Contents/w:TileMatrixSet[o:Identifier='{matrix_set}']", namespaces=NS)[0]
    link = layer(root, "ramp").xpath(f"w:TileMatrixSetLink[w:TileMatrixSet='{matrix_set}']", namespaces=NS)[0]
    limits = link.xpath(".//w:TileMatrixLimits", namespaces=NS)[-3]
    matrix = one.xpath(f"w:TileMatrix[o:Identifier='{limits[0].text}']", namespaces=NS)[0]
    code = one.findtext("o:SupportedCRS", None, NS)
    crs = "EPSG:4326" if code.endswith("CRS84") else code.replace("urn:ogc:def:crs:", "").replace("::", ":")
    corner = [float(v) for v in matrix.findtext("w:TopLeftCorner", None, NS).split()]
    left, top = corner[::-1] if crs in {"EPSG:4326", "EPSG:3035"} and not code.endswith("CRS84") else corner
    unit = 111319.49079327358 if crs == "EPSG:4326" else 1
    span = float(matrix.findtext("w:ScaleDenominator", None, NS)) * 0.00028 / unit * 256
    template = layer(root, "ramp").xpath("w:ResourceURL[@format='image/png']/@template", namespaces=NS)[0]
    to = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    for lon, lat in POINTS:
        x, y = to.transform(lon, lat)
        col, row = int((x - left) // span), int((top - y) // span)
        address = template.format(
            Style="rgb", Time=date, TileMatrixSet=matrix_set, TileMatrix=limits[0].text, TileRow=row, TileCol=col
        )
        response = client.get(address)
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/png"
        bounds = (left + col * span, top - (row + 1) * span, left + (col + 1) * span, top - row * span)
        found = pixel(response.content, lon, lat, bounds, crs)
        assert found[3] == 255
        assert np.abs(np.subtract(found[:3], color(lon, lat, date))).max() <= 4, (lon, lat, found)


@pytest.mark.parametrize(
    ("time", "blue"),
    [
        ("2024-05-11", BLUE["2024-05-11"]), ("2024-05-11T00:00:00Z", BLUE["2024-05-11"]),
        ("2024-05-11T00:00:00.000Z", BLUE["2024-05-11"]), ("20240511", BLUE["2024-05-11"]),
        ("2024-05-11T10:04:09Z", BLUE["2024-05-11"]), ("2024-05-11T10:04:09.024Z", BLUE["2024-05-11"]),
        ("default", BLUE["2024-05-21"]), ("current", BLUE["2024-05-21"]), ("", BLUE["2024-05-21"]),
        ("{Time}", BLUE["2024-05-21"]), ("2024-05-01/2024-05-12", BLUE["2024-05-11"]), ("2024", BLUE["2024-05-21"]),
        ("2024-05-12", None), ("2024-05-12T00:00:00Z", None), ("2030-01-01", None), ("2024-05-11T11:00:00Z", None),
    ],
)  # fmt: skip
def test_spellings_of_time(client, time, blue):
    response = client.get("/wmts", params={**TILE, "Time": time})
    assert response.status_code == 200
    image = Image.open(io.BytesIO(response.content)).convert("RGBA")
    found = image.getpixel((128, 128))
    assert (found[3] == 0 and response.headers["x-tile-empty"] == "1") if blue is None else abs(found[2] - blue) <= 2
    quoted = time.replace("{", "%7B").replace("}", "%7D").replace("/", "--") or "default"
    by_path = client.get(f"/wmts/1.0.0/ramp/rgb/{quoted}/WebMercatorQuad/9/173/276.png")
    assert by_path.content == response.content


@pytest.mark.parametrize(
    ("time", "blue"),
    [("2024-05-12", BLUE["2024-05-11"]), ("2024-05-12T00:00:00Z", BLUE["2024-05-11"]), ("2024-05-20", BLUE["2024-05-11"]),
     ("2024-05-22", BLUE["2024-05-21"]), ("2030-01-01", None)],
)  # fmt: skip
def test_the_nearest_layer_snaps_within_the_tolerance(client, time, blue):
    response = client.get("/wmts", params={**TILE, "layer": "ramp-nearest", "Time": time})
    found = Image.open(io.BytesIO(response.content)).convert("RGBA").getpixel((128, 128))
    assert found[3] == 0 if blue is None else abs(found[2] - blue) <= 2


def test_two_images_a_day_are_told_apart(client):
    def blue(time):
        response = client.get("/wmts", params={**TILE, "layer": "passes", "Time": time})
        return Image.open(io.BytesIO(response.content)).convert("RGBA").getpixel((128, 128))[2]

    assert abs(blue("2024-05-21T09:30:00Z") - BLUE["2024-05-01"]) <= 2
    assert abs(blue("2024-05-21T12:00:00Z") - BLUE["2024-05-21"]) <= 2
    assert abs(blue("2024-05-21") - BLUE["2024-05-21"]) <= 2
    assert Image.open(
        io.BytesIO(client.get("/wmts", params={**TILE, "layer": "passes", "Time": "2024-05-21T00:00:00Z"}).content)
    ).convert("RGBA").getextrema()[3] == (0, 0)


def test_an_ordinary_tile_does_not_read_all_times(client, monkeypatch):
    def never(collection_id):
        raise AssertionError("all times were read")

    monkeypatch.setattr(client.parts.catalog, "moments", never)
    published._dimensions.clear()
    assert client.get("/wmts", params=TILE).status_code == 200
    assert (
        client.get("/wmts", params={**TILE, "layer": "ramp-nearest", "Time": "2024-05-12T00:00:00Z"}).status_code == 200
    )


def test_a_layer_without_time_takes_any(client):
    for time in ("default", "2024-05-12", "1999"):
        response = client.get(f"/wmts/1.0.0/static/rgb/{time}/WebMercatorQuad/9/173/276.png")
        assert response.status_code == 200
        assert "x-tile-empty" not in response.headers
    del (asked := dict(TILE))["Time"]
    assert client.get("/wmts", params={**asked, "layer": "static"}).status_code == 200


@pytest.mark.parametrize(("media", "kind"), [("image/png", "PNG"), ("image/jpeg", "JPEG"), ("image/webp", "WEBP")])
def test_formats(client, media, kind):
    response = client.get("/wmts", params={**TILE, "format": media})
    image = Image.open(io.BytesIO(response.content))
    assert (response.headers["content-type"], image.format, image.size) == (media, kind, (256, 256))
    assert client.get("/wmts", params={**TILE, "style": ""}).status_code == 200


# What is wrong


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


# Values


def test_feature_info(client):
    answer = client.get("/wmts", params=INFO)
    assert answer.headers["content-type"] == "application/json"
    one = answer.json()["features"][0]
    lon, lat = one["geometry"]["coordinates"]
    found = [one["properties"][f"b{i}"] for i in (1, 2, 3)]
    assert np.abs(np.subtract(found, color(lon, lat, "2024-05-11"))).max() <= 1
    point = client.get("/collections/ramp/point", params={"lon": lon, "lat": lat, "datetime": "2024-05-11"}).json()
    assert {key: one["properties"][key] for key in point["assets"]} == point["assets"]
    by_path = client.get("/wmts/1.0.0/ramp/rgb/2024-05-11/WebMercatorQuad/9/173/276/120/100.json")
    assert by_path.json() == answer.json()
    html = client.get("/wmts", params={**INFO, "InfoFormat": "text/html"})
    assert html.headers["content-type"].startswith("text/html")
    assert "<th>b1</th>" in html.text
    plain = client.get("/wmts", params={**INFO, "InfoFormat": "text/plain"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert "b1 = " in plain.text


@pytest.mark.parametrize(
    ("name", "value"),
    [("I", "256"), ("J", "-1"), ("I", "x"), ("InfoFormat", "text/bogus"), ("layer", "no"), ("Time", "no")],
)
def test_wrong_feature_info(client, name, value):
    assert exception(client.get("/wmts", params={**INFO, name: value})) == ("InvalidParameterValue", name)


def test_cors_exactly_once_on_errors_too(client):
    for path in (
        "/wmts?service=WMTS&request=GetCapabilities",
        "/wmts",
        "/wmts/1.0.0/x/y/z/a/1/2/3.png",
        "/wms",
        "/stac/nope",
    ):
        assert client.get(path).headers.get_list("access-control-allow-origin") == ["*"]
