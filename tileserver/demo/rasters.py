"""Writing arrays as cloud-optimized GeoTIFFs on the demo's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import from_origin

CRS = "EPSG:32633"
WEST, NORTH = 492_000.0, 5_548_000.0
"""The scene's north-western corner in metres, UTM zone 33."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One band and how it is stored."""

    data: NDArray[Any]
    """(height, width)."""
    pixel: float
    """Metres."""
    left: int = 0
    """First column's distance from the scene's western edge in pixels."""
    nodata: float
    description: str
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    classes: bool = False
    """Overviews take the most common value instead of the mean."""
    colors: Mapping[int, tuple[int, int, int, int]] | None = None


def write(path: Path, layer: Layer) -> None:
    """Write one COG: deflate, 512 x 512 blocks, overviews down to a block."""
    height, width = layer.data.shape
    profile = {
        "driver": "GTiff",
        "height": height,
        "width": width,
        "count": 1,
        "dtype": layer.data.dtype,
        "crs": CRS,
        "transform": from_origin(WEST + layer.left * layer.pixel, NORTH, layer.pixel, layer.pixel),
        "nodata": layer.nodata,
    }
    predictor = "FLOATING_POINT" if layer.data.dtype.kind == "f" else "STANDARD"
    with MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.write(layer.data, 1)
            raster.set_band_description(1, layer.description)
            if layer.unit:
                raster.units = (layer.unit,)
            if layer.scale != 1.0 or layer.offset != 0.0:
                raster.scales, raster.offsets = (layer.scale,), (layer.offset,)
            if layer.colors is not None:
                raster.write_colormap(1, dict(layer.colors))
        copy(
            memory.name,
            path,
            driver="COG",
            compress="DEFLATE",
            level=5,
            predictor="NO" if layer.classes else predictor,
            blocksize=512,
            overview_resampling="MODE" if layer.classes else "AVERAGE",
            num_threads=1,
        )


def stored(reflectance: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Digital numbers of processing baseline 04.00: reflectance x 10000 + 1000, 0 kept for nodata.

    Steps grow with brightness (16 below 0.09, then 32, 64 above 0.2), well below what an eye or an index sees:
    finer ones would only store noise and double the archive.
    """
    out = np.empty(reflectance.shape, np.uint16)
    _stored(reflectance.reshape(-1), out.reshape(-1))
    return out


@njit(cache=True, nogil=True)
def _stored(reflectance, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for i in range(len(reflectance)):
        number = min(max(reflectance[i], -0.09), 2.0) * 10000
        step = 16.0 if number < 900 else (32.0 if number < 2000 else 64.0)
        out[i] = int(np.rint(number / step) * step + 1000)
