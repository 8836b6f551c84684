"""GDAL reads WMTS, WMS and XYZ by its own drivers: the one inside rasterio, and Debian's gdal_translate where it is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform, transform_bounds
from rasterio.windows import from_bounds

from tests.ramp import DATES, POINTS, color

AREA = (14.1, 49.6, 14.9, 50.4)
pytestmark = pytest.mark.client


def assert_right(dataset: str, date: str, tolerance: int = 6) -> None:
    """Reads the area through GDAL and compares the colours of the probe points."""
    with rasterio.Env(GDAL_HTTP_TIMEOUT="60", GDAL_HTTP_MAX_RETRY="0"), rasterio.open(dataset) as opened:
        crs = opened.crs
        box = transform_bounds("EPSG:4326", crs, *AREA)
        window = from_bounds(*box, transform=opened.transform)
        data = opened.read(window=window, out_shape=(opened.count, 400, 400))
    assert data.shape[0] >= 3
    assert data.any()
    for lon, lat in POINTS:
        (x,), (y,) = transform("EPSG:4326", crs, [lon], [lat])
        col = int((x - box[0]) / (box[2] - box[0]) * 400)
        row = int((box[3] - y) / (box[3] - box[1]) * 400)
        assert np.abs(data[:3, row, col].astype(int) - color(lon, lat, date)).max() <= tolerance, (
            lon,
            lat,
            data[:, row, col],
        )


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GDAL_DEFAULT_WMS_CACHE_PATH", str(tmp_path / "gdal-cache"))


@pytest.mark.parametrize(
    "matrix_set",
    ["WebMercatorQuad", "WorldCRS84Quad", "WGS1984Quad", "EPSG5514", "EPSG25833", "EuropeanETRS89_LAEAQuad"],
)
@pytest.mark.parametrize("address", ["/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/wmts/1.0.0/WMTSCapabilities.xml"])
def test_wmts(base, matrix_set, address):
    """GDAL takes the default time, which is the newest."""
    assert_right(f"WMTS:{base}{address},layer=ramp,tilematrixset={matrix_set},style=rgb", DATES[-1])


@pytest.mark.parametrize("date", DATES[:2])
def test_wmts_of_another_date(base, date, tmp_path):
    """As GDAL's documentation says: the default is changed in a local copy of the document."""
    with urllib.request.urlopen(f"{base}/collections/ramp/wmts/1.0.0/WMTSCapabilities.xml") as answer:
        document = answer.read().decode()
    file = tmp_path / "capabilities.xml"
    file.write_text(re.sub(r"<Default>[^<]*", f"<Default>{date}", document))
    assert_right(f"WMTS:{file},layer=ramp,tilematrixset=WebMercatorQuad,style=rgb", date)


def test_wmts_without_time(base):
    assert_right(
        f"WMTS:{base}/wmts/1.0.0/WMTSCapabilities.xml,layer=static,tilematrixset=EPSG5514,style=rgb", DATES[-1]
    )


def wms(base: str, crs: str, date: str, version: str) -> str:
    west, south, east, north = transform_bounds("EPSG:4326", crs, *AREA)
    order = "<BBoxOrder>yxYX</BBoxOrder>" if crs in {"EPSG:4326", "EPSG:3035"} and version == "1.3.0" else ""
    name = "CRS" if version == "1.3.0" else "SRS"
    return (
        f"<GDAL_WMS><Service name='WMS'><Version>{version}</Version><ServerUrl>{escape(f'{base}/wms?TIME={date}&')}</ServerUrl>"
        f"<{name}>{crs}</{name}><ImageFormat>image/png</ImageFormat><Transparent>TRUE</Transparent><Layers>ramp</Layers>"
        f"<Styles>rgb</Styles>{order}</Service><DataWindow><UpperLeftX>{west}</UpperLeftX><UpperLeftY>{north}</UpperLeftY>"
        f"<LowerRightX>{east}</LowerRightX><LowerRightY>{south}</LowerRightY><SizeX>400</SizeX><SizeY>400</SizeY></DataWindow>"
        f"<Projection>{crs}</Projection><BandsCount>4</BandsCount><BlockSizeX>200</BlockSizeX><BlockSizeY>200</BlockSizeY></GDAL_WMS>"
    )


@pytest.mark.parametrize("version", ["1.3.0", "1.1.1"])
@pytest.mark.parametrize(
    ("crs", "date"),
    [("EPSG:4326", DATES[0]), ("EPSG:3857", DATES[1]), ("EPSG:3035", DATES[1]), ("EPSG:5514", DATES[2])],
)
def test_wms(base, crs, date, version):
    assert_right(wms(base, crs, date, version), date)


def test_wms_by_its_capabilities(base):
    with rasterio.open(f"WMS:{base}/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.3.0") as document:
        names = [name for name in document.subdatasets if "layers=ramp" in name.lower()]
    assert names, document.subdatasets


@pytest.mark.parametrize("date", DATES)
def test_xyz_by_the_tms_driver(base, date):
    address = f"{base}/xyz/ramp/rgb/{date}/${{z}}/${{x}}/${{y}}.png"
    half = 20037508.342789244
    assert_right(
        f"<GDAL_WMS><Service name='TMS'><ServerUrl>{address}</ServerUrl></Service><DataWindow><UpperLeftX>-{half}</UpperLeftX>"
        f"<UpperLeftY>{half}</UpperLeftY><LowerRightX>{half}</LowerRightX><LowerRightY>-{half}</LowerRightY>"
        "<TileLevel>11</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY><YOrigin>top</YOrigin></DataWindow>"
        "<Projection>EPSG:3857</Projection><BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY><BandsCount>4</BandsCount></GDAL_WMS>",
        date,
    )


def test_a_file_by_ranges(base):
    with rasterio.open(f"/vsicurl/{base}/collections/ramp/items/ramp-{DATES[0]}/assets/data") as dataset:
        assert dataset.count == 3
        assert dataset.read(3).max() == 40


def test_debian_s_gdal(base, tmp_path):
    program = shutil.which("gdal_translate")
    if not program:
        pytest.skip("no gdal_translate: apt-get install --no-install-recommends gdal-bin")
    out = tmp_path / "out.tif"
    source = f"WMTS:{base}/wmts/1.0.0/WMTSCapabilities.xml,layer=ramp,tilematrixset=EPSG5514,style=rgb"
    box = transform_bounds("EPSG:4326", "EPSG:5514", *AREA)
    window = [str(v) for v in (box[0], box[3], box[2], box[1])]
    command = [program, "-q", "-projwin", *window, "-outsize", "400", "400", source, str(out)]
    environment = {k: v for k, v in os.environ.items() if k not in {"PROJ_LIB", "PROJ_DATA", "GDAL_DATA"}}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert Path(out).stat().st_size > 1000
    assert_right(str(out), DATES[-1])
