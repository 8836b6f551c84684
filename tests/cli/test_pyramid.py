"""The tiles that `tileserver seed` draws: each once, none forgotten, a tile before what lies below it."""

from __future__ import annotations

import mercantile
import pytest

from tileserver.commands.seed import squares

BOXES = [(15.0, 48.0, 16.5, 49.0), (170.0, -10.0, -170.0, 10.0), (-180.0, -80.0, 180.0, 80.0), (0.0, 80.0, 1.0, 90.0)]


@pytest.mark.parametrize("bbox", BOXES)
@pytest.mark.parametrize("zooms", [range(3, 4), range(7), range(4, 6), range(3, 3)])
def test_every_tile_once(bbox: tuple[float, float, float, float], zooms: range) -> None:
    west, south, east, north = bbox
    sides = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    expected = {
        tile for left, right in sides for tile in mercantile.tiles(left, south, right, min(north, 85.05), zooms)
    }
    found = [tile for square in squares(bbox, zooms) for tile in square]
    assert len(found) == len(set(found))
    assert set(found) == expected
    places = {tile: index for index, tile in enumerate(found)}
    assert all(
        places[mercantile.parent(tile)] < index for tile, index in places.items() if tile.z > min(zooms, default=0)
    )


def test_a_place_without_area_beyond_the_map_has_no_tiles() -> None:
    assert list(squares((10.0, 86.0, 20.0, 89.0), range(3))) == []
