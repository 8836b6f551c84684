"""WMS 1.3.0 and 1.1.1 against OGC's schemas, PROJ's axis orders and the ramp."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyproj import CRS, Transformer

from tests.ramp import DATES, POINTS, color
from tests.standards.schemas import validated

MAP = {
    "service": "WMS", "request": "GetMap", "version": "1.3.0", "layers": "ramp", "styles": "", "crs": "EPSG:3857",
    "bbox": "1560000,6370000,1660000,6500000", "width": "200", "height": "260", "format": "image/png",
    "transparent": "TRUE", "time": "2024-05-11",
}  # fmt: skip
AREA = (14.1, 49.6, 14.9, 50.4)


def image(response) -> Image.Image:
    assert response.status_code == 200, response.text[:300]
    return Image.open(io.BytesIO(response.content)).convert("RGBA")


def exception(response, status=400):
    assert response.status_code == status, response.text[:300]
    one = validated(response.content)[0]
    return one.get("code")


@pytest.mark.parametrize(
    ("version", "asked"), [("1.3.0", "1.3.0"), ("1.3.0", ""), ("1.3.0", "9.9"), ("1.1.1", "1.1.1"), ("1.1.1", "1.0.0")]
)
def test_capabilities_are_valid(client, version, asked):
    response = client.get(
        "/wms", params={"service": "WMS", "request": "GetCapabilities", **({"version": asked} if asked else {})}
    )
    root = validated(response.content)
    assert root.get("version") == version
    media = "text/xml" if version == "1.3.0" else "application/vnd.ogc.wms_xml"
    assert response.headers["content-type"].startswith(media)
    names = [e.text for e in root.iter() if str(e.tag).endswith("Name") and str(e.getparent().tag).endswith("Layer")]
    assert names == ["ramp", "static", "passes"]
    tag = "Dimension" if version == "1.3.0" else "Extent"
    times = [e for e in root.iter() if str(e.tag).endswith(tag)]
    assert times[0].get("name") == "time"
    assert times[0].text == ",".join(DATES)
    assert times[0].get("default") == DATES[-1]


def test_update_sequences(client):
    def ask(sequence):
        return client.get("/wms", params={"service": "WMS", "request": "GetCapabilities", "updatesequence": sequence})

    now = int(validated(ask("0").content).get("updateSequence"))
    assert exception(ask(str(now))) == "CurrentUpdateSequence"
    assert exception(ask(str(now + 1))) == "InvalidUpdateSequence"
    assert exception(ask("x")) == "InvalidUpdateSequence"


CODES = (
    "EPSG:3857",
    "EPSG:4326",
    "EPSG:5514",
    "EPSG:25833",
    "EPSG:3035",
    "EPSG:31287",
    "EPSG:2180",
    "EPSG:4258",
    "EPSG:3045",
    "ESRI:54009",
)


@pytest.mark.parametrize(
    ("version", "code"), [("1.3.0", "CRS:84"), *((v, c) for v in ("1.3.0", "1.1.1") for c in CODES)]
)
def test_every_crs_in_its_own_axis_order(client, code, version):
    """The oracle of the axis order is the authority's own definition in PROJ."""
    name = "OGC:CRS84" if code == "CRS:84" else code
    crs = CRS.from_user_input(name)
    to = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    left, bottom, right, top = to.transform_bounds(*AREA)
    north_first = crs.axis_info[0].direction == "north"
    swap = version == "1.3.0" and north_first
    box = (bottom, left, top, right) if swap else (left, bottom, right, top)
    params = {**MAP, "version": version, "bbox": ",".join(map(repr, box)), "width": "256", "height": "256"}
    del params["crs"]
    params["crs" if version == "1.3.0" else "srs"] = code
    found = image(client.get("/wms", params=params))
    for lon, lat in POINTS:
        x, y = to.transform(lon, lat)
        at = int((x - left) / (right - left) * 256), int((top - y) / (top - bottom) * 256)
        assert np.abs(np.subtract(found.getpixel(at)[:3], color(lon, lat, "2024-05-11"))).max() <= 5


@pytest.mark.parametrize(
    ("time", "blue"),
    [("2024-05-01", 40), ("2024-05-01T00:00:00Z", 40), ("current", 200), ("default", 200), ("", 200),
     ("2024-05-01,2024-05-11", 120), ("2024-05-11,2024-05-01", 120), ("2024-05-01/2024-05-12/P1D", 120),
     ("2024-05-01/2024-05-12", 120), ("2024-05-13", 120)],
)  # fmt: skip
def test_times(client, time, blue):
    found = image(client.get("/wms", params={**MAP, "time": time}))
    assert abs(found.getpixel((100, 130))[2] - blue) <= 2


