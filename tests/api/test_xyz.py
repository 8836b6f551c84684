"""Tiles over HTTP, against rio-tiler's own tiles of the same files."""

from __future__ import annotations

import io
from pathlib import Path

import mercantile
import numpy as np
import pytest
from PIL import Image
from rio_tiler.io import Reader

from tests.archive import CENTER, OFFSET, SCALE

C = "sentinel-2"
RGB = "assets=B04,B03,B02&rescale=0,0.5"


def picture(response) -> np.ndarray:
    assert response.status_code == 200, response.text
    return np.array(Image.open(io.BytesIO(response.content)).convert("RGBA"))


def tile_at(zoom: int, lon: float = CENTER[0], lat: float = CENTER[1]) -> str:
    tile = mercantile.tile(lon, lat, zoom)
    return f"{tile.z}/{tile.x}/{tile.y}"


def oracle(
    archive: Path, tile: str, date: str, z: str, size: int = 256, resampling: str = "nearest"
) -> tuple[np.ndarray, np.ndarray]:
    """rio-tiler's natural colours of one item: (h, w, 3) uint8 and validity."""
    zoom, x, y = (int(part) for part in z.split("/"))
    bands, masks = [], []
    for band in ("B04", "B03", "B02"):
        with Reader(str(archive / C / tile / date / f"{band}.tif")) as reader:
            if not reader.tile_exists(x, y, zoom):
                return np.zeros((size, size, 3), "uint8"), np.zeros((size, size), bool)
            image = reader.tile(x, y, zoom, tilesize=size, unscale=True, resampling_method=resampling)
        image.rescale([(0, 0.5)])
        bands.append(image.data[0])
        masks.append(image.mask != 0)
    return np.dstack(bands).astype("uint8"), np.any(masks, axis=0)


@pytest.mark.parametrize("zoom", [9, 11, 12, 13, 14, 16])
def test_a_tile_is_rio_tilers(client, archive, zoom):
    z = tile_at(zoom, 15.02, 46.93)  # where only the western tile lies on top
    got = picture(client.get(f"/xyz/{C}/custom/2024-05-01/{z}.png?{RGB}&resampling=nearest"))
    want, valid = oracle(archive, "33TWN", "2024-05-01", z)
    only_west = valid & (got[..., 3] > 0)
    assert only_west.sum() > 50
    east, east_valid = oracle(archive, "33TXN", "2024-05-01", z)
    either = valid | east_valid
    assert np.mean(either != (got[..., 3] > 0)) <= 0.005
    same_west = np.abs(got[..., :3].astype(int) - want).max(axis=2) <= 1
    same_east = np.abs(got[..., :3].astype(int) - east).max(axis=2) <= 1
    wrong = either & ~((same_west & valid) | (same_east & east_valid))
    assert wrong.mean() <= 0.005


def test_a_days_mosaic_has_no_seam(client):
    """Both tiles show the same ground, so crossing the overlap changes nothing but the ground's own slope."""
    got = picture(client.get(f"/xyz/{C}/custom/2024-05-01/{tile_at(12)}.png?{RGB}")).astype(int)
    assert (got[..., 3] == 255).mean() > 0.5
    both = (got[:, 1:, 3] == 255) & (got[:, :-1, 3] == 255)
    steps = np.abs(np.diff(got[..., 0], axis=1))[both]
    assert steps.max() < 25


def test_nodata_is_transparent_or_background(client):
    z = tile_at(15, 15.16, 46.93)  # within the eastern tile's swath edge
    png = picture(client.get(f"/xyz/{C}/custom/2024-05-21/{z}.png?{RGB}&strict=true"))
    assert set(np.unique(png[..., 3])) == {0}
    jpg = picture(client.get(f"/xyz/{C}/custom/2024-05-21/{z}.jpg?{RGB}&strict=true"))
    assert jpg[..., :3].min() >= 253


def test_formats(client):
    z = tile_at(13)
    base = f"/xyz/{C}/custom/2024-05-01/{z}"
    kinds = {
        ".jpg": "image/jpeg",
        ".png": "image/png",
        ".webp": "image/webp",
        "": "image/jpeg",
        "@2x.jpg": "image/jpeg",
    }
    for suffix, kind in kinds.items():
        response = client.get(f"{base}{suffix}?{RGB}")
        assert response.headers["content-type"] == kind
        size = 512 if suffix.startswith("@2x") else 256
        assert Image.open(io.BytesIO(response.content)).size == (size, size)
    edge = client.get(f"/xyz/{C}/custom/2024-05-01/{tile_at(10)}?{RGB}")
    assert edge.headers["content-type"] == "image/png"


