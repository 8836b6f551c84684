"""Sentinel-2 SAFE folders: metadata, JPEG 2000, offsets; and their way into a catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from tileserver.catalog import open_catalog
from tileserver.errors import SourceUnreadable
from tileserver.ingest.convert import Converter
from tileserver.ingest.folders import index_folders
from tileserver.ingest.report import Report
from tileserver.ingest.safe import read_metadata, read_safe
from tileserver.ingest.scan import scan_one
from tileserver.ingest.sync import Sync

NAME = "S2A_MSIL2A_20230810T100031_N0509_R122_T33TWM_20230810T143012"
OFFSETS = "".join(f'<BOA_ADD_OFFSET band_id="{band}">-1000</BOA_ADD_OFFSET>' for band in range(13))
XML = """<?xml version="1.0"?><n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/"><n1:General_Info>
<Product_Info><PRODUCT_START_TIME>2023-08-10T10:00:31.024Z</PRODUCT_START_TIME>
<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE><Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake>
</Product_Info><Product_Image_Characteristics><QUANTIFICATION_VALUES_LIST>
<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>
<BOA_ADD_OFFSET_VALUES_LIST>{offsets}</BOA_ADD_OFFSET_VALUES_LIST></Product_Image_Characteristics></n1:General_Info>
<n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>
</n1:Level-2A_User_Product>"""


def write_jp2(path: Path, data: np.ndarray, metres: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = data if data.ndim == 3 else data[np.newaxis]
    profile = {
        "driver": "JP2OpenJPEG", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2],
        "dtype": bands.dtype, "crs": "EPSG:32633", "transform": Affine(metres, 0, 5e5, 0, -metres, 5.2e6),
        "QUALITY": "100", "REVERSIBLE": "YES",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(bands)


@pytest.fixture
def safe(tmp_path: Path) -> Path:
    """A small product of baseline 05.09."""
    folder = tmp_path / "products" / f"{NAME}.SAFE"
    images = folder / "GRANULE" / "L2A_T33TWM_A042480_20230810T100031" / "IMG_DATA"
    values = np.random.default_rng(1).integers(1000, 5000, (120, 120), np.uint16)
    values[:10] = 0
    for band in ("B02", "B03", "B04", "B08"):
        write_jp2(images / "R10m" / f"T33TWM_20230810T100031_{band}_10m.jp2", values, 10)
    write_jp2(images / "R20m" / "T33TWM_20230810T100031_B04_20m.jp2", values[::2, ::2], 20)
    write_jp2(images / "R20m" / "T33TWM_20230810T100031_SCL_20m.jp2", (values[::2, ::2] % 12).astype(np.uint8), 20)
    write_jp2(folder / "GRANULE" / "L2A_T33TWM_A042480_20230810T100031" / "QI_DATA" / "MSK_B04.jp2", values, 10)
    (folder / "MTD_MSIL2A.xml").write_text(XML.format(baseline="05.09", offsets=OFFSETS))
    (images.parent / "MTD_TL.xml").write_text("<a><SENSING_TIME>2023-08-10T10:07:53.5Z</SENSING_TIME></a>")
    return folder


def test_metadata(safe: Path):
    found = read_metadata(safe / "MTD_MSIL2A.xml")
    assert (found.level, found.baseline, found.platform, found.cloud_cover) == ("L2A", "05.09", "sentinel-2a", 12.5)
    assert found.scale == 0.0001
    assert found.offsets["B04"] == found.offsets["B8A"] == -0.1
    assert set(found.offsets) == {
        "B01",
        "B02",
        "B03",
        "B04",
        "B05",
        "B06",
        "B07",
        "B08",
        "B8A",
        "B09",
        "B10",
        "B11",
        "B12",
    }


def test_older_baselines_have_no_offset(safe: Path):
    (safe / "MTD_MSIL2A.xml").write_text(XML.format(baseline="02.14", offsets=""))
    (item,) = read_safe(safe, "s2")
    assert item.assets["B04"].bands[0].offset == 0


def test_the_item(safe: Path):
    (item,) = read_safe(safe, "s2")
    assert (item.id, item.cloud_cover) == (NAME, 12.5)
    assert item.datetime == datetime(2023, 8, 10, 10, 7, 53, 500_000, tzinfo=UTC)
    assert sorted(item.assets) == ["B02", "B03", "B04", "B08", "SCL"]
    band = item.assets["B04"].bands[0]
    assert (band.scale, band.offset, band.nodata) == (0.0001, -0.1, 0)
    assert item.assets["B04"].shape == (120, 120)
    assert item.assets["SCL"].bands[0].scale is None
    assert item.properties["s2:mgrs_tile"] == "33TWM"


@pytest.mark.parametrize("text", ["", "<a>", "not xml", "<a><BOA_ADD_OFFSET band_id='99'>1</BOA_ADD_OFFSET></a>",
                                  "<a><BOA_QUANTIFICATION_VALUE>0</BOA_QUANTIFICATION_VALUE></a>",
                                  "<a><BOA_QUANTIFICATION_VALUE>many</BOA_QUANTIFICATION_VALUE></a>"])  # fmt: skip
def test_bad_metadata(safe: Path, text: str):
    (safe / "MTD_MSIL2A.xml").write_text(text)
    if text.startswith("<a><BOA_QUANTIFICATION_VALUE>0"):
        (safe / "MTD_MSIL2A.xml").write_text(text.replace("</a>", '<BOA_ADD_OFFSET band_id="1">5</BOA_ADD_OFFSET></a>'))
    with pytest.raises(SourceUnreadable, match="metadata"):
        read_safe(safe, "s2")


def test_entities_do_not_explode(safe: Path):
    bomb = '<!DOCTYPE a [<!ENTITY b0 "x">' + "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 12))
    (safe / "MTD_MSIL2A.xml").write_text(f"{bomb}]><a>&b11;</a>")
    with pytest.raises(SourceUnreadable, match="metadata"):
        read_safe(safe, "s2")


def test_served_as_it_is(safe: Path, tmp_path: Path):
    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db")
    report = Report()
    index_folders(catalog, [safe.parent], report)
    (found,) = catalog.collections()
    assert (found.id, found.template) == ("products", "sentinel-2-l2a")
    assert [style.id for style in found.styles][:2] == ["natural", "ndvi"]
    assert report.skipped == []
    assert any("JPEG 2000" in text for _, text in report.hints)
    index_folders(catalog, [safe], report)
    assert [item.id for item in catalog.items("products")] == [NAME]


def test_ingested_as_cogs(safe: Path, tmp_path: Path):
    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db")
    converter = Converter(tmp_path / "cogs")

    def run() -> bool:
        from dataclasses import replace

        found = replace(scan_one(safe), id="s2")
        return Sync(catalog, found, Report(), {}, converter=converter, shared=True).run()

    assert run() is True
    (item,) = catalog.items("s2")
    for key, asset in item.assets.items():
        assert cog_validate(asset.href, quiet=True)[0], key
        with rasterio.open(asset.href) as made:
            band = key if key != "SCL" else "SCL"
            metres = "20m" if key == "SCL" else "10m"
            (source,) = safe.glob(f"GRANULE/*/IMG_DATA/R{metres}/*_{band}_{metres}.jp2")
            with rasterio.open(source) as original:
                assert np.array_equal(made.read(), original.read())
            assert made.nodata == 0
    band = item.assets["B04"].bands[0]
    assert (band.scale, band.offset) == (0.0001, -0.1)
    assert run() is False
    assert catalog.items("s2") == [item]
