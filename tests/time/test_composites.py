"""Intervals as one picture, against NumPy on the same files, through the map service."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.cogs import write_cog
from tests.time.archive import app_of, item_of, parts_of
from tileserver.extent import in_degrees
from tileserver.models import CloudMask, Collection, Style

SIDE = 64
BOUNDS = (500_000.0, 5_200_000.0 - SIDE * 20, 500_000.0 + SIDE * 20, 5_200_000.0)
"""Of the files, so that each pixel of the map is a pixel of theirs."""
REDUCERS = {"max": np.nanmax, "min": np.nanmin, "mean": np.nanmean, "median": np.nanmedian}
STYLES = (
    Style(id="grey", titles={"en": "Grey"}, assets=("V",), rescale=((0.0, 255.0),), resampling="nearest"),
    Style(
        id="season", titles={"en": "Season"}, expression="V;V;V", rescale=((0.0, 255.0),), resampling="nearest",
        reducers=("max", "mean", "min"), period_days=20, masked=True,
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("composites")
    rng = np.random.default_rng(11)
    parts = parts_of(folder, max_items=4)
    parts.catalog.put_collection(
        Collection(id="c", title="C", styles=STYLES, mask=CloudMask(asset="M", values=(1,), bits=()))
    )
    values, clouds = [], []
    for n, day in enumerate(["2021-05-01", "2021-05-08", "2021-05-15", "2021-05-22"]):
        value = rng.integers(1, 255, (SIDE, SIDE)).astype(np.uint8)
        value[rng.random((SIDE, SIDE)) < 0.2] = 0
        cloud = (rng.random((SIDE, SIDE)) < 0.1 + 0.2 * n).astype(np.uint8)
        files = {
            "V": write_cog(folder / f"v{n}.tif", value, nodata=0),
            "M": write_cog(folder / f"m{n}.tif", cloud, nodata=255),
        }
        parts.catalog.put_items([item_of("c", day, f"{day}T10:00:00Z", files)])
        values.append(value)
        clouds.append(cloud)
    stack = np.where((np.array(values) == 0) | (np.array(clouds) == 1), np.nan, np.array(values, float))
    with TestClient(app_of(parts)) as client:
        client.stack, client.values = stack, np.array(values)
        yield client


def picture(client, style="grey", **params):
    """The RGBA pixels of the files' own grid."""
    answer = client.get(
        f"/collections/c/styles/{style}/map",
        params={
            "bbox": ",".join(map(str, BOUNDS)), "bbox-crs": "EPSG:32633", "width": SIDE, "height": SIDE, "f": "png", **params,
        },
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA")).astype(int)


def close(found, expected):
    """Within one grey level; the same pixels are empty."""
    np.testing.assert_array_equal(found[..., 3] > 0, np.isfinite(expected))
    seen = np.isfinite(expected)
    assert np.abs(found[..., 0][seen] - expected[seen]).max() <= 1


@pytest.mark.filterwarnings("ignore:.*(All-NaN|empty slice).*")
@pytest.mark.parametrize("name", REDUCERS)
def test_reducers_without_clouds(archive, name):
    close(picture(archive, datetime="2021-05-01/2021-05-31", reducer=name), REDUCERS[name](archive.stack, axis=0))


@pytest.mark.filterwarnings("ignore:.*(All-NaN|empty slice).*")
def test_part_of_the_interval(archive):
    close(picture(archive, datetime="2021-05-08/2021-05-15", reducer="max"), np.nanmax(archive.stack[1:3], axis=0))


def test_first_is_the_latest_on_top(archive):
    expected = np.full((SIDE, SIDE), np.nan)
    for layer in archive.values:
        expected = np.where(layer > 0, layer, expected)
    close(picture(archive, datetime="2021-05-01/2021-05-31"), expected)
    close(picture(archive, datetime="2021-05-01/2021-05-31", reducer="first"), expected)


@pytest.mark.filterwarnings("ignore:.*(All-NaN|empty slice).*")
def test_multi_temporal_styles(archive):
    """Maximum, mean and minimum of the 20 days before the image as red, green, blue."""
    found = picture(archive, style="season", datetime="2021-05-22")
    stack = archive.stack[1:]
    seen = np.isfinite(stack).any(axis=0)
    np.testing.assert_array_equal(found[..., 3] > 0, seen)
    for channel, reduce in enumerate((np.nanmax, np.nanmean, np.nanmin)):
        assert np.abs(found[..., channel] - reduce(stack, axis=0))[seen].max() <= 1


def test_best_is_the_clearest_day(archive):
    """Over half of the grid the second image is clearest by construction of the masks: the first has least cloud."""
    clear = np.isfinite(archive.stack).mean(axis=(1, 2))
    for _ in range(50):
        if archive.get("/collections/c/dates").headers["X-Dates-Complete"] == "true":
            break
    found = picture(archive, datetime="best")
    expected = archive.values[int(np.argmax(clear))].astype(float)
    close(found, np.where(expected > 0, expected, np.nan))


def test_clearest_first(archive):
    """reducer=best: each pixel from the clearest image that has it."""
    found = picture(archive, datetime="2021-05-01/2021-05-31", reducer="best")
    seen = np.isfinite(archive.stack).any(axis=0)
    np.testing.assert_array_equal(found[..., 3] > 0, seen)
    among = (np.abs(found[None, ..., 0] - archive.stack) <= 1).any(axis=0)
    assert among[seen].all()


def test_an_interval_that_begins_never(archive):
    open_start = picture(archive, datetime="../2021-05-31", reducer="max")
    np.testing.assert_array_equal(open_start, picture(archive, datetime="2021-05-01/2021-05-31", reducer="max"))
    assert (
        archive.get("/collections/c/styles/grey/map", params={"datetime": "2021-06-01/2021-05-01"}).status_code == 400
    )


def test_tiles_compose_too(archive):
    west, south, east, north = in_degrees(BOUNDS, "EPSG:32633")
    import mercantile

    tile = mercantile.tile((west + east) / 2, (south + north) / 2, 15)
    answer = archive.get(
        f"/xyz/c/grey/2021-05-01--2021-05-31/{tile.z}/{tile.x}/{tile.y}.png", params={"reducer": "max"}
    )
    single = archive.get(f"/xyz/c/grey/2021-05-22/{tile.z}/{tile.x}/{tile.y}.png")
    many, one = (np.asarray(Image.open(io.BytesIO(a.content)).convert("RGBA")).astype(int) for a in (answer, single))
    assert (many[..., 3] > 0).sum() >= 0.5 * (one[..., 3] > 0).sum()
    assert (many[..., 0] != one[..., 0]).any()
