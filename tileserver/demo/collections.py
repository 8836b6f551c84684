"""The words of the three demo collections, as STAC Collections beside the data."""

from __future__ import annotations

from typing import Any

ATTRIBUTION = "Synthetic demo data made by Tilescope: an invented place"

SENTINEL = "sentinel-2-demo"
LAND_COVER = "land-cover-demo"
DEM = "dem-demo"


def _collection(
    name: str, order: int, template: str, title: str, description: str, start: str | None, end: str | None
) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": name,
        "title": title,
        "description": description,
        "license": "CC0-1.0",
        "keywords": ["demo", "synthetic"],
        "extent": {
            "spatial": {"bbox": [[14.888, 49.940, 15.112, 50.085]]},
            "temporal": {"interval": [[start, end]]},
        },
        "links": [],
        "tilescope:attribution": ATTRIBUTION,
        "tilescope:template": template,
        "tilescope:order": order,
    }


def collections(start: str, end: str) -> dict[str, dict[str, Any]]:
    """By folder name. `start` and `end` are the first and last day of the pictures, YYYY-MM-DD."""
    first, last = f"{start}T00:00:00Z", f"{end}T23:59:59Z"
    return {
        SENTINEL: _collection(
            SENTINEL,
            1,
            "sentinel-2-l2a",
            "Sentinel-2 (demo)",
            "Two years of an invented valley as Sentinel-2 would see it: fields that green and ripen, a flood, "
            "a forest fire, a reservoir that runs low, snow and clouds. Computed, not measured.",
            first,
            last,
        ),
        LAND_COVER: _collection(
            LAND_COVER,
            2,
            "worldcover",
            "Land cover (demo)",
            "What covers the ground of the invented valley, in the classes of ESA WorldCover. Computed, not measured.",
            f"{start[:4]}-01-01T00:00:00Z",
            f"{end[:4]}-12-31T23:59:59Z",
        ),
        DEM: _collection(
            DEM,
            3,
            "dem",
            "Heights (demo)",
            "Heights of the invented valley in metres above the sea. Computed, not measured.",
            None,
            None,
        ),
    }
