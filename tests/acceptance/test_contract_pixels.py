"""Section 3, pixels: tiles of odd rasters against rio-tiler's, formats, emptiness."""

from __future__ import annotations

import io
import warnings

import morecantile
import numpy as np
import pytest
from PIL import Image, ImageFilter
from rio_tiler.io import Reader

from tests.acceptance.contract_archive import PLACE

GRID = morecantile.tms.get("WebMercatorQuad")
RASTERS = [
    # collection, file, time, band's name and number, lowest and highest value, a place, zooms
    ("scenes", "scenes/scene_20230810.tif", "2023-08-10", "b3", 3, (0, 1300), PLACE, (11, 12, 14)),
    ("masked", "masked/2022-03-04.tif", "2022-03-04", "b1", 1, (0, 255), PLACE, (11, 12, 14)),
    ("alpha", "alpha/2022-03-04.tif", "2022-03-04", "b1", 1, (0, 255), PLACE, (11, 12, 14)),
    ("southup", "southup/2022-01-01.tif", "2022-01-01", "data", 1, (0, 1300), PLACE, (11, 12, 14)),
    ("turned", "turned/2022-01-01.tif", "2022-01-01", "data", 1, (0, 1300), (15.06, 46.95), (11, 12, 14)),
    ("dateline", "dateline/2022-01-01.tif", "2022-01-01", "data", 1, (0, 1300), (179.5, -17.0), (7, 8, 9)),
    ("polar", "polar/2022-01-01.tif", "2022-01-01", "data", 1, (0, 1300), (-100.0, -75.0), (2, 3, 5)),
    ("below", "below/2022-01-01.tif", "2022-01-01", "data", 1, (-700, 600), PLACE, (11, 12, 14)),
]


def rgba(response) -> np.ndarray:
    assert response.status_code == 200, response.text
    return np.array(Image.open(io.BytesIO(response.content)).convert("RGBA"))


def eroded(mask: np.ndarray) -> np.ndarray:
    """What is farther than 17 pixels from the mask's edge."""
    return np.array(Image.fromarray(mask.astype(np.uint8)).filter(ImageFilter.MinFilter(35))) > 0


def tile_of(place, zoom):
    tile = GRID.tile(*place, zoom)
    return f"{tile.z}/{tile.x}/{tile.y}", tile


def expected(path, tile, index: int, resampling: str, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Eight-bit values and validity of rio-tiler's tile."""
    with warnings.catch_warnings(), Reader(str(path)) as reader:
        warnings.simplefilter("ignore")
        image = reader.tile(
            tile.x, tile.y, tile.z, indexes=index, resampling_method=resampling, reproject_method=resampling
        )
    return np.clip((image.data[0].astype(float) - low) / (high - low), 0, 1) * 255, image.mask > 0


@pytest.mark.parametrize("raster", RASTERS, ids=[raster[0] for raster in RASTERS])
def test_tiles_are_rio_tilers(odd, odd_folder, raster):
    collection, path, when, band, index, (low, high), place, zooms = raster
    seen = 0
    for zoom in zooms:
        address, tile = tile_of(place, zoom)
        for resampling in ("nearest", "bilinear", "cubic"):
            url = f"/xyz/{collection}/custom/{when}/{address}.png?assets={band}&rescale={low},{high}"
            got = rgba(odd.get(f"{url}&resampling={resampling}"))
            want, valid = expected(odd_folder / path, tile, index, resampling, low, high)
            both = valid & (got[..., 3] == 255)
            assert (valid != (got[..., 3] == 255)).mean() <= 0.005, (zoom, resampling)
            far = np.abs(got[..., 0] - want)
            if resampling == "nearest":
                assert (far > 1)[both].mean() <= 0.005, zoom
            else:
                inner = eroded(both)
                if inner.any():
                    assert far[inner].mean() <= 0.5 + 0.002 * 255, (zoom, resampling)
                    assert far[inner].max() <= 1 + 0.02 * 255, (zoom, resampling)
            seen += both.sum()
    assert seen > 10_000


def test_formats_and_the_rule_without_a_suffix(odd):
    inside, _ = tile_of(PLACE, 15)
    edge, _ = tile_of(PLACE, 10)
    kinds = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}
    for suffix, kind in kinds.items():
        response = odd.get(f"/xyz/scenes/picture/2023-08-10/{edge}.{suffix}")
        assert Image.open(io.BytesIO(response.content)).format == kind
        assert response.headers["content-type"] == Image.MIME[kind]
    assert odd.get(f"/xyz/scenes/picture/2023-08-10/{inside}").headers["content-type"] == "image/jpeg"
    assert odd.get(f"/xyz/scenes/picture/2023-08-10/{edge}").headers["content-type"] == "image/png"
    assert rgba(odd.get(f"/xyz/scenes/picture/2023-08-10/{edge}@2x.png")).shape == (512, 512, 4)


