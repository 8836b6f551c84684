"""Small COGs on the grids of the world, with a texture that shows a shift of one pixel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine

from tests.cogs import write_cog

SINUSOIDAL = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"
LON_180 = Affine(0.01, 0, 178.0, 0, -0.01, -16.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file's grid."""

    crs: str
    transform: Affine
    width: int = 700
    height: int = 650


PLACES: dict[str, Place] = {
    "utm33": Place(crs="EPSG:32633", transform=Affine(10, 0, 499_980, 0, -10, 5_400_000)),
    "utm33_south": Place(crs="EPSG:32733", transform=Affine(30, 0, 310_000, 0, -30, 7_400_000)),
    "utm_60_north": Place(crs="EPSG:32635", transform=Affine(20, 0, 380_000, 0, -20, 6_700_000)),
    "utm60_antimeridian": Place(crs="EPSG:32660", transform=Affine(200, 0, 620_000, 0, -200, 5_800_000)),
    "geographic": Place(crs="EPSG:4326", transform=Affine(0.002, 0, 14.1, 0, -0.002, 50.3)),
    "geographic_world": Place(crs="EPSG:4326", transform=Affine(0.5, 0, -180, 0, -0.5, 90), width=720, height=360),
    "geographic_antimeridian": Place(crs="EPSG:4326", transform=LON_180),
    "mercator": Place(crs="EPSG:3857", transform=Affine(37.5, 0, 1_500_000, 0, -37.5, 6_300_000)),
    "polar_south": Place(crs="EPSG:3031", transform=Affine(9_000, 0, -3_000_000, 0, -9_000, 2_900_000)),
    "polar_north": Place(crs="EPSG:3413", transform=Affine(2_000, 0, -400_000, 0, -2_000, -900_000)),
    "sinusoidal": Place(crs=SINUSOIDAL, transform=Affine(463.3127, 0, 1_111_950, 0, -463.3127, 5_559_752)),
    "laea": Place(crs="EPSG:3035", transform=Affine(100, 0, 4_600_000, 0, -100, 3_000_000)),
    "sjtsk": Place(crs="EPSG:5514", transform=Affine(50, 0, -760_000, 0, -50, -1_020_000)),
    "swiss": Place(crs="EPSG:2056", transform=Affine(10, 0, 2_600_000, 0, -10, 1_200_000)),
    "lambert93": Place(crs="EPSG:2154", transform=Affine(25, 0, 650_000, 0, -25, 6_860_000)),
}


def hole(place: Place) -> np.ndarray:
    """(height, width) where there is nothing: a ragged corner and a rectangle."""
    y, x = np.mgrid[: place.height, : place.width]
    out = (x + 0.6 * y + 9 * np.sin(y / 13)) < 160
    out[300:330, 300:350] = True
    return out


def texture(place: Place, dtype: str, nodata: float | None) -> np.ndarray:
    """Hills, a checkerboard and noise; nodata in the hole where there is such a value."""
    y, x = np.mgrid[: place.height, : place.width]
    random = np.random.default_rng(3)
    hills = 2000 + 900 * np.sin(x / 40) * np.cos(y / 55) + 150 * ((x // 8 + y // 8) % 2)
    out = np.clip(hills + random.normal(0, 60, hills.shape), 1, 60_000).astype(dtype)
    if nodata is not None:
        out[hole(place)] = nodata
    return out


def make(
    folder: Path, name: str, *, dtype: str = "uint16", nodata: float | None = 0, bands: int = 1, masked: bool = False
) -> Path:
    """The COG of a place; made once per folder. `masked`: an internal mask hides the hole."""
    path = folder / f"{name}-{dtype}-{nodata}-{bands}-{masked}.tif"
    if not path.exists():
        place = PLACES[name]
        first = texture(place, dtype, nodata)
        data = np.stack([np.where(first == nodata, first, first + 7 * band) for band in range(bands)]).astype(dtype)
        write_cog(
            path, data, crs=place.crs, transform=place.transform, nodata=nodata, overview_resampling="average",
            mask=~hole(place) if masked else None,
        )  # fmt: skip
    return path
