"""What is asked: tiles of the synthetic granule, by our addresses and by TiTiler's."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mercantile

WEST, SOUTH, EAST, NORTH = 15.02, 48.42, 15.50, 48.72
"""Inside the granule."""
COLLECTION, DATE = "granule", "2024-05-15"


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

    def tiles(self) -> list[mercantile.Tile]:
        """The same tiles in every run; random ones come once."""
        chance = random.Random(42)
        if self.pan:
            return _walk(mercantile.tile((WEST + EAST) / 2, (SOUTH + NORTH) / 2, self.zoom), self.count, chance)
        tiles = list(mercantile.tiles(WEST, SOUTH, EAST, NORTH, [self.zoom]))
        chance.shuffle(tiles)
        return tiles[: self.count]

    def ours(self) -> list[str]:
        """Paths of our server."""
        scale, kind = ("@2x" if self.size == 512 else ""), ("png" if self.ndvi else "jpg")
        query = (
            "expression=(B08-B04)/(B08%2BB04)&rescale=-1,1&colormap_name=rdylgn"
            if self.ndvi
            else "assets=B04,B03,B02&rescale=0,0.3"
        )
        return [
            f"/xyz/{COLLECTION}/custom/{DATE}/{t.z}/{t.x}/{t.y}{scale}.{kind}?{query}&resampling=nearest"
            for t in self.tiles()
        ]

    def stock(self, folder: Path) -> list[str]:
        """Paths of TiTiler."""
        kind = "png" if self.ndvi else "jpg"
        query = (
            "assets=B08&assets=B04&expression=(b1-b2)/(b1%2Bb2)&rescale=-1,1&colormap_name=rdylgn"
            if self.ndvi
            else "assets=B04&assets=B03&assets=B02&rescale=0,3000"
        )
        return [
            f"/bands/tiles/WebMercatorQuad/{t.z}/{t.x}/{t.y}.{kind}?url={folder}&{query}&tilesize={self.size}"
            for t in self.tiles()
        ]


Paths = Callable[[Workload], list[str]]

WORKLOADS = (
    Workload(name="RGB 256 z14 random", zoom=14, count=150),
    Workload(name="RGB 512 z13 random", zoom=13, count=60, size=512),
    Workload(name="RGB 256 z11 random", zoom=11, count=12),
    Workload(name="NDVI PNG 256 z14 random", zoom=14, count=100, ndvi=True),
    Workload(name="RGB 256 z14 panning", zoom=14, count=300, pan=True),
)


def _walk(start: mercantile.Tile, count: int, chance: random.Random) -> list[mercantile.Tile]:
    """Views of 3 x 3 tiles that move by one tile."""
    inside = set(mercantile.tiles(WEST, SOUTH, EAST, NORTH, [start.z]))
    x, y, out = start.x, start.y, []
    while len(out) < count:
        out += [mercantile.Tile(x + i, y + j, start.z) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        dx, dy = chance.choice([(1, 0), (-1, 0), (0, 1), (0, -1)])
        if mercantile.Tile(x + 2 * dx, y + 2 * dy, start.z) in inside:
            x, y = x + dx, y + dy
    return out[:count]
