"""What the fuzzers found, through HTTP: 502 naming the asset, and everything else as before."""

from __future__ import annotations

import itertools
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import mercantile
import numpy as np
import pytest
import rasterio
from starlette.testclient import TestClient

from tests.archive import DATES, make_archive
from tests.servers import open_client

PLACE = mercantile.tile(15.02, 46.93, 13)


numbers = itertools.count(1)


def url(date: str) -> str:
    """A tile that nobody has asked for."""
    tile = f"{PLACE.z}/{PLACE.x}/{PLACE.y}"
    return f"/xyz/sentinel-2/custom/{date}/{tile}.png?assets=B04,B03,B02&rescale=0,{0.5 + next(numbers) / 100}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Path]]:
    folder = make_archive(tmp_path_factory.mktemp("served"))
    with open_client(folder, tmp_path_factory.mktemp("cache")) as client:
        yield client, folder / "sentinel-2" / "33TWN" / DATES[0] / "B04.tif"


def entry(data: bytes, tag: int) -> int:
    """Where a little-endian TIFF's first directory has a tag."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    return next(e for e in range(at + 2, at + 2 + 12 * count, 12) if struct.unpack_from("<H", data, e)[0] == tag)


def no_place(path: Path) -> None:
    data = bytearray(path.read_bytes())
    (pointer,) = struct.unpack_from("<I", data, entry(data, 33550) + 8)
    struct.pack_into("<d", data, pointer, np.inf)
    path.write_bytes(data)


def circle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    struct.pack_into("<HHIf", data, entry(data, 256), 256, 11, 1, np.nan)
    path.write_bytes(data)


def building(path: Path) -> None:
    """Another file in its place, whose coordinates are those of a building."""
    crs = rasterio.crs.CRS.from_wkt('LOCAL_CS["building",UNIT["metre",1]]')
    with rasterio.open(path) as dataset:
        data, profile = dataset.read(), {**dataset.profile, "crs": crs, "driver": "GTiff"}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(data)


def absurd(path: Path) -> None:
    """A picture of 2 ** 31 pixels in each direction."""
    data = bytearray(path.read_bytes())
    for tag in (256, 257):
        struct.pack_into("<HHII", data, entry(data, tag), tag, 4, 1, 2**31 - 1)
    path.write_bytes(data)


def billions(path: Path) -> None:
    """Blocks of one pixel each."""
    data = bytearray(path.read_bytes())
    for tag in (322, 323):
        struct.pack_into("<HHII", data, entry(data, tag), tag, 4, 1, 1)
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [no_place, circle, building, absurd, billions])
def test_only_the_harmed_asset_fails(
    served: tuple[TestClient, Path], tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    client, path = served
    shutil.copyfile(path, tmp_path / "before.tif")
    harm(path)
    try:
        response = client.get(url(DATES[0]))
        other = client.get(url(DATES[1]))
    finally:
        shutil.copyfile(tmp_path / "before.tif", path)
    assert response.status_code == 502
    body = response.json()
    assert (body["code"], body["asset"]) == ("SourceUnreadable", "B04")
    assert str(path.parent) not in response.text
    assert other.status_code == 200
    assert client.get(url(DATES[0])).status_code == 200, "a file that is mended is read again"
