"""STAC as a source: items, static catalogs, an API; and our own items as valid STAC."""

# ruff: noqa: DTZ001 - naive times are made UTC

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlparse

import numpy as np
import pystac
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.things import item as make_item
from tests.cogs import write_cog
from tileserver.catalog import open_catalog
from tileserver.errors import InvalidParameter
from tileserver.ingest.api import search
from tileserver.ingest.report import Report
from tileserver.ingest.stac import is_stac, read_static, register
from tileserver.items import band_names, item_from_stac, item_to_stac, versioned
from tileserver.models import Asset, Band
from tileserver.ports import Catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_catalog(f"sqlite:///{tmp_path}/c.db")


FLOATS = st.none() | st.floats(allow_infinity=True, allow_nan=False)
BANDS = st.builds(
    Band, name=st.from_regex(r"[A-Z]\d{2}", fullmatch=True), index=st.just(1), dtype=st.sampled_from([None, "uint8", "float32"]),
    nodata=FLOATS, scale=FLOATS.filter(lambda x: x is None or math.isfinite(x)),
    offset=FLOATS.filter(lambda x: x is None or math.isfinite(x)), unit=st.text(max_size=5), description=st.text(max_size=9),
)  # fmt: skip
TIMES = st.none() | st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1)).map(
    lambda t: t.replace(microsecond=0, tzinfo=UTC)
)


@given(BANDS, TIMES, st.booleans(), st.none() | st.floats(0, 100))
def test_round_trip(band: Band, moment: datetime | None, period: bool, cloud: float | None):
    end = moment + timedelta(days=30) if moment and period else None
    put = make_item("x", moment, end_datetime=end, cloud_cover=cloud)
    put = versioned(replace(put, assets={"B04": replace(put.assets["B04"], bands=(band,))}, version=""))
    assert item_from_stac(json.loads(json.dumps(item_to_stac(put)))) == put


@pytest.mark.parametrize("moment", [None, datetime(2023, 1, 1, tzinfo=UTC)])
def test_items_are_valid_stac(moment: datetime | None):
    stac = item_to_stac(make_item("x", moment))
    found = pystac.Item.from_dict(stac)
    assert found.id == "x"
    from stac_pydantic import Item as Valid

    Valid.model_validate({**stac, "links": [{"rel": "self", "href": "https://x.org/x"}]})


def test_names_of_bands():
    assert band_names("B04", 1) == ("B04",)
    assert band_names("visual", 3) == ("visual_b1", "visual_b2", "visual_b3")
    assert band_names("a-b 1", 1) == ("a_b_1",)