def test_no_image_at_all_is_transparent_or_background(client):
    assert image(client.get("/wms", params={**MAP, "time": "1999-01-01"})).getextrema()[3] == (0, 0)
    found = image(
        client.get("/wms", params={**MAP, "time": "1999-01-01", "transparent": "FALSE", "bgcolor": "0x102030"})
    )
    assert found.getextrema() == ((16, 16), (32, 32), (48, 48), (255, 255))
    jpeg = image(
        client.get("/wms", params={**MAP, "time": "1999-01-01", "format": "image/jpeg", "bgcolor": "0xFF0000"})
    )
    assert jpeg.getpixel((5, 5))[0] > 250
    assert jpeg.getpixel((5, 5))[1] < 6


def test_layers_lie_on_each_other(client):
    """The upper one where it has an image, the lower one beside it: GDAL reads one band of a file and all of them
    with edges of their own."""
    west = {**MAP, "bbox": "1540000,6370000,1600000,6430000", "width": "60", "height": "60"}

    def drawn(layers: str, styles: str) -> np.ndarray:
        return np.array(image(client.get("/wms", params={**west, "layers": layers, "styles": styles})))

    longitude, rgb = drawn("static", "longitude"), drawn("ramp", "rgb")
    assert (longitude != rgb).any()
    assert np.count_nonzero((longitude[..., 3] > 0) != (rgb[..., 3] > 0)) < 60
    for layers, styles, below, top in (
        ("static,ramp", "longitude,rgb", longitude, rgb),
        ("ramp,static", "rgb,longitude", rgb, longitude),
    ):
        np.testing.assert_array_equal(drawn(layers, styles), np.where(top[..., 3:] > 0, top, below))


def test_formats_and_the_size(client):
    for media, kind in (
        ("image/png", "PNG"),
        ("image/jpeg", "JPEG"),
        ("image/webp", "WEBP"),
        ("image/png; mode=8bit", "PNG"),
    ):
        response = client.get("/wms", params={**MAP, "format": media, "width": "321", "height": "33"})
        found = Image.open(io.BytesIO(response.content))
        assert (found.format, found.size) == (kind, (321, 33))


def test_etags(client):
    for more in ({}, {"transparent": "FALSE"}):
        first = client.get("/wms", params={**MAP, **more})
        again = client.get("/wms", params={**MAP, **more}, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"layers": "nope"}, "LayerNotDefined"), ({"layers": "ramp,nope", "styles": ","}, "LayerNotDefined"),
        ({"styles": "nope"}, "StyleNotDefined"), ({"styles": "rgb,rgb"}, "StyleNotDefined"),
        ({"crs": "EPSG:999999"}, "InvalidCRS"), ({"crs": "+proj=merc +nadgrids=/etc/passwd"}, "InvalidCRS"),
        ({"crs": "EPSG:4326;DROP"}, "InvalidCRS"), ({"crs": "EPSG:5703"}, "InvalidCRS"), ({"crs": "IAU:49910"}, "InvalidCRS"),
        ({"format": "image/gif"}, "InvalidFormat"), ({"time": "bogus"}, "InvalidDimensionValue"),
        ({"bbox": "1,2,3"}, "InvalidParameterValue"), ({"bbox": "5,5,1,1"}, "InvalidParameterValue"),
        ({"bbox": "nan,0,1,1"}, "InvalidParameterValue"), ({"bbox": "inf,0,1,1"}, "InvalidParameterValue"),
        ({"width": "0"}, "InvalidParameterValue"), ({"width": "-5"}, "InvalidParameterValue"), ({"height": "x"}, "InvalidParameterValue"),
        ({"transparent": "maybe"}, "InvalidParameterValue"), ({"bgcolor": "red"}, "InvalidParameterValue"),
        ({"request": "Bogus"}, "OperationNotSupported"), ({"service": "WFS"}, "InvalidParameterValue"),
        ({"version": "7"}, "InvalidParameterValue"), ({"width": "30000", "height": "30000"}, None),
        ({"layers": ",".join(["ramp"] * 40), "styles": ""}, None),
    ],
)  # fmt: skip
def test_exceptions(client, change, code):
    assert exception(client.get("/wms", params={**MAP, **change})) == code
    if "crs" in change:
        old = {**MAP, "version": "1.1.1", "srs": change["crs"]}
        del old["crs"]
        assert exception(client.get("/wms", params=old)) == "InvalidSRS"


