"""Real satellite imagery with numbers that were computed without any tile server."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import morecantile
import numpy as np
import pytest

from tests.oracles.compare import READER, WEB, ours
from tileserver.models import Asset, Band, Grid

pytestmark = pytest.mark.data


def test_every_point(shared_data: Path) -> None:
    """The stored value of the native pixel, or that there is none, at every place of expected.csv."""
    together: dict[tuple[str, str, str], list[dict[str, str]]] = defaultdict(list)
    with (shared_data / "expected.csv").open() as lines:
        for row in csv.DictReader(lines):
            together[row["path"], row["lon"], row["lat"]].append(row)
    for (path, lon, lat), rows in together.items():
        asset = Asset(key="data", href=str(shared_data / path))
        bands = [(asset, Band(name="b", index=int(row["band"]), scale=1.0, offset=0.0)) for row in rows]
        for row, value in zip(rows, READER.point(bands, float(lon), float(lat)), strict=True):
            if row["state"] == "valid":
                assert value == pytest.approx(float(row["raw_value"]), rel=1e-6), row
            else:
                assert value is None, row


def test_every_tile(shared_data: Path) -> None:
    """Count and mean of full-resolution tiles; overviews and approximation may differ by about 1 %."""
    with (shared_data / "tiles.csv").open() as lines:
        for row in csv.DictReader(lines):
            tile = morecantile.Tile(x=int(row["x"]), y=int(row["y"]), z=int(row["z"]))
            grid = Grid(crs="EPSG:3857", bounds=tuple(WEB.xy_bounds(tile)), width=256, height=256)
            band = int(row["band"])
            values, valid = ours(shared_data / row["path"], grid, "nearest", bands=band)
            values, valid = values[band - 1], valid[band - 1]
            count = int(row["valid_count"])
            assert abs(int(valid.sum()) - count) <= max(0.01 * 65536, 0.01 * count), row
            if count > 500:
                spread = float(row["max"]) - float(row["min"])
                assert abs(float(np.mean(values[valid], dtype=np.float64)) - float(row["mean"])) <= (
                    0.015 * max(abs(float(row["mean"])), 0.1 * spread)
                ), row
