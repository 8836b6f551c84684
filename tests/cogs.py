"""Small COGs that the tests make themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.shutil import copy


def write_cog(
    path: Path,
    data: np.ndarray,
    *,
    crs: str = "EPSG:32633",
    transform: Affine | None = None,
    nodata: float | None = None,
    scale: float | None = None,
    offset: float | None = None,
    blocksize: int = 128,
    overview_resampling: str = "nearest",
    colormap: dict[int, tuple[int, int, int, int]] | None = None,
    tags: dict[str, str] | None = None,
    mask: np.ndarray | None = None,
    **options: Any,
) -> Path:
    """A deflate COG of (bands, height, width) or (height, width) values; by default 20 m pixels near Graz.

    `mask` (height, width): True where pixels mean something.
    """
    bands = data if data.ndim == 3 else data[np.newaxis]
    transform = transform or Affine(20.0, 0, 500_000.0, 0, -20.0, 5_200_000.0)
    profile = {
        "driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2],
        "dtype": bands.dtype, "crs": crs, "transform": transform, "nodata": nodata,
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    predictor = {"f": 3}.get(bands.dtype.kind, 2)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(bands)
            if mask is not None:
                dataset.write_mask(mask)
            if scale is not None:
                dataset.scales = (scale,) * len(bands)
            if offset is not None:
                dataset.offsets = (offset,) * len(bands)
            if colormap:
                dataset.write_colormap(1, colormap)
            dataset.update_tags(**(tags or {}))
        with memory.open() as dataset:
            copy(
                dataset, path, driver="COG", compress="deflate", predictor=predictor, blocksize=blocksize,
                overview_resampling=overview_resampling, **options,
            )  # fmt: skip
    return path


def read(path: Path, index: int = 1) -> np.ndarray:
    """The native pixels by rasterio."""
    with rasterio.open(path) as dataset:
        return dataset.read(index)


def ramp(height: int = 300, width: int = 400, dtype: str = "uint16") -> np.ndarray:
    """Values that tell where they are: column + 1000 * row / height, never 0."""
    rows, columns = np.mgrid[0:height, 0:width]
    return (1 + columns * 10 + rows).astype(dtype)


__all__ = ["Resampling", "ramp", "read", "write_cog"]