@pytest.mark.parametrize("name", ["layers", "styles", "crs", "bbox", "width", "height", "format", "version", "request"])
def test_missing_and_doubled(client, name):
    assert exception(client.get("/wms", params={k: v for k, v in MAP.items() if k != name})) == "MissingParameterValue"
    assert exception(client.get("/wms", params=[*MAP.items(), (name.upper(), "other")])) == "InvalidParameterValue"


def test_errors_as_pictures(client):
    wrong = {**MAP, "layers": "nope"}
    for name in ("INIMAGE", "application/vnd.ogc.se_inimage"):
        response = client.get("/wms", params={**wrong, "exceptions": name})
        found = Image.open(io.BytesIO(response.content))
        assert response.status_code == 400
        assert found.size == (200, 260)
        assert len(found.getcolors(9999)) > 1
    blank = client.get("/wms", params={**wrong, "exceptions": "BLANK"})
    assert Image.open(io.BytesIO(blank.content)).getextrema()[3] == (0, 0)
    assert exception(client.get("/wms", params={**wrong, "exceptions": "XML"})) == "LayerNotDefined"
    assert (
        exception(client.get("/wms", params={**wrong, "exceptions": "INIMAGE", "width": "99999"})) == "LayerNotDefined"
    )


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
def test_feature_info(client, version):
    names = ("i", "j", "crs") if version == "1.3.0" else ("x", "y", "srs")
    params = {k: v for k, v in MAP.items() if k != "crs"} | {
        "version": version, "request": "GetFeatureInfo", "query_layers": "ramp", names[0]: "40", names[1]: "60",
        names[2]: "EPSG:3857", "info_format": "application/json",
    }  # fmt: skip
    one = client.get("/wms", params=params).json()["features"][0]
    lon, lat = one["geometry"]["coordinates"]
    found = [one["properties"][f"b{i}"] for i in (1, 2, 3)]
    assert np.abs(np.subtract(found, color(lon, lat, "2024-05-11"))).max() <= 1
    picture = image(client.get("/wms", params={**MAP}))
    assert np.abs(np.subtract(picture.getpixel((40, 60))[:3], found)).max() <= 4
    assert exception(client.get("/wms", params={**params, names[0]: "200"})) == "InvalidPoint"
    assert exception(client.get("/wms", params={**params, "query_layers": "nope"})) == "LayerNotDefined"
    assert exception(client.get("/wms", params={**params, "info_format": "x/y"})) == "InvalidFormat"
    assert (
        exception(client.get("/wms", params={k: v for k, v in params.items() if k != names[1]}))
        == "MissingParameterValue"
    )
    outside = client.get("/wms", params={**params, "bbox": "-1000000,-1000000,-900000,-900000"}).json()["features"][0]
    assert outside["properties"]["item"] is None
    assert outside["properties"]["valid"] is False


def test_legend_graphics(client):
    base = {"service": "WMS", "version": "1.3.0", "request": "GetLegendGraphic", "layer": "ramp", "style": "longitude"}
    response = client.get("/wms", params={**base, "format": "image/png"})
    assert Image.open(io.BytesIO(response.content)).width > 100
    assert client.get("/wms", params={**base, "format": "image/svg+xml"}).text.startswith("<svg")
    assert exception(client.get("/wms", params={**base, "layer": "nope"})) == "LayerNotDefined"
    assert exception(client.get("/wms", params={**base, "style": "nope"})) == "StyleNotDefined"
    assert exception(client.get("/wms", params={**base, "format": "image/gif"})) == "InvalidFormat"


VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", "ramp", "rgb", "EPSG:4326", "0,0,1,1", "256", "image/png", "1e308,1,2,3", "-180,-90,180,90"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from([*MAP, "bgcolor", "exceptions", "i", "query_layers"]), VALUES, max_size=3),
       operation=st.sampled_from(["GetMap", "GetFeatureInfo", "GetLegendGraphic", "GetCapabilities"]))  # fmt: skip
def test_nothing_that_one_writes_is_a_500(client, changes, operation):
    response = client.get("/wms", params={**MAP, "request": operation, "width": "16", "height": "16", **changes})
    assert response.status_code in {200, 400}
    if response.status_code == 200:
        assert b"ServiceException" not in response.content[:400]


def test_strange_but_possible_boxes(client):
    for code, box in (("EPSG:4326", "-90,-180,90,180"), ("EPSG:3857", "-9e7,-9e7,9e7,9e7"), ("EPSG:4326", "-400,-400,400,400"),
                      ("EPSG:25833", "-1e7,-1e7,1e7,1e7"), ("EPSG:3413", "-9e6,-9e6,9e6,9e6")):  # fmt: skip
        response = client.get("/wms", params={**MAP, "crs": code, "bbox": box, "width": "64", "height": "64"})
        assert response.status_code == 200, (code, box)
