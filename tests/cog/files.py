"""GeoTIFFs of every layout that GDAL writes here, and pixels read back by rasterio as the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin

from tileserver.cog import Cog
from tileserver.models import Asset, Band

SIDE = 150
"""Not a multiple of any block."""


def pixels(dtype: str, bands: int = 1, side: int = SIDE) -> np.ndarray:
    """Smooth values with noise, so that predictors and lossy codecs have something to do."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[:side, :side]
    out = np.stack([100 + 40 * np.sin(x / 17 + band) + 30 * np.cos(y / 11) for band in range(bands)])
    out += random.normal(0, 3, out.shape)
    return out.astype(dtype) if np.dtype(dtype).kind == "f" else np.clip(out, 1, 250).astype(dtype)


def write(path: Path, data: np.ndarray, **options: Any) -> Path:
    """A GeoTIFF near Graz with 64 px tiles unless the options say else."""
    profile: dict[str, Any] = {
        "driver": "GTiff", "count": len(data), "height": data.shape[1], "width": data.shape[2],
        "dtype": data.dtype.name, "crs": "EPSG:32633", "transform": from_origin(500_000, 5_200_000, 20, 20),
        "tiled": True, "blockxsize": 64, "blockysize": 64,
    }  # fmt: skip
    with rasterio.open(path, "w", **{**profile, **options}) as dataset:
        dataset.write(data)
    return path


def asset(path: Path) -> Asset:
    return Asset(key="data", href=str(path))


def band(index: int = 1, **known: Any) -> Band:
    return Band(name=f"data_b{index}", index=index, **known)


def whole(cog: Cog, level: int = 0, plane: int = 0) -> np.ndarray:
    """A plane put together from all its blocks."""
    image = cog.levels[level].image
    indices = list(range(image.across * image.down))
    blocks = [block.pixels for block in cog.load([(key, 1 << 30) for key in cog.keys(level, plane, indices)])]
    out = np.zeros((image.down * image.block_height, image.across * image.block_width), cog.dtype)
    for index, block in zip(indices, blocks, strict=True):
        row, column = divmod(index, image.across)
        part = block[0 if image.planar else plane]
        y, x = row * image.block_height, column * image.block_width
        out[y : y + part.shape[0], x : x + part.shape[1]] = part
    return out[: image.height, : image.width]
