"""OWSLib, pystac-client and MapProxy as users of the services."""

from __future__ import annotations

import io
import urllib.request

import numpy as np
import pystac_client
import pytest
from owslib.util import ServiceException
from owslib.wms import WebMapService
from owslib.wmts import WebMapTileService
from PIL import Image

from tests.ramp import DATES, color

pytestmark = pytest.mark.client
BOX = (14.25, 49.75, 14.75, 50.25)


def middle(content: bytes) -> tuple[int, ...]:
    image = Image.open(io.BytesIO(content)).convert("RGB")
    return image.getpixel((image.width // 2, image.height // 2))


def test_owslib_wmts(base):
    service = WebMapTileService(f"{base}/wmts/1.0.0/WMTSCapabilities.xml")
    layer = service.contents["ramp"]
    assert layer.boundingBoxWGS84 == (14.0, 49.5, 15.0, 50.5)
    time = layer.dimensions["Time"]
    assert (time["default"], time["values"]) == (DATES[-1], list(DATES))
    assert {"WebMercatorQuad", "EPSG5514"} <= set(layer.tilematrixsetlinks)
    assert [i.name for i in service.operations] == ["GetCapabilities", "GetTile", "GetFeatureInfo"]
    for date in DATES:
        tile = service.gettile(
            layer="ramp",
            style="rgb",
            tilematrixset="WebMercatorQuad",
            tilematrix="9",
            row=173,
            column=276,
            format="image/png",
            Time=date,
        )
        lon, lat = 276.5 / 512 * 360 - 180, float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 347 / 512)))))
        assert np.abs(np.subtract(middle(tile.read()), color(lon, lat, date))).max() <= 6
    address = service.buildTileResource(
        layer="ramp",
        style="rgb",
        format="image/png",
        tilematrixset="WebMercatorQuad",
        tilematrix="9",
        row=173,
        column=276,
        Time=DATES[0],
    )
    # OWSLib fills in the last of a layer's templates, whatever its format.
    assert f"/wmts/1.0.0/ramp/rgb/{DATES[0]}/WebMercatorQuad/9/173/276." in address
    with urllib.request.urlopen(address) as answer:
        assert np.abs(np.subtract(middle(answer.read()), color(lon, lat, DATES[0]))).max() <= 8


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
def test_owslib_wms(base, version):
    service = WebMapService(f"{base}/wms", version=version)
    layer = service["ramp"]
    assert layer.boundingBoxWGS84 == (14.0, 49.5, 15.0, 50.5)
    assert layer.timepositions == list(DATES)
    assert layer.defaulttimeposition == DATES[-1]
    assert set(layer.styles) == {"rgb", "longitude", "classes"}
    for srs in ("EPSG:4326", "EPSG:3857"):
        box = BOX if srs == "EPSG:4326" else (1586302.8, 6403360.9, 1641962.5, 6489998.0)
        answer = service.getmap(
            layers=["ramp"],
            styles=["rgb"],
            srs=srs,
            bbox=box,
            size=(200, 200),
            format="image/png",
            transparent=True,
            time=DATES[1],
        )
        found = middle(answer.read())
        assert abs(found[0] - color(14.5, 50, DATES[1])[0]) <= 3
        assert abs(found[2] - 120) <= 2
    with pytest.raises(ServiceException, match="nope"):
        service.getmap(layers=["nope"], styles=[""], srs="EPSG:4326", bbox=BOX, size=(9, 9), format="image/png")


def test_pystac_client_browses_and_searches(base):
    client = pystac_client.Client.open(f"{base}/stac")
    assert {c.id for c in client.get_collections()} == {"ramp", "static", "passes"}
    assert client.conforms_to("ITEM_SEARCH")
    found = list(client.search(collections=["ramp"], limit=1).items())
    assert [item.id for item in found] == [f"ramp-{date}" for date in reversed(DATES)]
    one = client.search(collections=["ramp"], datetime="2024-05-11", bbox=[14.1, 49.6, 14.2, 49.7]).item_collection()
    assert [item.id for item in one] == ["ramp-2024-05-11"]
    area = {"type": "Point", "coordinates": [14.5, 50.0]}
    assert len(list(client.search(intersects=area, method="GET").items())) == 6
    item = client.get_collection("ramp").get_item("ramp-2024-05-11")
    assert item.assets["data"].href == f"{base}/collections/ramp/items/ramp-2024-05-11/assets/data"
    assert item.get_single_link("collection").href == f"{base}/stac/collections/ramp"


def test_mapproxy_takes_tiles_and_maps(base, tmp_path):
    """MapProxy as a cache before WMTS (as a tile address) and WMS."""
    import yaml
    from mapproxy.wsgiapp import make_wsgi_app
    from werkzeug.test import Client

    grid = {"base": "GLOBAL_WEBMERCATOR"}
    template = f"{base}/wmts?SERVICE=WMTS&&REQUEST=GetTile&VERSION=1.0.0&LAYER=ramp&STYLE=rgb&FORMAT=image/png&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=%(z)s&TILEROW=%(y)s&TILECOL=%(x)s&TIME={DATES[0]}"
    config = {
        "services": {"wms": {"srs": ["EPSG:3857", "EPSG:4326"]}},
        "grids": {"g": grid},
        "sources": {
            "tiles": {
                "type": "tile",
                "url": template,
                "grid": "g",
                "coverage": {"bbox": [14, 49.5, 15, 50.5], "srs": "EPSG:4326"},
            },
            "maps": {
                "type": "wms",
                "req": {"url": f"{base}/wms?TIME={DATES[1]}", "layers": "ramp", "transparent": True},
                "wms_opts": {"version": "1.3.0"},
            },
        },
        "caches": {name: {"grids": ["g"], "sources": [name], "disable_storage": True} for name in ("tiles", "maps")},
        "layers": [{"name": name, "title": name, "sources": [name]} for name in ("tiles", "maps")],
        "globals": {"cache": {"base_dir": str(tmp_path / "cache")}, "image": {"paletted": False}},
    }
    file = tmp_path / "mapproxy.yaml"
    file.write_text(yaml.safe_dump(config))
    client = Client(make_wsgi_app(str(file)))
    query = "SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&STYLES=&SRS=EPSG:4326&WIDTH=200&HEIGHT=200&FORMAT=image/png"
    for name, date in (("tiles", DATES[0]), ("maps", DATES[1])):
        answer = client.get(f"/service?{query}&LAYERS={name}&BBOX={','.join(map(str, BOX))}")
        assert answer.mimetype == "image/png", answer.text[:300]
        assert np.abs(np.subtract(middle(answer.data), color(14.5, 50.0, date))).max() <= 6, (name, middle(answer.data))
