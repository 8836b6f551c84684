"""One pixel of a file against rasterio, of every layout; and what reading it leaves in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from tests.cog.files import asset, band, pixels, write
from tileserver.cog.stream import share
from tileserver.errors import SourceUnreadable
from tileserver.reading import FastReader

SIDE = 600
LAYOUTS: dict[str, dict[str, Any]] = {
    "deflate": {"compress": "deflate"},
    "predictor": {"compress": "deflate", "predictor": 2},
    "big-endian": {"compress": "deflate", "predictor": 2, "ENDIANNESS": "BIG"},
    "float": {"compress": "deflate", "predictor": 3, "dtype": "float32"},
    "bytes": {"compress": "deflate", "predictor": 2, "dtype": "uint8"},
    "interleaved": {"compress": "deflate", "predictor": 2, "bands": 3, "interleave": "pixel"},
    "planes": {"compress": "deflate", "predictor": 2, "bands": 3, "interleave": "band"},
    "strips": {"compress": "deflate", "predictor": 2, "tiled": False, "blockysize": 250},
    "zstd": {"compress": "zstd", "predictor": 2},
    "plain": {},
}


def make(path: Path, *, bands: int = 1, dtype: str = "uint16", **options: Any) -> Path:
    profile = {"blockxsize": 256, "blockysize": 256, **options}
    if profile.get("tiled") is False:
        profile["blockxsize"] = SIDE
    return write(path, pixels(dtype, bands, SIDE), **profile)


def degrees(path: Path, row: int, column: int) -> tuple[float, float]:
    with rasterio.open(path) as dataset:
        x, y = dataset.xy(row, column)
        lon, lat = Transformer.from_crs(dataset.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return float(lon), float(lat)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pixels_one_after_the_other(layout: str, tmp_path: Path) -> None:
    """Of blocks that nobody has, that were asked for another pixel, and that are kept."""
    path = make(tmp_path / "a.tif", **LAYOUTS[layout])
    with rasterio.open(path) as dataset:
        stored = dataset.read()
    random = np.random.default_rng(3)
    edges = [(0, 0), (255, 255), (256, 256), (SIDE - 1, SIDE - 1), (255, 0), (0, SIDE - 1)]
    places = edges + [(int(row), int(column)) for row, column in random.integers(0, SIDE, (30, 2))]
    reader = FastReader()
    bands = [(asset(path), band(index)) for index in range(1, len(stored) + 1)]
    for row, column in places:
        assert reader.point(bands, *degrees(path, row, column)) == [float(v) for v in stored[:, row, column]]


def test_the_first_pixel_of_a_block_leaves_no_block(tmp_path: Path) -> None:
    path = make(tmp_path / "a.tif", **LAYOUTS["predictor"])
    reader = FastReader()
    first, second = degrees(path, 100, 100), degrees(path, 20, 30)
    values = [reader.point([(asset(path), band())], *first) for _ in range(2)]
    assert values[0] == values[1]
    assert reader.blocks.used == 0
    reader.point([(asset(path), band())], *second)
    assert reader.blocks.used > 0


def test_no_more_is_read_than_down_to_the_row(tmp_path: Path, asked: list[int]) -> None:
    path = make(tmp_path / "a.tif", **LAYOUTS["predictor"])
    reader = FastReader()
    reader.header(asset(path))
    asked.clear()
    cog = reader.open(asset(path))
    assert not isinstance(cog, str)
    reader.point([(asset(path), band())], *degrees(path, 20, 30))
    assert asked == [share(int(cog.levels[0].image.counts[0]), 21 / cog.levels[0].image.block_height)]
    assert asked[0] < cog.levels[0].image.counts[0] / 3


def test_rows_that_compress_worse_than_those_below(tmp_path: Path) -> None:
    """More is read where the first piece does not reach down to the row."""
    data = np.full((1, 512, 512), 7, np.uint16)
    data[:, :256] = np.random.default_rng(1).integers(0, 60_000, (256, 512))
    path = write(tmp_path / "a.tif", data, compress="deflate", blockxsize=512, blockysize=512)
    assert FastReader().point([(asset(path), band())], *degrees(path, 255, 511)) == [float(data[0, 255, 511])]


@pytest.mark.parametrize("harm", ["bytes", "end"])
def test_a_broken_block(harm: str, tmp_path: Path) -> None:
    path = make(tmp_path / "a.tif", **LAYOUTS["predictor"])
    reader = FastReader()
    cog = reader.open(asset(path))
    assert not isinstance(cog, str)
    offset = int(cog.levels[0].image.offsets[0])
    raw = bytearray(path.read_bytes())
    if harm == "bytes":
        raw[offset : offset + 200] = b"\xff" * 200
    else:
        raw = raw[: offset + 100]
    place = degrees(path, 200, 200)
    path.write_bytes(raw)
    with pytest.raises(SourceUnreadable):
        FastReader().point([(asset(path), band())], *place)
