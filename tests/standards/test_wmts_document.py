"""The WMTS document against OGC's schema and what QGIS, GDAL, OWSLib and OpenLayers need of it."""

from __future__ import annotations

import io
import re

import pytest
from lxml import etree
from PIL import Image

from tests.ramp import DATES
from tests.standards.schemas import validated
from tests.standards.wmts import HREF, NS, exception, layer, texts


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
