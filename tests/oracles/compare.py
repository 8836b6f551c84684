"""One tile by our reader and CPU backend, and the same tile by rio-tiler."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import morecantile
import numpy as np
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader

from gpu.cpu import CpuBackend
from tileserver.models import Asset, Band, Grid, Resampling
from tileserver.reading import FastReader

WEB = morecantile.tms.get("WebMercatorQuad")
BACKEND = CpuBackend()
READER = FastReader()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What two tiles have not in common."""

    valid: int
    """Valid pixels of rio-tiler's tile."""
    validity: float
    """Share of pixels that only one of both takes for valid."""
    values: float
    """Share of pixels whose values differ."""
    mean: float
    """Mean difference where both are valid, as a share of the tile's range of values."""
    largest: float
    steps: float
    """The largest difference in stored values."""


def ours(path: Path, grid: Grid, resampling: Resampling, bands: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """(bands, height, width) stored values, and validity, by the fast path alone."""
    asset = Asset(key="data", href=str(path))
    assert READER.explain(asset) == ""
    wanted = [(asset, Band(name=f"b{index}", index=index)) for index in range(1, bands + 1)]
    values, valid = [], []
    for source in READER.sources(wanted, grid, resampling):
        if source is None:
            values.append(np.zeros((grid.height, grid.width)))
            valid.append(np.zeros((grid.height, grid.width), np.bool_))
        else:
            value, ok = BACKEND.warp(source, grid.height, grid.width, resampling)
            values.append(value)
            valid.append(ok)
    return np.stack(values), np.stack(valid)


def compare(
    path: Path, tile: morecantile.Tile, resampling: Resampling, size: int = 256, bands: int = 1,
    tms: morecantile.TileMatrixSet = WEB,
) -> Difference | None:  # fmt: skip
    """None where rio-tiler says that the tile is beyond the file."""
    with warnings.catch_warnings(), Reader(str(path), tms=tms) as reader:
        warnings.simplefilter("ignore")
        try:
            image = reader.tile(
                *tile, tilesize=size, indexes=tuple(range(1, bands + 1)), resampling_method=resampling,
                reproject_method=resampling,
            )  # fmt: skip
        except TileOutsideBounds:
            return None
    reference, known = image.array.data.astype(np.float64), ~np.ma.getmaskarray(image.array)
    bounds = tms.xy_bounds(tile)
    code = ":".join(tms.rasterio_crs.to_authority())
    grid = Grid(crs=code, bounds=tuple(bounds), width=size, height=size)
    values, valid = ours(path, grid, resampling, bands)
    both = known & valid
    difference = np.abs(values[both].astype(np.float64) - reference[both])
    span = max(float(np.ptp(reference[known])), 1e-9) if known.any() else 1.0
    return Difference(
        valid=int(known.sum()),
        validity=float((known != valid).mean()),
        values=float((difference > 0).sum() / known.size),
        mean=float(difference.mean() / span) if both.any() else 0.0,
        largest=float(difference.max() / span) if both.any() else 0.0,
        steps=float(difference.max()) if both.any() else 0.0,
    )


def tiles_of(path: Path, zooms: range, each: int, tms: morecantile.TileMatrixSet = WEB) -> Iterator[morecantile.Tile]:
    """Some tiles of every zoom, with the file's corners among them."""
    random = np.random.default_rng(11)
    with Reader(str(path), tms=tms) as reader:
        west, south, east, north = reader.get_geographic_bounds(tms.rasterio_geographic_crs)
    south, north = max(south, -84.0), min(north, 84.0)
    if west >= east:
        west, east = (west, 179.99) if random.random() < 0.5 else (-179.99, east)
    for zoom in zooms:
        places = [(west, north), (east, south), ((west + east) / 2, (south + north) / 2)]
        places += [(random.uniform(west, east), random.uniform(south, north)) for _ in range(each)]
        yield from dict.fromkeys(tms.tile(lon, lat, zoom) for lon, lat in places[:each])
