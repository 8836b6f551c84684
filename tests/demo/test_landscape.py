"""The archive as a place: every cover reflects as it does in nature, and the seasons and events can be seen."""

import numpy as np
import pytest
import rasterio

from tileserver.demo.passes import CALENDAR
from tileserver.demo.sky import sun_on

TREES, GRASS, CROPS, BUILT, WATER = 10, 30, 40, 50, 80
SHADOW, VEGETATION, BARE, OPEN_WATER, CLOUDS, SNOW = 3, 4, 5, 6, (8, 9, 10), 11


def reflectance(archive, day, name, tile="T33XWR"):
    with rasterio.open(archive / "sentinel-2-demo" / tile / day / f"{name}.tif") as band:
        values = band.read(1) * band.scales[0] + band.offsets[0]
    return values if band.res[0] == 25 else np.repeat(np.repeat(values, 2, 0), 2, 1)


def classes(archive, day, tile="T33XWR"):
    with rasterio.open(archive / "sentinel-2-demo" / tile / day / "SCL.tif") as band:
        return band.read(1)


def cover(archive, year="2023"):
    """Of the eastern tile."""
    with (
        rasterio.open(archive / "land-cover-demo" / f"{year}.tif") as land,
        rasterio.open(archive / "sentinel-2-demo" / "T33XWR" / "2024-06-08" / "B04.tif") as tile,
    ):
        return land.read(1, window=land.window(*tile.bounds).round())


def inner(mask):
    """Without the pixels at its edge, which are mixed."""
    whole = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            whole &= np.roll(mask, step, axis)
    return whole


def index(archive, day, plus, minus):
    a, b = reflectance(archive, day, plus), reflectance(archive, day, minus)
    return (a - b) / (a + b)


def test_summer_plants_are_green_and_water_is_not(archive):
    ndvi, land = index(archive, "2023-06-24", "B08", "B04"), cover(archive)
    assert 0.7 < np.median(ndvi[land == TREES]) < 0.9
    assert 0.7 < np.percentile(ndvi[land == CROPS], 75) < 0.9
    assert np.median(ndvi[inner(land == WATER)]) < -0.1
    assert 0.1 < np.median(ndvi[land == BUILT]) < 0.5


def test_fields_ripen_while_forests_stay_green(archive):
    land = cover(archive)
    june, august = (index(archive, day, "B08", "B04") for day in ("2023-06-24", "2024-08-12"))
    assert np.median(august[land == CROPS]) < np.median(june[land == CROPS]) - 0.2
    assert abs(np.median(august[land == TREES]) - np.median(june[land == TREES])) < 0.1


def test_water_index_separates_water_from_land(archive):
    ndwi, land = index(archive, "2023-06-24", "B03", "B08"), cover(archive)
    assert np.median(ndwi[inner(land == WATER)]) > 0.2
    assert np.percentile(ndwi[(land == TREES) | (land == CROPS)], 99) < 0


def test_natural_colours_fill_the_range(archive):
    for name, low, high in (("B02", 0.02, 0.07), ("B03", 0.04, 0.09), ("B04", 0.02, 0.08)):
        assert low < np.median(reflectance(archive, "2023-06-24", name)) < high


def test_the_fire_is_seen_only_afterwards(archive):
    before, after = (index(archive, day, "B08", "B12") for day in ("2023-06-24", "2024-08-12"))
    burnt = (cover(archive, "2023") == TREES) & (cover(archive, "2024") == GRASS)
    assert burnt.mean() > 0.003
    assert np.median(before[burnt]) > 0.5
    assert np.median(after[burnt]) < 0.1


def test_the_flood_is_brown_water(archive):
    wet, usual = (classes(archive, day) == OPEN_WATER for day in ("2024-06-08", "2023-06-24"))
    assert wet.mean() > 2 * usual.mean()
    new = np.repeat(np.repeat(wet & ~usual, 2, 0), 2, 1)
    assert np.median(reflectance(archive, "2024-06-08", "B04")[new]) > 0.09


