"""What items take in memory is known well enough to keep them within a budget."""

from __future__ import annotations

import tracemalloc

import orjson
import pytest

from tileserver.catalog.parsed_items import ParsedItems, weight
from tileserver.items import item_from_stac


def document(number: int, assets: int, vertices: int) -> bytes:
    """An item as a catalog keeps it."""
    ring = [[15 + i / 1000 + number / 7, 46 + i / 900] for i in range(vertices)]
    return orjson.dumps(
        {
            "id": f"item-{number}",
            "collection": "c",
            "bbox": [15, 46, 16, 47],
            "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
            "properties": {"datetime": "2024-05-01T00:00:00Z", "platform": f"p{number}", "eo:cloud_cover": 3},
            "assets": {
                f"B{band:02}": {
                    "href": f"/archive/{number}/some/folder/B{band:02}.tif",
                    "type": "image/tiff; application=geotiff",
                    "roles": ["data"],
                    "proj:code": "EPSG:32633",
                    "proj:transform": [10.0 + number, 0, 4e5, 0, -10, 5e6],
                    "proj:shape": [10980, 10980],
                    "raster:bands": [{"data_type": "uint16", "nodata": 0, "scale": 0.0001, "offset": -0.1}],
                }
                for band in range(assets)
            },
        }
    )


@pytest.mark.parametrize(("assets", "vertices"), [(1, 4), (4, 80), (15, 4), (3, 1000)])
def test_an_items_weight_is_about_what_it_takes(assets, vertices):
    documents = [document(number, assets, vertices) for number in range(60)]
    item_from_stac(orjson.loads(documents[0]))
    tracemalloc.start()
    items = [item_from_stac(orjson.loads(each)) for each in documents]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / 2 < sum(map(weight, items)) < taken * 2


def test_the_least_recently_used_go_and_what_is_too_large_does_not_stay():
    items = {number: item_from_stac(orjson.loads(document(number, 2, 4))) for number in range(10)}
    kept: ParsedItems[int] = ParsedItems(5 * weight(items[0]) + 100)
    kept.keep(items)
    assert list(kept.known(range(10))) == [5, 6, 7, 8, 9]
    kept.known([5])
    kept.keep({10: items[0]})
    assert set(kept.known(range(11))) == {5, 7, 8, 9, 10}
    kept.keep({11: item_from_stac(orjson.loads(document(0, 2, 10_000)))})
    assert set(kept.known(range(12))) == {5, 7, 8, 9, 10}
