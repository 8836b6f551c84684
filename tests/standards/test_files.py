"""Files in ranges, legends and layer definitions."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
import rasterio
from lxml import etree
from PIL import Image
from rasterio.io import MemoryFile

from tests.ramp import CLASSES, DATES, GREY
from tests.servers import open_client

FILE = "/collections/ramp/items/ramp-2024-05-11/assets/data"


@pytest.fixture(scope="module")
def path(client) -> Path:
    return Path(client.parts.catalog.item("ramp", "ramp-2024-05-11").assets["data"].href)


def test_the_whole_file(client, path):
    response = client.get(FILE)
    assert response.content == path.read_bytes()
    assert response.headers["content-type"].startswith("image/tiff")
    assert response.headers["accept-ranges"] == "bytes"
    assert str(path.parent) not in str(response.headers)
    with MemoryFile(response.content) as memory, memory.open() as one, rasterio.open(path) as other:
        assert np.array_equal(one.read(), other.read())
    again = client.get(FILE, headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    head = client.head(FILE)
    assert head.headers["content-length"] == str(path.stat().st_size)
    assert head.content == b""


@pytest.mark.parametrize(
    "header", ["bytes=0-0", "bytes=0-99", "bytes=100-", "bytes=-7", "bytes=5-999999999", "bytes=-999999999"]
)
def test_ranges(client, path, header):
    content = path.read_bytes()
    first, last = re.fullmatch(r"bytes=(\d*)-(\d*)", header).groups()
    start = int(first) if first else max(0, len(content) - int(last))
    end = min(int(last), len(content) - 1) if first and last else len(content) - 1
    response = client.get(FILE, headers={"Range": header})
    assert response.status_code == 206
    assert response.content == content[start : end + 1]
    assert response.headers["content-range"] == f"bytes {start}-{end}/{len(content)}"
    stale = client.get(FILE, headers={"Range": header, "If-Range": '"old"'})
    assert stale.status_code == 200
    assert stale.content == content


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("bytes=99999999-", 416),
        ("bytes=9-5", 416),
        ("bytes=-0", 416),
        ("bytes=-", 200),
        ("lines=1-2", 200),
        ("bytes=a-b", 200),
        ("bytes=0-1,4-5", 200),
    ],
)
def test_odd_ranges(client, header, status):
    assert client.get(FILE, headers={"Range": header}).status_code == status


def test_what_is_not_there(client):
    for address in (FILE + "x", FILE.replace("2024-05-11", "1999"), FILE.replace("/ramp/", "/nope/", 1)):
        assert client.get(address).status_code == 404
    assert client.get("/collections/ramp/items/..%2F..%2Fetc/assets/passwd").status_code == 404


def test_a_missing_file_is_named_without_its_path(client, path):
    content = path.read_bytes()
    path.unlink()
    try:
        response = client.get(FILE)
        assert response.status_code == 502
        assert (response.json()["item"], response.json()["asset"]) == ("ramp-2024-05-11", "data")
        assert str(path.parent) not in response.text
    finally:
        path.write_bytes(content)


def test_the_operator_may_keep_the_files(tmp_path):
    from tests.cogs import ramp, write_cog

    write_cog(tmp_path / "data" / "c" / "2024-05-01.tif", ramp())
    with open_client(tmp_path / "data", tmp_path / "cache", device="cpu", downloads=False) as client:
        item = client.get("/stac/search").json()["features"][0]
        response = client.get(item["assets"]["data"]["href"])
        assert response.status_code == 404
        assert response.json()["code"] == "NotFound"


# Legends


@pytest.mark.parametrize("style", ["rgb", "longitude", "classes"])
@pytest.mark.parametrize("language", ["", "en", "cs", "de", "fr"])
def test_legends_in_every_form(client, style, language):
    query = f"?lang={language}" if language else ""
    base = f"/collections/ramp/styles/{style}/legend"
    document = client.get(f"{base}.json{query}").json()
    png = Image.open(io.BytesIO(client.get(f"{base}.png{query}").content))
    svg = etree.fromstring(client.get(f"{base}.svg{query}").content)
    assert (int(svg.get("width")), int(svg.get("height"))) == png.size
    words = ["".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert document["title"] in words
    for entry in document.get("entries", []):
        assert entry["label"] in words
        rgb = tuple(bytes.fromhex(entry["color"][1:7]))
        assert rgb in {color[:3] for _, color in png.convert("RGBA").getcolors(100_000)}


def test_a_ramp_s_legend_has_values_words_and_a_unit(client):
    document = client.get("/collections/ramp/styles/longitude/legend.json").json()
    assert (document["min"], document["max"], document["unit"]) == (0, 255, "steps")
    assert [mark["label"] for mark in document["marks"]] == ["west", "east"]
    assert document["colors"][0] == "#440154"
    assert document["colors"][-1] == "#fde724"
    text = client.get("/collections/ramp/styles/longitude/legend.svg").text
    assert "255 steps" in text
    assert GREY.titles["en"] in text


def test_words_are_escaped_and_translated(client):
    text = client.get("/collections/ramp/styles/classes/legend.svg").text
    assert "west &amp; south" in text
    assert "Classes &lt;&amp;&gt;" in text
    assert CLASSES.classes[0].words["en"] in client.get("/collections/ramp/styles/classes/legend.json").text
    assert client.get("/collections/ramp/styles/rgb/legend.json?lang=cs").json()["title"] == "Přechod"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("rgb/legend.gif", 404),
        ("nope/legend.png", 404),
        ("rgb/legend.png?lang=xx", 400),
        ("rgb/legend.json?lang=%00", 400),
    ],
)
def test_wrong_legends(client, path, status):
    assert client.get(f"/collections/ramp/styles/{path}").status_code == status


# QGIS layer definitions (a real QGIS opens them in tests/clients)


def test_layer_definition(client):
    response = client.get("/collections/ramp/qgis.qlr")
    assert 'filename="ramp.qlr"' in response.headers["content-disposition"]
    root = etree.fromstring(response.content, etree.XMLParser(resolve_entities=False))
    sources = [parse_qs(node.text) for node in root.iter("datasource")]
    assert [source["styles"] for source in sources] == [["rgb"], ["longitude"], ["classes"]]
    assert sources[0]["url"] == ["http://testserver/wms?"]
    assert sources[0]["timeDimensionExtent"] == [",".join(DATES)]
    assert root.find(".//temporal").get("enabled") == "1"
    static = etree.fromstring(client.get("/collections/static/qgis.qlr").content)
    assert static.find(".//temporal") is None
    assert "type=wmst" not in static.find(".//datasource").text
    assert client.get("/collections/nope/qgis.qlr").status_code == 404