def test_the_reservoir_runs_low_in_autumn(archive):
    full, low = ((classes(archive, day, "T33XVR")[:160] == OPEN_WATER).sum() for day in ("2023-06-24", "2023-10-12"))
    assert low < 0.85 * full


def test_snow_is_white_and_cold(archive):
    snow = np.repeat(np.repeat(classes(archive, "2024-01-10") == SNOW, 2, 0), 2, 1)
    assert snow.mean() > 0.2
    green, infrared = reflectance(archive, "2024-01-10", "B03"), reflectance(archive, "2024-01-10", "B11")
    assert np.median(((green - infrared) / (green + infrared))[snow]) > 0.4


@pytest.mark.parametrize(
    ("day", "low", "high"), [("2023-06-24", 0, 0.01), ("2024-07-18", 0.2, 0.6), ("2024-11-25", 0.8, 1)]
)
def test_cloud_cover(archive, day, low, high):
    assert low <= np.isin(classes(archive, day), CLOUDS).mean() <= high


def test_clouds_are_bright_and_throw_their_shadows_away_from_the_sun(archive):
    scene = classes(archive, "2024-07-18")
    blue = reflectance(archive, "2024-07-18", "B02")[::2, ::2]
    assert np.median(blue[scene == 9]) > 0.3
    assert np.median(blue[scene == SHADOW]) < np.median(blue[scene == BARE])
    cloud, shadow = np.isin(scene, CLOUDS).astype(float), (scene == SHADOW).astype(float)
    cloud, shadow = cloud - cloud.mean(), shadow - shadow.mean()
    match = np.fft.ifft2(np.fft.fft2(shadow) * np.conj(np.fft.fft2(cloud))).real
    row, col = np.unravel_index(np.argmax(match), match.shape)
    south = row if row < match.shape[0] / 2 else row - match.shape[0]
    east = col if col < match.shape[1] / 2 else col - match.shape[1]
    _, azimuth = sun_on(next(visit.day for visit in CALENDAR if str(visit.day) == "2024-07-18"))
    assert south < 0, "at noon the sun stands in the south"
    assert np.sign(east) in (0, -np.sign(np.sin(azimuth)))


def test_only_the_scene_classes_of_sentinel_2(archive):
    seen = set()
    for path in archive.glob("sentinel-2-demo/T*/*/SCL.tif"):
        with rasterio.open(path) as band:
            assert (band.dtypes, band.nodata) == (("uint8",), 0)
            seen |= set(np.unique(band.read(1)))
    assert seen <= set(range(12))
    assert {0, 2, SHADOW, VEGETATION, BARE, OPEN_WATER, 8, 9, SNOW} <= seen


def test_land_cover_has_worldcover_classes_and_colours(archive):
    with rasterio.open(archive / "land-cover-demo" / "2024.tif") as band:
        seen = set(np.unique(band.read(1)))
        colors = band.colormap(1)
    assert {TREES, 20, GRASS, CROPS, BUILT, 60, WATER, 90} == seen
    assert all(colors[value][3] == 255 for value in seen)
    assert colors[WATER] == (0, 100, 200, 255)


def test_heights_are_those_of_a_massif_above_a_valley(archive):
    with rasterio.open(archive / "dem-demo" / "dem.tif") as band:
        height = band.read(1)
        assert (band.dtypes, band.nodata, band.units) == (("float32",), -9999, ("m",))
    assert 200 < height.min() < 240
    assert 1100 < height.max() < 1400
    assert height[: len(height) // 3].mean() > height[len(height) // 2 :].mean() + 300


@pytest.mark.parametrize(("day", "high"), [("2023-06-24", 60), ("2024-01-10", 17)])
def test_the_sun_stands_as_almanacs_say(day, high):
    elevation, azimuth = sun_on(next(visit.day for visit in CALENDAR if str(visit.day) == day))
    assert np.degrees(elevation) == pytest.approx(high, abs=2.5)
    assert 140 < np.degrees(azimuth) % 360 < 175
