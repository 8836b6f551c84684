"""Items to put into catalogs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tileserver.items import versioned
from tileserver.models import Asset, Band, Bbox, Collection, Item

SPRING = datetime(2023, 4, 1, 10, 0, 5, tzinfo=UTC)


def square(bbox: Bbox) -> dict[str, Any]:
    """A GeoJSON box; two where it crosses the antimeridian."""
    west, south, east, north = bbox
    if west > east:
        parts = [square((west, south, 180, north)), square((-180, south, east, north))]
        return {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in parts]}
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def item(name: str, moment: datetime | None = SPRING, bbox: Bbox = (15, 46, 16, 47), **changes: Any) -> Item:
    """An item with one asset."""
    asset = Asset(
        key="B04",
        href=f"/archive/{name}/B04.tif",
        bands=(Band(name="B04", dtype="uint16", nodata=0.0, scale=0.0001, offset=-0.1, unit="1"),),
        crs="EPSG:32633",
        transform=(10.0, 0.0, 500000.0, 0.0, -10.0, 5200000.0),
        shape=(1098, 1098),
        version="123-456",
    )
    made = Item(
        id=name,
        collection="scenes",
        datetime=moment,
        bbox=tuple(float(edge) for edge in bbox),
        geometry=square(bbox),
        assets={"B04": asset},
        cloud_cover=12.5,
        properties={"platform": "sentinel-2a"},
    )
    return versioned(replace(made, **changes))


def collection(name: str = "scenes", title: str = "Scenes", **changes: Any) -> Collection:
    return Collection(id=name, title=title, **changes)
