"""Fewer pixels of a raster: GDAL's own, read by rasterio without any warping."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.enums import Resampling
from rasterio.io import MemoryFile

from gpu.cpu.decimate import decimated

SMOOTH = ("bilinear", "cubic")


def by_gdal(pixels: np.ndarray, size: tuple[int, int], resampling: str, nodata: float | None) -> np.ndarray:
    height, width = pixels.shape
    profile = {"driver": "GTiff", "count": 1, "height": height, "width": width, "dtype": pixels.dtype, "nodata": nodata}
    with MemoryFile() as memory:
        with memory.open(**profile, tiled=True) as dataset:
            dataset.write(pixels, 1)
        with memory.open() as dataset:
            return dataset.read(1, out_shape=size, resampling=Resampling[resampling])


def noise(shape: tuple[int, int], dtype: str = "uint16", share: float = 0.0, nodata: float = 0) -> np.ndarray:
    random = np.random.default_rng(4)
    out = random.integers(1, 120, shape).astype(dtype)
    out[random.random(shape) < share] = nodata
    out[: shape[0] // 3, : int(shape[1] * share)] = nodata
    return out


@pytest.mark.parametrize("resampling", SMOOTH)
@pytest.mark.parametrize(
    ("fine", "size"),
    [
        ((323, 401), (256, 256)),
        ((512, 512), (256, 256)),
        ((768, 700), (256, 256)),
        ((40, 41), (13, 40)),
        ((3, 5), (2, 1)),
    ],
)
def test_ratios(fine: tuple[int, int], size: tuple[int, int], resampling: str) -> None:
    pixels = noise(fine)
    out, ok = decimated(pixels, np.ones(fine, np.bool_), size, resampling, None)
    assert ok.all()
    np.testing.assert_array_equal(out, by_gdal(pixels, size, resampling, None))


@pytest.mark.parametrize("resampling", SMOOTH)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.8, 1.0])
@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", 0), ("int16", -5), ("uint16", 65535), ("float32", -1.5)])
def test_pixels_that_are_not_valid(dtype: str, nodata: float, share: float, resampling: str) -> None:
    pixels = noise((150, 170), dtype, share, nodata)
    valid = pixels != nodata
    out, ok = decimated(np.where(valid, pixels, 0).astype(dtype), valid, (97, 64), resampling, nodata)
    expected = by_gdal(pixels, (97, 64), resampling, nodata)
    np.testing.assert_array_equal(ok, expected != nodata)
    np.testing.assert_allclose(out[ok], expected[ok], rtol=0 if dtype != "float32" else 3e-7)


@pytest.mark.parametrize("resampling", SMOOTH)
@pytest.mark.parametrize("fine", [(1500, 1400), (3000, 380), (1030, 1021), (400, 3001)])
def test_rasters_that_gdal_takes_in_parts(fine: tuple[int, int], resampling: str) -> None:
    pixels, size = noise(fine), (int(fine[0] / 1.43), int(fine[1] / 2.6))
    out, _ = decimated(pixels, np.ones(fine, np.bool_), size, resampling, None)
    np.testing.assert_array_equal(out, by_gdal(pixels, size, resampling, None))


def test_a_kernel_next_to_nothing_is_no_opaque_pixel() -> None:
    """Without nodata zeros are counted, in the alpha band as well."""
    valid = np.ones((60, 60), np.bool_)
    valid[:, 30:] = False
    pixels = np.where(valid, 100, 0).astype("uint8")
    out, ok = decimated(pixels, valid, (40, 40), "bilinear", None)
    alpha = by_gdal(np.where(valid, 255, 0).astype("uint8"), (40, 40), "bilinear", None)
    np.testing.assert_array_equal(ok, alpha == 255)
    np.testing.assert_array_equal(out, by_gdal(pixels, (40, 40), "bilinear", None))
