"""Arrays as Cloud Optimized GeoTIFFs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import from_bounds

from tileserver.models import Grid

MEDIA_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a file says of its values."""

    nodata: float | None = None
    names: Sequence[str] = ()
    scales: Sequence[float] = ()
    offsets: Sequence[float] = ()
    units: Sequence[str] = ()
    colormap: Mapping[int, tuple[int, int, int, int]] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    alpha: bool = False
    """The last band is alpha."""


def write_cog(
    path: Path, data: NDArray[Any], grid: Grid, about: Described, valid: NDArray[np.bool_] | None = None
) -> None:
    """Write (bands, height, width) values; `valid` (height, width) becomes an internal mask."""
    profile = {
        "driver": "GTiff",
        "count": len(data),
        "height": grid.height,
        "width": grid.width,
        "dtype": data.dtype,
        "crs": grid.crs,
        "transform": from_bounds(*grid.bounds, grid.width, grid.height),
        "nodata": about.nodata,
        "BIGTIFF": "IF_SAFER",
    }
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(data)
            _describe(dataset, about)
            if valid is not None:
                dataset.write_mask(valid)
        with memory.open() as dataset:
            copy(
                dataset,
                path,
                driver="COG",
                compress="deflate",
                predictor="yes" if data.dtype != np.int8 else "no",
                blocksize=512,
                overview_resampling="nearest",
                num_threads=2,
            )


def _describe(dataset: Any, about: Described) -> None:
    for index, name in enumerate(about.names, start=1):
        dataset.set_band_description(index, name)
    if any(scale != 1 for scale in about.scales) or any(about.offsets):
        dataset.scales, dataset.offsets = tuple(about.scales), tuple(about.offsets)
    if any(about.units):
        dataset.units = tuple(about.units)
    if about.colormap:
        dataset.write_colormap(1, dict(about.colormap))
    if about.alpha:
        dataset.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    dataset.update_tags(**about.tags)
