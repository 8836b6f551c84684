"""Every codec, predictor, type and layout against GDAL's own reading of the same file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling

from tests.cog.files import SIDE, asset, pixels, whole, write
from tileserver.cog import Unsupported, open_cog

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
CODECS = ("none", "deflate", "lzw", "zstd", "packbits", "lzma")


def same(path: Path) -> None:
    """All planes of all levels are what GDAL reads."""
    cog = open_cog(asset(path))
    for level, (width, height) in enumerate(cog.grid.levels):
        options = {"overview_level": level - 1} if level else {}
        with rasterio.open(path, **options) as dataset:
            assert (dataset.width, dataset.height) == (width, height)
            for plane in range(dataset.count):
                np.testing.assert_array_equal(whole(cog, level, plane), dataset.read(plane + 1))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", [*INTEGERS, "float32", "float64"])
def test_codecs_and_types(tmp_path: Path, codec: str, dtype: str) -> None:
    same(write(tmp_path / "a.tif", pixels(dtype), compress=codec))


@pytest.mark.parametrize("dtype", [*INTEGERS, "float32", "float64"])
@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("endianness", ["LITTLE", "BIG"])
def test_predictors_bands_and_byte_orders(tmp_path: Path, dtype: str, interleave: str, endianness: str) -> None:
    predictor = 3 if dtype.startswith("f") else 2
    options = {"compress": "deflate", "predictor": predictor, "interleave": interleave, "ENDIANNESS": endianness}
    same(write(tmp_path / "a.tif", pixels(dtype, 3), **options))


@pytest.mark.parametrize("lines", [1, 7, SIDE])
@pytest.mark.parametrize("bands", [1, 3])
def test_strips(tmp_path: Path, lines: int, bands: int) -> None:
    options = {"tiled": False, "blockxsize": None, "blockysize": lines, "compress": "lzw", "predictor": 2}
    same(write(tmp_path / "a.tif", pixels("uint16", bands), **options))


def test_bigtiff(tmp_path: Path) -> None:
    same(write(tmp_path / "a.tif", pixels("uint16"), BIGTIFF="YES", compress="zstd"))


@pytest.mark.parametrize("extra", [{}, {"LERC_VERSION": "2.4"}])
@pytest.mark.parametrize("codec", ["lerc", "lerc_deflate", "lerc_zstd"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_lerc(tmp_path: Path, codec: str, dtype: str, extra: dict[str, str]) -> None:
    same(write(tmp_path / "a.tif", pixels(dtype), compress=codec, max_z_error=0.01, **extra))


@pytest.mark.parametrize(("bands", "photometric"), [(1, "MINISBLACK"), (3, "RGB"), (3, "YCBCR")])
def test_jpeg_is_close(tmp_path: Path, bands: int, photometric: str) -> None:
    """Two JPEG decoders differ by rounding; chroma is smoothed in two ways."""
    options = {"compress": "jpeg", "photometric": photometric, "jpeg_quality": 90, "interleave": "pixel"}
    path = write(tmp_path / "a.tif", pixels("uint8", bands), **options)
    cog = open_cog(asset(path))
    with rasterio.open(path) as dataset:
        for plane in range(bands):
            difference = np.abs(whole(cog, 0, plane).astype(int) - dataset.read(plane + 1))
            assert difference.mean() < 1.0
            assert difference.max() <= 24


@pytest.mark.parametrize("bands", [3, 4])
def test_lossless_webp(tmp_path: Path, bands: int) -> None:
    data = pixels("uint8", bands)
    same(write(tmp_path / "a.tif", data, compress="webp", WEBP_LOSSLESS="YES", interleave="pixel"))


def test_overviews_within_and_beside(tmp_path: Path) -> None:
    for name, options in (("in.tif", {}), ("beside.tif", {"TIFF_USE_OVR": "YES"})):
        path = write(tmp_path / name, pixels("uint16"), compress="deflate")
        with rasterio.Env(**options), rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4], Resampling.average)
        assert (tmp_path / f"{name}.ovr").exists() == bool(options)
        assert len(open_cog(asset(path)).levels) == 3
        same(path)


def test_sparse_blocks_are_nodata(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    data = pixels("int16")
    data[:, :64] = -5
    same(write(path, data, nodata=-5, SPARSE_OK="TRUE", compress="deflate"))
    assert not open_cog(asset(path)).levels[0].image.offsets[:3].any()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"dtype": "complex64"}, "pixels"),
        ({"nbits": 12, "dtype": "uint16"}, "12 bits"),
    ],
)
def test_what_is_for_gdal_says_why(tmp_path: Path, options: dict[str, object], reason: str) -> None:
    data = pixels("uint16").astype(str(options["dtype"]))
    path = write(tmp_path / "a.tif", data, **{key: value for key, value in options.items() if key != "dtype"})
    with pytest.raises(Unsupported, match=reason):
        open_cog(asset(path))
