"""A synthetic Sentinel-2-like granule as COGs: fields, relief and sensor noise that compress about as real bands do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.shutil import copy
from rasterio.transform import from_origin

WEST, NORTH = 499980.0, 5400000.0
BANDS = {"B04": (600, 1), "B03": (700, 2), "B02": (500, 3), "B08": (2600, 4)}
"""Mean reflectance in 1/10000 and seed."""


def write(folder: Path, side: int = 4096, block: int = 512) -> Path:
    """B04, B03, B02, B08 of `side` pixels of 10 m in EPSG:32633; keeps what is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (mean, seed) in BANDS.items():
        path = folder / f"{name}.tif"
        if not path.exists():
            _write(path, _field(side, mean, seed), block)
    return folder


def _field(side: int, mean: int, seed: int) -> NDArray[np.uint16]:
    """Octaves of smooth noise, fields of 40 pixels, and noise that grows with the signal."""
    random = np.random.default_rng(seed)
    out = np.zeros((side, side), np.float32)
    for octave in (16, 64, 256):
        coarse = random.normal(0, mean / octave**0.5, (octave + 1, octave + 1)).astype(np.float32)
        at = np.linspace(0, octave, side, endpoint=False, dtype=np.float32)
        low, part = at.astype(int), at % 1
        rows = coarse[low] * (1 - part[:, None]) + coarse[low + 1] * part[:, None]
        out += rows[:, low] * (1 - part) + rows[:, low + 1] * part
    fields = random.normal(0, mean / 6, (side // 40 + 1, side // 40 + 1)).astype(np.float32)
    out += np.repeat(np.repeat(fields, 40, axis=0), 40, axis=1)[:side, :side]
    out = np.maximum(out + mean, 1)
    out += random.normal(0, 1, out.shape).astype(np.float32) * (4 + out * 0.02)
    return np.clip(out, 1, 12000).astype(np.uint16)


def _write(path: Path, pixels: NDArray[np.uint16], block: int) -> None:
    profile = {"driver": "GTiff", "height": pixels.shape[0], "width": pixels.shape[1], "count": 1, "dtype": "uint16"}
    profile |= {"crs": "EPSG:32633", "transform": from_origin(WEST, NORTH, 10, 10), "nodata": 0}
    options = {"compress": "deflate", "predictor": 2, "blocksize": block, "overview_resampling": "average"}
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(pixels, 1)
            dataset.scales = (0.0001,)
        with memory.open() as dataset:
            copy(dataset, path, driver="COG", num_threads="2", **options)
