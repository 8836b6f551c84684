"""What is asked: tiles of the synthetic granule, by our addresses and by those of the peers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mercantile

from benchmarks import granule

COLLECTION, COLOUR, DATE = "granule", "colour", "2024-05-15"
"""Bands in files of their own; three bands in one file; when both were taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Tiles of a zoom in an order."""

    name: str
    zoom: int
    count: int
    size: int = 256
    pan: bool = False
    """A walk over neighbours instead of random tiles."""
    ndvi: bool = False
    colour: bool = False
    """From one file of three bands."""

    def tiles(self, side: int) -> list[mercantile.Tile]:
        """The same tiles in every run, each once; fewer where the granule has no more."""
        chance = random.Random(42)
        tiles = list(within(side, self.zoom))
        if self.pan:
            return _walk(tiles, self.count, chance)
        chance.shuffle(tiles)
        return tiles[: self.count]

    def elsewhere(self, side: int, count: int) -> list[str]:
        """Paths of our server for tiles whose surroundings this workload does not touch."""
        near = {mercantile.parent(tile, zoom=self.zoom - 3) for tile in self.tiles(side)}
        far = [tile for tile in within(side, 14) if mercantile.parent(tile, zoom=self.zoom - 3) not in near]
        return self._paths(random.Random(7).sample(far, min(count, len(far))), 256)

    def ours(self, side: int) -> list[str]:
        """Paths of our server."""
        return self._paths(self.tiles(side), self.size)

    def _paths(self, tiles: Sequence[mercantile.Tile], size: int) -> list[str]:
        scale, kind = ("@2x" if size == 512 else ""), ("png" if self.ndvi else "jpg")
        query = "assets=B04,B03,B02&rescale=0,0.3"
        if self.ndvi:
            query = "expression=(B08-B04)/(B08%2BB04)&rescale=-1,1&colormap_name=rdylgn"
        elif self.colour:
            query = "bidx=1,2,3&rescale=0,0.3"
        place = f"/xyz/{COLOUR if self.colour else COLLECTION}/custom/{DATE}"
        return [f"{place}/{t.z}/{t.x}/{t.y}{scale}.{kind}?{query}&resampling=nearest" for t in tiles]

    def titiler(self, archive: Path | str, side: int) -> list[str]:
        """Paths of TiTiler over an archive folder, or over a bucket as s3://name."""
        kind = "png" if self.ndvi else "jpg"
        query = "assets=B04&assets=B03&assets=B02&rescale=0,3000"
        if self.ndvi:
            query = "assets=B08&assets=B04&expression=(b1-b2)/(b1%2Bb2)&rescale=-1,1&colormap_name=rdylgn"
        elif self.colour:
            query = "bidx=1&bidx=2&bidx=3&rescale=0,3000"
        source = f"{archive}/{COLOUR}/{DATE}.tif" if self.colour else f"{archive}/{COLLECTION}/{DATE}"
        place = "cog" if self.colour else "bands"
        return [
            f"/{place}/tiles/WebMercatorQuad/{t.z}/{t.x}/{t.y}.{kind}?url={source}&{query}&tilesize={self.size}"
            for t in self.tiles(side)
        ]

    def mapserver(self, side: int) -> list[str]:
        """Paths of MapServer, which draws RGB of 256 px only."""
        return [f"/{t.z}/{t.x}/{t.y}.jpg" for t in self.tiles(side)]


RANDOM = Workload(name="RGB 256 z14 random", zoom=14, count=150)
RANDOM_512 = Workload(name="RGB 512 z13 random", zoom=13, count=60, size=512)
COARSE = Workload(name="RGB 256 z11 random", zoom=11, count=60)
NDVI = Workload(name="NDVI PNG 256 z14 random", zoom=14, count=100, ndvi=True)
ONE_FILE = Workload(name="RGB 256 z14 random, one file of 3 bands", zoom=14, count=100, colour=True)
PAN = Workload(name="RGB 256 z14 panning", zoom=14, count=300, pan=True)
PAN_512 = Workload(name="RGB 512 z13 panning", zoom=13, count=150, size=512, pan=True)
PAN_COARSE = Workload(name="RGB 256 z12 panning", zoom=12, count=150, pan=True)
PAN_ONE_FILE = Workload(name="RGB 256 z14 panning, one file of 3 bands", zoom=14, count=300, colour=True, pan=True)


@cache
def within(side: int, zoom: int) -> tuple[mercantile.Tile, ...]:
    """Tiles that lie in the granule; where fewer than four do, those that touch it."""
    west, south, east, north = granule.inside(side)
    tiles = list(mercantile.tiles(west, south, east, north, [zoom]))
    whole = []
    for tile in tiles:
        box = mercantile.bounds(tile)
        if west <= box.west and box.east <= east and south <= box.south and box.north <= north:
            whole.append(tile)
    return tuple(whole if len(whole) >= 4 else tiles)


def _walk(tiles: list[mercantile.Tile], count: int, chance: random.Random) -> list[mercantile.Tile]:
    """A view of 4 x 3 tiles dragged over the granule; what has been seen is not asked again, as in a browser."""
    inside = set(tiles)
    place = sorted(tiles)[len(tiles) // 2]
    step = (1, 0)
    seen: dict[mercantile.Tile, None] = {}
    for _ in range(40 * count):
        view = [mercantile.Tile(place.x + i, place.y + j, place.z) for j in range(3) for i in range(4)]
        seen.update(dict.fromkeys(tile for tile in view if tile in inside))
        if len(seen) >= count:
            break
        moved = mercantile.Tile(place.x + step[0], place.y + step[1], place.z)
        if moved in inside and chance.random() > 0.2:
            place = moved
        else:
            step = chance.choice([(1, 0), (-1, 0), (0, 1), (0, -1)])
    return list(seen)[:count]
