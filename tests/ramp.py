"""An archive whose colours tell where and when a pixel is: red grows with longitude, green with latitude, blue is the date.

A client that swaps axes, flips rows, takes the wrong tile or the wrong date shows a colour that is measurably wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.warp import transform as warp_points
from rasterio.warp import transform_bounds

from tests.cogs import write_cog
from tileserver.models import Asset, Band, Collection, Item, LegendClass, Style
from tileserver.ports import Catalog

WEST, SOUTH, EAST, NORTH = 14.0, 49.5, 15.0, 50.5
BLUE = {"2024-05-01": 40, "2024-05-11": 120, "2024-05-21": 200}
DATES = tuple(BLUE)
POINTS = ((14.25, 49.75), (14.75, 49.75), (14.5, 50.25), (14.8, 50.35))
PIXEL = 150.0
RGB = Style(
    id="rgb", titles={"en": "Ramp", "cs": "Přechod"}, assets=("data_b1", "data_b2", "data_b3"), resampling="bilinear"
)
GREY = Style(
    id="longitude", titles={"en": "Longitude"}, expert="b1", assets=("data_b1",), rescale=((0, 255),),
    colormap_name="viridis", unit="steps", marks=((50, {"en": "west"}), (200, {"en": "east"})),
)  # fmt: skip
CLASSES = Style(
    id="classes", titles={"en": "Classes <&>"}, assets=("data_b1",), resampling="nearest",
    classes=(LegendClass(value=0, end=128, color=(255, 0, 0, 255), words={"en": "west & south"}),
             LegendClass(value=128, end=256, color=(0, 0, 255, 255), words={"en": "east"})),
)  # fmt: skip


def color(lon: float, lat: float, date: str = DATES[-1]) -> tuple[int, int, int]:
    """What is expected at a place."""
    red = round(1 + 254 * (lon - WEST) / (EAST - WEST))
    return red, round(1 + 254 * (lat - SOUTH) / (NORTH - SOUTH)), BLUE[date]


def _write(path: Path, blue: int) -> tuple[float, ...]:
    left, bottom, right, top = transform_bounds("EPSG:4326", "EPSG:32633", WEST, SOUTH, EAST, NORTH)
    left, top = np.floor(left / PIXEL) * PIXEL, np.ceil(top / PIXEL) * PIXEL
    width, height = int(np.ceil((right - left) / PIXEL)), int(np.ceil((top - bottom) / PIXEL))
    transform = Affine(PIXEL, 0, left, 0, -PIXEL, top)
    xs, ys = np.meshgrid(left + (np.arange(width) + 0.5) * PIXEL, top - (np.arange(height) + 0.5) * PIXEL)
    lon, lat = (np.reshape(v, xs.shape) for v in warp_points("EPSG:32633", "EPSG:4326", xs.ravel(), ys.ravel()))
    inside = (lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH)
    red = np.rint(1 + 254 * (lon - WEST) / (EAST - WEST))
    green = np.rint(1 + 254 * (lat - SOUTH) / (NORTH - SOUTH))
    data = np.where(inside, np.stack([red, green, np.full_like(red, blue)]), 0).astype("uint8")
    write_cog(path, data, transform=transform, nodata=0, blocksize=256)
    return (*tuple(transform)[:6], height, width)


def add_ramp(catalog: Catalog, folder: Path) -> None:
    """Collections `ramp` (three dates), `static` (undated) and `passes` (one day with two images)."""
    styles = (RGB, GREY, CLASSES)
    for name, title in (("ramp", "Ramp with dates <&>"), ("static", "Ramp without date"), ("passes", "Two a day")):
        catalog.put_collection(
            Collection(
                id=name, title=title, description="Where & when", styles=styles, maxzoom=11, attribution="© Tests"
            )
        )
    for date, blue in BLUE.items():
        *transform, height, width = _write(folder / f"{date}.tif", blue)
        _put(
            catalog, "ramp", f"ramp-{date}", f"{date}T10:04:09.024Z", folder / f"{date}.tif", transform, (height, width)
        )
        if date == DATES[-1]:
            _put(catalog, "static", "static", "", folder / f"{date}.tif", transform, (height, width))
            _put(catalog, "passes", "noon", "2024-05-21T12:00:00Z", folder / f"{date}.tif", transform, (height, width))
        if date == DATES[0]:
            _put(
                catalog, "passes", "morning", "2024-05-21T09:30:00Z", folder / f"{date}.tif", transform, (height, width)
            )


def _put(
    catalog: Catalog, collection: str, name: str, when: str, path: Path, transform: list[float], shape: tuple[int, int]
) -> None:
    bands = tuple(Band(name=f"data_b{i}", index=i, dtype="uint8", nodata=0) for i in (1, 2, 3))
    asset = Asset(
        key="data", href=str(path), bands=bands, crs="EPSG:32633", transform=tuple(transform), shape=shape, version="1"
    )
    ring = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
    catalog.put_items([
        Item(
            id=name, collection=collection, bbox=(WEST, SOUTH, EAST, NORTH), assets={"data": asset}, version=f"{name}-1",
            geometry={"type": "Polygon", "coordinates": [ring]},
            datetime=datetime.fromisoformat(when).astimezone(UTC) if when else None,
        )
    ])  # fmt: skip
