"""A small Sentinel-2-like archive with values that tell where and when they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from affine import Affine

from tests.cogs import write_cog

DATES = ("2024-05-01", "2024-05-11", "2024-05-21")
SIZE = 400
PIXEL = 20.0
LEFT, TOP = 500_000.0, 5_200_000.0
TILES = {"33TWN": 0, "33TXN": 320}
"""West edges in pixels: the two tiles overlap by 80 pixels."""
BANDS = {"B02": 600, "B03": 800, "B04": 1000, "B08": 3000}
SCALE, OFFSET = 0.0001, -0.1
CENTER = (15.05, 46.92)
"""A place that both tiles and all dates cover, (lon, lat)."""


def ground(band: str, date: str, west: int) -> np.ndarray:
    """Stored values of a tile: the same place has the same value in both tiles."""
    rows, columns = np.mgrid[0:SIZE, west : west + SIZE]
    waves = 300 * np.sin(columns / 15) * np.cos(rows / 11)
    return np.round(1000 + BANDS[band] + 200 * DATES.index(date) + waves + columns / 4).astype("uint16")


def classes(west: int) -> np.ndarray:
    """Scene classes: vegetation, with a square of cloud (9) in columns 340..360 and rows 190..210."""
    rows, columns = np.mgrid[0:SIZE, west : west + SIZE]
    cloud = (columns >= 340) & (columns < 360) & (rows >= 190) & (rows < 210)
    return np.where(cloud, 9, 4).astype("uint8")


def make_archive(folder: Path) -> Path:
    """`<folder>/sentinel-2/<tile>/<date>/<band>.tif`; on the last date the eastern tile has a swath edge of nodata."""
    for tile, west in TILES.items():
        transform = Affine(PIXEL, 0, LEFT + west * PIXEL, 0, -PIXEL, TOP)
        for date in DATES:
            here = folder / "sentinel-2" / tile / date
            empty = np.zeros((SIZE, SIZE), bool)
            if date == DATES[-1] and tile == "33TXN":
                empty[:, SIZE // 2 :] = True
            for band in BANDS:
                data = np.where(empty, 0, ground(band, date, west)).astype("uint16")
                write_cog(here / f"{band}.tif", data, transform=transform, nodata=0, scale=SCALE, offset=OFFSET)
            write_cog(
                here / "SCL.tif",
                np.where(empty, 0, classes(west)).astype("uint8"),
                transform=transform,
                nodata=0,
            )
    rows, columns = np.mgrid[0:200, 0:200]
    dem = (500 + rows + columns * 2).astype("float32")
    write_cog(folder / "heights" / "dem.tif", dem, transform=Affine(40, 0, LEFT, 0, -40, TOP), nodata=-9999)
    cover = np.array([10, 30, 50, 80], "uint8")[(rows // 50 + columns // 50) % 4]
    colors = {10: (0, 100, 0, 255), 30: (255, 255, 76, 255), 50: (250, 0, 0, 255), 80: (0, 100, 200, 255)}
    write_cog(
        folder / "cover" / "2021.tif",
        cover,
        transform=Affine(40, 0, LEFT, 0, -40, TOP),
        nodata=0,
        colormap=colors,
    )
    return folder
