"""Any raster becomes a COG with the same pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from tileserver.errors import SourceUnreadable
from tileserver.ingest.convert import Converter
from tileserver.ingest.raster import inspect

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (RNG.integers(0, 999, (1, 1300, 1200), np.uint16), {"nodata": 0}),
        (RNG.normal(0, 1, (2, 1100, 1100)).astype(np.float32), {"nodata": float("nan")}),
        (RNG.integers(0, 9, (1, 1100, 1100)).astype(np.uint8), {}),
        (RNG.integers(0, 255, (3, 1100, 1100)).astype(np.uint8), {"photometric": "RGB"}),
        (RNG.integers(-999, 999, (1, 1100, 1100)).astype(np.int32), {}),
    ],
    ids=["uint16", "float", "classes", "rgb", "int32"],
)
def test_same_pixels(tmp_path: Path, data: np.ndarray, options: dict):
    source = tmp_path / "in" / "a b.tif"
    source.parent.mkdir()
    profile = {
        "driver": "GTiff",
        "count": len(data),
        "height": data.shape[1],
        "width": data.shape[2],
        "dtype": data.dtype,
    }
    with rasterio.open(
        source, "w", crs="EPSG:32633", transform=Affine(10, 0, 5e5, 0, -10, 5e6), **profile, **options
    ) as out:
        out.write(data)
        out.scales = (0.5,) * len(data)
        out.offsets = (2.0,) * len(data)
        out.update_tags(TIFFTAG_DATETIME="2020:01:02 03:04:05")
    converter = Converter(tmp_path / "out")
    seen = inspect(str(source), "data")
    assert converter.wants(seen)
    made = converter.convert(source)
    assert cog_validate(made, quiet=True)[0]
    with rasterio.open(made) as cog:
        assert np.array_equal(cog.read(), data, equal_nan=data.dtype.kind == "f")
        assert cog.scales[0] == 0.5
        assert cog.tags()["TIFFTAG_DATETIME"] == "2020:01:02 03:04:05"
        if data.dtype == np.uint8 and len(data) == 1:
            # Class numbers are never averaged into others.
            small = cog.read(1, out_shape=(275, 275))
            assert np.isin(small, np.unique(data)).all()
    again = inspect(made, "data")
    assert again.hint == ""
    assert again.bbox == pytest.approx(seen.bbox)


def test_made_once_and_again_when_the_source_changes(tmp_path: Path):
    source = tmp_path / "x.asc"
    text = "ncols 3\nnrows 2\nxllcorner 15\nyllcorner 46\ncellsize 0.1\nNODATA_value -9\n1 2 3\n4 5 {}\n"
    source.write_text(text.format(6))
    (tmp_path / "x.prj").write_text(rasterio.crs.CRS.from_epsg(4326).to_wkt())
    converter = Converter(tmp_path / "out")
    assert converter.made(source) is None
    made = Path(converter.convert(source))
    stamp = made.stat().st_mtime_ns
    assert converter.convert(source) == str(made)
    assert made.stat().st_mtime_ns == stamp
    source.write_text(text.format(7))
    converter.convert(source)
    with rasterio.open(made) as cog:
        assert cog.read(1)[1, 2] == 7
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".tif"]


def test_damage_leaves_nothing_behind(tmp_path: Path):
    source = tmp_path / "x.jp2"
    source.write_bytes(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"junk" * 50)
    with pytest.raises(SourceUnreadable):
        Converter(tmp_path / "out").convert(source)
    assert list((tmp_path / "out").iterdir()) == []