def stac_item(name: str, folder: Path, **properties: object) -> dict:
    """An item whose assets lie beside it."""
    for key in ("red", "nir", "scl"):
        data = np.random.default_rng(1).integers(1, 9, (64, 64), np.uint8 if key == "scl" else np.uint16)
        write_cog(folder / f"{key}.tif", data, nodata=0)
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": name, "links": [], "bbox": [15, 46, 16, 47],
        "geometry": {"type": "Polygon", "coordinates": [[[15, 46], [16, 46], [16, 47], [15, 47], [15, 46]]]},
        "properties": {"datetime": "2023-08-10T10:00:00Z", "eo:cloud_cover": 5, **properties},
        "assets": {
            "red": {"href": "./red.tif", "type": "image/tiff; application=geotiff",
                    "raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}]},
            "nir": {"href": "nir.tif", "type": "image/tiff; application=geotiff", "bands": [{"raster:scale": 0.0001, "raster:offset": 0}]},
            "scl": {"href": str(folder / "scl.tif"), "type": "image/tiff"},
            "thumbnail": {"href": "./t.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
            "info": {"href": "./x.xml", "type": "application/xml", "roles": ["metadata"]},
        },
    }  # fmt: skip


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A catalog with relative links, made by pystac."""
    root = tmp_path / "static"
    items = root / "scenes" / "a"
    made = pystac.Catalog("root", "A catalog")
    extent = pystac.Extent(pystac.SpatialExtent([[-180, -90, 180, 90]]), pystac.TemporalExtent([[None, None]]))
    scenes = pystac.Collection("scenes", "Many scenes", extent, title="Scenes", license="CC-BY-4.0")
    made.add_child(scenes)
    scenes.add_item(pystac.Item.from_dict(stac_item("a", items)))
    made.normalize_hrefs(str(root))
    made.save(pystac.CatalogType.SELF_CONTAINED)
    return root


def put(catalog: Catalog, path: Path, **options: str) -> tuple[int, Report]:
    report = Report()
    return register(catalog, "mine", read_static(path, report), report, **options), report


def test_a_static_catalog(catalog: Catalog, static: Path):
    assert is_stac(static)
    changed, report = put(catalog, static)
    assert (changed, report.skipped) == (1, [])
    found = catalog.collection("mine")
    assert (found.title, found.license, found.template) == ("Scenes", "CC-BY-4.0", "sentinel-2-l2a")
    assert "ndvi" in [style.id for style in found.styles]
    assert found.mask.asset == "scl"
    item = catalog.item("mine", "a")
    assert sorted(item.assets) == ["nir", "red", "scl"]
    assert item.cloud_cover == 5
    red, nir = item.assets["red"], item.assets["nir"]
    assert Path(red.href).is_absolute()
    assert Path(red.href).exists()
    assert (red.bands[0].scale, red.bands[0].offset, red.bands[0].dtype) == (0.0001, -0.1, "uint16")
    assert (nir.bands[0].scale, nir.bands[0].offset) == (0.0001, 0)
    assert (red.crs, red.shape) == ("EPSG:32633", (64, 64))
    assert put(catalog, static)[0] == 0


def test_files_of_items(catalog: Catalog, tmp_path: Path):
    document = stac_item("a", tmp_path)
    (tmp_path / "item.json").write_text(json.dumps(document))
    assert put(catalog, tmp_path / "item.json")[0] == 1
    both = {"type": "FeatureCollection", "features": [document, {**document, "id": "b"}]}
    (tmp_path / "items.json").write_text(json.dumps(both))
    assert put(catalog, tmp_path / "items.json")[0] == 1
    assert catalog.count("mine") == 2


def test_an_offset_that_is_applied_already(catalog: Catalog, tmp_path: Path):
    document = stac_item("a", tmp_path, **{"earthsearch:boa_offset_applied": True})
    (tmp_path / "item.json").write_text(json.dumps(document))
    put(catalog, tmp_path / "item.json")
    assert catalog.item("mine", "a").assets["red"].bands[0].offset == 0


@pytest.mark.parametrize(
    "change",
    [{"id": None}, {"bbox": None, "geometry": None}, {"properties": None}, {"properties": {"datetime": "yesterday"}}, {"assets": {}},
     {"assets": []}, {"assets": {"red": {"href": "/none.tif", "type": "image/tiff"}}}, {"bbox": ["a", 1, 2, 3]}, {"bbox": [1]}],
)  # fmt: skip
def test_bad_items_are_skipped(catalog: Catalog, tmp_path: Path, change: dict):
    good = stac_item("good", tmp_path)
    bad = {**stac_item("bad", tmp_path), **change}
    (tmp_path / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": [bad, good]}))
    changed, report = put(catalog, tmp_path / "items.json")
    if change.get("properties", 1) is None:
        assert changed == 2  # undated items are only unusual
        return
    assert changed == 1
    assert report.skipped
    assert all(str(tmp_path) not in reason for _, reason in report.skipped)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"type": "Nonsense"}', '{"a": 1}'])
def test_what_is_no_stac(tmp_path: Path, text: str):
    (tmp_path / "x.json").write_text(text)
    assert not is_stac(tmp_path / "x.json")


def test_links_in_circles_and_nowhere(catalog: Catalog, static: Path):
    root = json.loads((static / "catalog.json").read_text())
    for href in ("./catalog.json", "./gone.json", "https://example.com/c.json", "../../../../etc/passwd"):
        root["links"].append({"rel": "child", "href": href})
    (static / "catalog.json").write_text(json.dumps(root))
    changed, report = put(catalog, static)
    assert changed == 1
    assert {name for name, _ in report.skipped} >= {"gone.json", "https://example.com/c.json"}


@pytest.fixture
def api(tmp_path: Path):
    """A STAC API of two pages; another server would be another project."""
    documents = [
        {**stac_item(f"i{n}", tmp_path / "api", **{"eo:cloud_cover": n * 30}), "collection": "scenes"} for n in range(4)
    ]
    for document in documents:
        for key, asset in document["assets"].items():
            asset["href"] = f"https://example.com/{document['id']}/{key}.tif"
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.reply({})

        def do_POST(self):
            self.reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def reply(self, body: dict):
            address = urlparse(self.path)
            base = f"http://127.0.0.1:{self.server.server_port}"
            asked.append(f"{address.path} {body or address.query}")
            conformance = [
                f"https://api.stacspec.org/v1.0.0/{one}"
                for one in ("core", "item-search", "collections", "ogcapi-features")
            ]
            links = [
                {"rel": "self", "href": base},
                {"rel": "root", "href": base},
                {"rel": "data", "href": f"{base}/collections"},
            ]
            page = int((body.get("token") or parse_qs(address.query).get("token", ["0"])[0]) or 0)
            answers = {
                "/": {"type": "Catalog", "id": "api", "description": "x", "stac_version": "1.0.0", "conformsTo": conformance,
                      "links": [*links, {"rel": "search", "href": f"{base}/search", "method": "POST"}]},
                "/collections/scenes": {"type": "Collection", "id": "scenes", "title": "Far scenes", "description": "x", "links": [],
                    "stac_version": "1.0.0", "license": "CC0-1.0",
                    "extent": {"spatial": {"bbox": [[0, 0, 1, 1]]}, "temporal": {"interval": [[None, None]]}}},
                "/search": {"type": "FeatureCollection", "features": documents[page * 2 : page * 2 + 2], "numberMatched": 4,
                    "links": [{"rel": "next", "href": f"{base}/search", "method": "POST", "merge": True, "body": {"token": page + 1}}]
                    if page == 0 else []},
            }  # fmt: skip
            found = answers.get(address.path)
            content = json.dumps(found or {"code": "NotFound"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content)

    server = HTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


def test_harvest(catalog: Catalog, api):
    url, asked = api
    report = Report()
    interval = (datetime(2023, 1, 1, tzinfo=UTC), None)
    items = search(url, "scenes", report, bbox=(15, 46, 16, 47), interval=interval, max_cloud=60)
    assert register(catalog, "scenes", items, report) == 3
    assert sorted(item.id for item in catalog.items("scenes")) == ["i0", "i1", "i2"]
    found = catalog.collection("scenes")
    assert (found.title, found.template) == ("Far scenes", "sentinel-2-l2a")
    assert "ndvi" in [style.id for style in found.styles]
    red = catalog.item("scenes", "i0").assets["red"]
    assert red.href == "https://example.com/i0/red.tif"
    assert (red.bands[0].scale, red.bands[0].offset) == (0.0001, -0.1)
    # What Sentinel-2 items do not say, the template does.
    assert any("2023-01-01T00:00:00Z/.." in one and "'bbox': [15" in one for one in asked)


@pytest.mark.parametrize("path", ["/nothing", ""])
def test_an_api_that_is_none(catalog: Catalog, api, path: str):
    url, _ = api
    address, name = (url + path, "scenes") if path else (url, "other")
    with pytest.raises(InvalidParameter, match="STAC API"):
        list(search(address, name, Report()))
    with pytest.raises(InvalidParameter):
        list(search("http://127.0.0.1:9/", "scenes", Report()))


def test_remote_assets_without_a_scale(catalog: Catalog):
    """A harvest opens no file, so what the item does not say comes from the template."""
    asset = {"href": "https://example.com/B04.tif", "type": "image/tiff; application=geotiff"}
    document = {
        "type": "Feature", "id": "a", "bbox": [0, 0, 1, 1], "properties": {"datetime": "2023-08-10T00:00:00Z"},
        "geometry": None, "assets": dict.fromkeys(("B02", "B03", "B04", "SCL"), asset),
    }  # fmt: skip
    register(catalog, "far", iter([(document, None)]), Report())
    item = catalog.item("far", "a")
    assert item.assets["B04"].bands[0].scale == 0.0001
    assert item.assets["SCL"].bands[0].scale is None
    assert isinstance(item.assets["B04"], Asset)