@pytest.mark.parametrize("reducer", ["first", "best", "median", "mean", "max", "min"])
def test_nothing_there_is_an_empty_picture(odd, reducer):
    url = f"/xyz/scenes/picture/2023-08-01--2023-08-30/9/1/1.{{}}?reducer={reducer}"
    png, jpg = odd.get(url.format("png")), odd.get(url.format("jpg"))
    assert png.headers["X-Tile-Empty"] == jpg.headers["X-Tile-Empty"] == "1"
    assert (rgba(png)[..., 3] == 0).all()
    assert (rgba(jpg)[..., :3] == 255).all()


def test_nodata_is_background_in_jpeg_and_clear_elsewhere(odd):
    address, _ = tile_of(PLACE, 11)
    hidden = rgba(odd.get(f"/xyz/masked/picture/2022-03-04/{address}.png"))[..., 3] == 0
    assert 0.5 < hidden.mean() < 1
    inner = eroded(hidden)
    assert (rgba(odd.get(f"/xyz/masked/picture/2022-03-04/{address}.jpg"))[inner][:, :3] >= 253).all()
    assert ((rgba(odd.get(f"/xyz/masked/picture/2022-03-04/{address}.webp"))[..., 3] == 0) == hidden).mean() > 0.999


@pytest.mark.parametrize(("reducer", "function"), [("mean", np.mean), ("max", np.max), ("min", np.min)])
def test_reducers_compose_physical_values(odd, reducer, function):
    address, _ = tile_of(PLACE, 15)
    query = "assets=B04&rescale=-0.1,0.03&resampling=nearest"
    days = [rgba(odd.get(f"/xyz/nested/custom/2023-08-{day}/{address}.png?{query}"))[..., 0] for day in (10, 11)]
    url = f"/xyz/nested/custom/2023-08-10--2023-08-11/{address}.png?{query}&reducer={reducer}"
    got = rgba(odd.get(url))[..., 0]
    assert np.abs(got - function(np.stack(days).astype(float), axis=0)).max() <= 1


def test_stored_values_are_drawn_when_asked(odd):
    address, _ = tile_of(PLACE, 15)
    url = f"/xyz/nested/custom/2023-08-10/{address}.png?assets=B04&resampling=nearest"
    physical, stored = odd.get(f"{url}&rescale=-0.1,0.03"), odd.get(f"{url}&unscale=false&rescale=0,1300")
    assert np.abs(rgba(physical).astype(int) - rgba(stored)).max() <= 1
    assert odd.get(f"{url}&unscale=false&rescale=-0.1,0.03").content != physical.content


def test_a_broken_file_fails_its_own_tiles(odd):
    address, _ = tile_of(PLACE, 13)
    broken = odd.get(f"/xyz/broken/v/2022-01-05/{address}.png")
    assert broken.status_code == 502
    body = broken.json()
    assert (body["code"], body["item"], body["asset"]) == ("SourceUnreadable", "2022-01-05", "v")
    assert "/" not in body["detail"]
    assert odd.get(f"/xyz/broken/v/2022-01-01/{address}.png").status_code == 200
