"""A synthetic Sentinel-2-like granule as COGs: relief, parcels and noise that compress about as real bands do."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.shutil import copy
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds
from rasterio.windows import Window

FULL = 10980
"""Pixels a side of a Sentinel-2 granule."""
WEST, NORTH, PIXEL, CRS = 499980.0, 5400000.0, 10.0, "EPSG:32633"
BANDS = {"B04": (600, 1), "B03": (700, 2), "B02": (500, 3), "B08": (2600, 4)}
"""Mean reflectance in 1/10000 and seed."""
RGB = ("B04", "B03", "B02")
_OCTAVES = (16, 64, 256)
_PARCEL = 40
_STRIP = 512


def write(folder: Path, side: int = 4096, block: int = 512) -> Path:
    """B04, B03, B02, B08 of `side` pixels of 10 m in EPSG:32633; keeps what is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = {name: given for name, given in BANDS.items() if not (folder / f"{name}.tif").exists()}

    def one(name: str) -> None:
        mean, seed = missing[name]
        _write(folder / f"{name}.tif", _strips(side, mean, seed), side, 1, block)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, missing))
    return folder


def write_rgb(path: Path, folder: Path, block: int = 512) -> Path:
    """Red, green and blue of a folder of bands as one pixel-interleaved COG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        files = [rasterio.open(folder / f"{name}.tif") for name in RGB]
        side = files[0].width
        windows = [Window(0, top, side, min(_STRIP, side - top)) for top in range(0, side, _STRIP)]  # type: ignore[call-arg]
        strips = (np.stack([file.read(1, window=window) for file in files]) for window in windows)
        _write(path, strips, side, 3, block)
    return path


def bounds(side: int) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees."""
    west, south, east, north = transform_bounds(
        CRS, "EPSG:4326", WEST, NORTH - side * PIXEL, WEST + side * PIXEL, NORTH
    )
    return west, south, east, north


def inside(side: int) -> tuple[float, float, float, float]:
    """A box in degrees that lies within the square, which degrees see slightly turned."""
    west, south, east, north = bounds(side)
    lean = (east - west) * 0.03
    return west + lean, south + (north - south) * 0.02, east - lean, north - (north - south) * 0.02


def _strips(side: int, mean: int, seed: int) -> Iterator[NDArray[np.uint16]]:
    """Rows of the picture (1, height, side): smooth octaves, parcels, and noise that grows with the signal."""
    random = np.random.default_rng(seed)
    octaves = [random.normal(0, mean / n**0.5, (n + 1, n + 1)).astype(np.float32) for n in _OCTAVES]
    parcels = random.normal(0, mean / 6, (side // _PARCEL + 1, side // _PARCEL + 1)).astype(np.float32)
    columns = np.arange(side)
    for top in range(0, side, _STRIP):
        rows = np.arange(top, min(side, top + _STRIP))
        out = parcels[rows // _PARCEL][:, columns // _PARCEL] + np.float32(mean)
        for grid in octaves:
            out += _between(grid, rows, columns, side)
        np.maximum(out, 1, out=out)
        out += random.standard_normal(out.shape, np.float32) * (10 + out * np.float32(0.05))
        yield np.clip(out, 1, 12000).astype(np.uint16)[None]


def _between(
    grid: NDArray[np.float32], rows: NDArray[np.int_], columns: NDArray[np.int_], side: int
) -> NDArray[np.float32]:
    """Linear interpolation of a coarse grid, first down, then across."""
    scale = np.float32((len(grid) - 1) / side)
    y, x = (rows * scale).astype(np.float32), (columns * scale).astype(np.float32)
    low, part = y.astype(int), (y % 1)[:, None]
    down = grid[low] * (1 - part) + grid[low + 1] * part
    left, share = x.astype(int), x % 1
    return down[:, left] * (1 - share) + down[:, left + 1] * share


def _write(path: Path, strips: Iterator[NDArray[np.uint16]], side: int, count: int, block: int) -> None:
    profile = {"driver": "GTiff", "height": side, "width": side, "count": count, "dtype": "uint16", "nodata": 0}
    profile |= {"crs": CRS, "transform": from_origin(WEST, NORTH, PIXEL, PIXEL), "interleave": "pixel"}
    options = {"compress": "deflate", "predictor": 2, "blocksize": block, "overview_resampling": "average"}
    part = path.with_suffix(".part")
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            top = 0
            for strip in strips:
                dataset.write(strip, window=Window(0, top, side, strip.shape[1]))  # type: ignore[call-arg]
                top += strip.shape[1]
            dataset.scales = (0.0001,) * count
        with memory.open() as dataset:
            copy(dataset, part, driver="COG", num_threads="2", **options)
    part.rename(path)
