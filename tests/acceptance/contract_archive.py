"""An archive of odd but legal folders: names, dates, types, masks, grids. Values tell where they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile
from rasterio.rpc import RPC
from rasterio.shutil import copy

from tests.cogs import write_cog

HEIGHT, WIDTH = 260, 330
PLACE = (15.03, 46.93)
"""A place (lon, lat) in most of the rasters."""
NORTH_UP = Affine(20.0, 0, 500_000.0, 0, -20.0, 5_200_000.0)
SOUTH_UP = Affine(20.0, 0, 500_000.0, 0, 20.0, 5_200_000.0 - 20 * HEIGHT)
TURNED = Affine.translation(500_000, 5_200_000) @ Affine.rotation(30) @ Affine.scale(20, -20)
MOON = (
    'GEOGCS["GCS_Moon_2000",DATUM["D_Moon_2000",SPHEROID["Moon_2000_IAU_IAG",1737400,0]],'
    'PRIMEM["Reference_Meridian",0],UNIT["degree",0.0174532925199433]]'
)
TOLD = {
    "type": "Collection", "stac_version": "1.0.0", "id": "told", "title": "Told", "description": "By hand.",
    "license": "CC0-1.0", "links": [], "extent": {}, "item_assets": {"vv-db": {"title": "Backscatter"}},
    "renders": {
        "warm": {"title": "Warm", "assets": ["vv-db"], "rescale": [[3, 700]], "colormap_name": "magma"},
        "twice": {"title": "Twice", "assets": ["vv-db"], "expression": "vv_db*2", "rescale": [[0, 1400]]},
    },
}  # fmt: skip
"""A collection.json that says what to draw."""
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
RAMP = 1 + 3 * COLUMNS + ROWS
"""1 to 1247; a step of a pixel is 3 to the east and 1 to the south."""
PICTURE = np.stack([COLUMNS * 255 // WIDTH, ROWS * 255 // HEIGHT, (COLUMNS + ROWS) * 255 // (WIDTH + HEIGHT)])


def ramp(add: int = 0, dtype: str = "uint16") -> np.ndarray:
    return (RAMP + add).astype(dtype)


def write_plain(path: Path, data: np.ndarray, crs: str | None = "EPSG:32633", transform: Affine = NORTH_UP) -> Path:
    """A GeoTIFF that is no COG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "count": 1, "height": data.shape[0], "width": data.shape[1], "dtype": data.dtype}
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform) as dataset:
        dataset.write(data, 1)
    return path


def write_picture(path: Path, seen: np.ndarray, *, alpha: bool) -> Path:
    """An RGB COG: with an alpha band, or as JPEG with an internal mask."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff", "count": 3 + alpha, "height": HEIGHT, "width": WIDTH, "dtype": "uint8", "crs": "EPSG:32633",
        "transform": NORTH_UP, "photometric": "RGB", **({"alpha": "yes"} if alpha else {}),
    }  # fmt: skip
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(PICTURE.astype("uint8"), [1, 2, 3])
            if alpha:
                dataset.write((seen * 255).astype("uint8"), 4)
                dataset.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
            else:
                dataset.write_mask(seen)
        with memory.open() as dataset:
            copy(dataset, path, driver="COG", compress="deflate" if alpha else "jpeg", blocksize=128)
    return path


def make_odd(folder: Path) -> Path:
    """Every collection is one oddity."""
    write_cog(folder / "Môj archív é" / "2023-08-10" / "Červený kanál.tif", ramp(), nodata=0)
    for year in (2019, 2020):
        write_cog(folder / "years" / f"{year}.tif", np.stack([ramp(year), ramp(1)]), nodata=0)
    for day in (10, 11):
        for band in ("B04", "B08"):
            path = folder / "nested" / "2023" / "08" / str(day) / f"{band}.tif"
            write_cog(path, ramp(1000 * (band == "B08") + day), nodata=0, scale=0.0001, offset=-0.1)
    for hour in ("2015-12-08T100409Z", "2015-12-08T101125Z"):
        write_cog(folder / "twice" / hour / "NDVI.tif", ramp(int(hour[13:15]), "float32") / 2000, nodata=np.nan)
    write_cog(folder / "told" / "2024-01-01" / "vv-db.tif", ramp(), nodata=0, scale=0.5, offset=3)
    (folder / "told" / "collection.json").write_text(json.dumps(TOLD))
    write_cog(folder / "undated" / "a.tif", ramp(), nodata=0)
    write_cog(folder / "tagged" / "x.tif", ramp(), nodata=0, tags={"TIFFTAG_DATETIME": "2021:05:06 07:08:09"})
    for day in ("20230810", "20230820"):
        write_cog(folder / "scenes" / f"scene_{day}.tif", np.stack([ramp(i) for i in range(4)]), nodata=0)
    circle = (ROWS - 130) ** 2 + (COLUMNS - 165) ** 2 < 100**2
    write_picture(folder / "masked" / "2022-03-04.tif", circle, alpha=False)
    write_picture(folder / "alpha" / "2022-03-04.tif", circle, alpha=True)
    write_plain(folder / "southup" / "2022-01-01.tif", ramp(), transform=SOUTH_UP)
    write_plain(folder / "turned" / "2022-01-01.tif", ramp(), transform=TURNED)
    write_cog(
        folder / "dateline" / "2022-01-01.tif", ramp(), crs="EPSG:4326", transform=Affine(0.01, 0, 178, 0, -0.01, -16)
    )
    polar = Affine(10_000, 0, -2_000_000, 0, -10_000, 1_500_000)
    write_cog(folder / "polar" / "2022-01-01.tif", ramp(), crs="EPSG:3031", transform=polar)
    below = ramp(-700, "int16")
    below[:30] = -32768
    write_cog(folder / "below" / "2022-01-01.tif", below, nodata=-32768)
    for day in ("2022-01-01", "2022-01-05"):
        write_cog(folder / "empty" / day / "v.tif", ramp() * (day == "2022-01-01"), nodata=0)
        good = np.random.default_rng(1).integers(1, 60000, (HEIGHT, WIDTH)).astype("uint16")
        write_cog(folder / "broken" / day / "v.tif", good, nodata=0)
    broken = folder / "broken" / "2022-01-05" / "v.tif"
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 3] + bytes(len(content) - len(content) // 3))
    make_impossible(folder / "impossible")
    return folder


def make_impossible(folder: Path) -> None:
    """What cannot be placed or drawn, beside one raster that can."""
    write_plain(folder / "fine.tif", ramp())
    write_plain(folder / "nocrs.tif", ramp(), crs=None)
    write_plain(folder / "complex.tif", (RAMP + 1j).astype("complex64"))
    write_plain(folder / "moon.tif", ramp(), crs=MOON, transform=Affine(0.01, 0, 10, 0, -0.01, 20))
    write_plain(folder / "rpc.tif", ramp(), crs=None)
    one, east, south = [1.0] + [0.0] * 19, [0.0, 1.0] + [0.0] * 18, [0.0, 0.0, 1.0] + [0.0] * 17
    with rasterio.open(folder / "rpc.tif", "r+") as dataset:
        dataset.rpcs = RPC(
            height_off=0, height_scale=500, lat_off=46.9, lat_scale=0.1, long_off=15, long_scale=0.1,
            line_off=130, line_scale=130, samp_off=165, samp_scale=165,
            line_num_coeff=south, line_den_coeff=one, samp_num_coeff=east, samp_den_coeff=one,
        )  # fmt: skip
    (folder / "nothing.tif").write_bytes(b"")
    (folder / "garbage.tif").write_bytes(b"no raster" * 99)
