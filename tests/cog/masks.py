"""Rasters that say by a mask or an alpha band which of their pixels mean something."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import Resampling

SIDE = 700
KINDS = ("mask-1", "mask-8", "alpha-uint8", "alpha-uint16", "grey-alpha", "premultiplied")
"""Internal masks of 1 and 8 bits, and alpha bands."""
PLACE = Affine(10, 0, 499_980, 0, -10, 5_400_000)


def visible() -> np.ndarray:
    """(SIDE, SIDE): an edge that runs askew, a hole, and specks of one pixel."""
    y, x = np.mgrid[:SIDE, :SIDE]
    specks = np.random.default_rng(5).random((SIDE, SIDE)) < 0.002
    hole = (x - 420) ** 2 + (y - 300) ** 2 < 60**2
    return ~((x + 0.6 * y + 9 * np.sin(y / 13) < 160) | hole | specks)


def texture(dtype: str, bands: int) -> np.ndarray:
    """(bands, SIDE, SIDE): hills, a checkerboard and noise, also where nothing is visible."""
    y, x = np.mgrid[:SIDE, :SIDE]
    noise = np.random.default_rng(3).normal(0, 4, (bands, SIDE, SIDE))
    hills = 120 + 60 * np.sin(x / 40) * np.cos(y / 55) + 15 * ((x // 8 + y // 8) % 2) + noise
    return np.clip(hills, 1, 254).astype(dtype) * (1 if dtype == "uint8" else 200)


def make(folder: Path, kind: str, *, overviews: bool) -> Path:
    """The file of a kind; made once per folder."""
    path = folder / f"{kind}-{overviews}.tif"
    if path.exists():
        return path
    dtype = "uint16" if kind in ("alpha-uint16", "grey-alpha") else "uint8"
    colours = 1 if kind == "grey-alpha" else 3
    alpha = not kind.startswith("mask")
    profile = {
        "driver": "GTiff", "width": SIDE, "height": SIDE, "count": colours + alpha, "dtype": dtype,
        "crs": "EPSG:32633", "transform": PLACE, "tiled": True, "blockxsize": 128, "blockysize": 128,
        "compress": "deflate", "interleave": "pixel", "photometric": "RGB" if colours == 3 else "MINISBLACK",
    }  # fmt: skip
    if alpha:
        profile["ALPHA"] = "PREMULTIPLIED" if kind == "premultiplied" else "NON-PREMULTIPLIED"
    data, seen = texture(dtype, colours), visible()
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as dataset:
        dataset.write(data, list(range(1, colours + 1)))
        if alpha:
            opaque = np.iinfo(dtype).max
            dataset.write(np.where(seen, opaque, 0).astype(dtype), colours + 1)
        elif kind == "mask-1":
            dataset.write_mask(seen)
    if kind == "mask-8":
        add_mask(path, np.where(seen, 255, 0).astype(np.uint8))
    if overviews:
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4], Resampling.nearest)
    return path


def add_mask(path: Path, mask: np.ndarray) -> None:
    """Appends a mask of 8 bits, which GDAL reads but does not write, to a little-endian TIFF with one image."""
    data = path.read_bytes()
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    height, width = mask.shape
    at = len(data) + len(data) % 2
    pixels = at + mask.size
    entries = [
        (254, 4, 1, 4), (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 4),
        (273, 4, 1, at), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, mask.size),
    ]  # fmt: skip
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    link = first + 2 + 12 * count
    linked = data[:link] + struct.pack("<I", pixels) + data[link + 4 :]
    path.write_bytes(linked.ljust(at, b"\0") + mask.tobytes() + body + bytes(4))