def test_times_are_served_and_told(client):
    z = tile_at(13)

    def served(time: str, query: str = "") -> str | None:
        response = client.get(f"/xyz/{C}/custom/{time}/{z}.png?{RGB}{query}")
        assert response.status_code == 200
        return response.headers.get("x-tile-datetime")

    assert served("2024-05-11").startswith("2024-05-11")
    assert served("2024-05-15").startswith("2024-05-11")
    assert served("latest").startswith("2024-05-21")
    assert served("2024-05-15", "&strict=true") is None
    assert served("2024-06-30") is None
    assert served("2024-05-01--2024-05-12") == "2024-05-01T00:00:00Z/2024-05-11T00:00:00Z"


def test_empty_tiles_are_pictures(client):
    response = client.get(f"/xyz/{C}/custom/2024-05-01/13/10/10.png?{RGB}")
    assert response.headers["x-tile-empty"] == "1"
    assert picture(response)[..., 3].max() == 0


def test_caching(client):
    url = f"/xyz/{C}/custom/2024-05-01/{tile_at(14)}.png?{RGB}"
    first = client.get(url)
    again = client.get(url)
    assert first.headers["etag"] == again.headers["etag"]
    assert first.content == again.content
    assert "immutable" in first.headers["cache-control"]
    assert client.get(url, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    latest = client.get(url.replace("2024-05-01", "latest"))
    assert "immutable" not in latest.headers["cache-control"]
    other = client.get(url.replace("0,0.5", "0,0.4"))
    assert other.headers["etag"] != first.headers["etag"]


def test_expression_is_numpys(client, archive):
    from tests.cogs import read

    z = tile_at(16)
    response = client.get(
        f"/xyz/{C}/custom/2024-05-01/{z}.png", params={"expression": "(B08-B04)/(B08+B04)", "rescale": "0,1"}
    )
    got = picture(response)[..., 0]
    red, nir = (read(archive / C / "33TWN/2024-05-01" / f"{b}.tif") * SCALE + OFFSET for b in ("B04", "B08"))
    ndvi = (nir - red) / (nir + red)
    low, high = np.floor(ndvi.min() * 255), np.ceil(ndvi.max() * 255)
    assert low <= got.min() <= got.max() <= high


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/xyz/nowhere/natural/latest/1/0/0.png", 404, "collection"),
        (f"/xyz/{C}/nothing/latest/1/0/0.png", 404, "style"),
        (f"/xyz/{C}/custom/latest/1/0/2.png?{RGB}", 404, "tile"),
        (f"/xyz/{C}/custom/latest/99/0/0.png?{RGB}", 404, "tile"),
        (f"/xyz/{C}/custom/latest/1/-1/0.png?{RGB}", 404, "tile"),
        (f"/xyz/{C}/custom/latest/1e1/0/0.png?{RGB}", 400, "'z'"),
        (f"/xyz/{C}/custom/latest/１/0/0.png?{RGB}", 400, "'z'"),
        (f"/xyz/{C}/custom/someday/1/0/0.png?{RGB}", 400, "'time'"),
        (f"/xyz/{C}/custom/latest/1/0/0.gif?{RGB}", 400, "'format'"),
        (f"/xyz/{C}/custom/latest/1/0/0@3x.png?{RGB}", 400, "'scale'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?assets=B99", 400, "B99"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?assets=B04,B03", 400, "'assets'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?expression=__import__('os')", 400, "'expression'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?expression=B04;B03", 400, "'expression'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?{RGB}&resampling=magic", 400, "'resampling'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?assets=B04&rescale=nan,1", 400, "'rescale'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?assets=B04&rescale=5,1", 400, "'rescale'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?assets=B04&colormap_name=nope", 400, "'colormap_name'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?{RGB}&color_formula=explode", 400, "'color_formula'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?{RGB}&strict=perhaps", 400, "'strict'"),
        (f"/xyz/{C}/custom/latest/1/0/0.png?{RGB}&reducer=sum", 400, "'reducer'"),
        ("/xyz/..%2f..%2fetc/passwd/latest/1/0/0.png", 404, ""),
    ],
)
def test_errors_say_what_is_wrong(client, path, status, word):
    response = client.get(path)
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) >= {"code", "detail"}
    assert word in body["detail"]
    assert response.headers.get_list("access-control-allow-origin") == ["*"]
    assert "/tmp" not in response.text
