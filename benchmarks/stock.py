"""The peer: TiTiler as shipped, over a folder of band files, with the GDAL settings that its authors recommend.

uvicorn benchmarks.stock:app
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attr
import rasterio
from fastapi import FastAPI
from rasterio.warp import transform_bounds
from rio_tiler.constants import WGS84_CRS
from rio_tiler.io import MultiBaseReader, Reader
from titiler.core.errors import DEFAULT_STATUS_CODES, add_exception_handlers
from titiler.core.factory import MultiBaseTilerFactory

SETTINGS = {
    "GDAL_CACHEMAX": "200",
    "GDAL_BAND_BLOCK_CACHE": "HASHSET",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "5000000",
    "RIO_TILER_MAX_THREADS": "1",
}
"""One task thread: twice as fast as the default for bands in files of their own."""


@attr.s
class Folder(MultiBaseReader):
    """Every .tif of a folder is an asset."""

    def __attrs_post_init__(self) -> None:
        self.reader = Reader
        self.assets = sorted(path.stem for path in Path(self.input).glob("*.tif"))
        with rasterio.open(Path(self.input) / f"{self.assets[0]}.tif") as dataset:
            self.bounds = transform_bounds(dataset.crs, WGS84_CRS, *dataset.bounds)
        self.crs = WGS84_CRS

    def _get_asset_info(self, asset: str) -> dict[str, Any]:
        url = str(Path(self.input) / f"{asset}.tif")
        return {"name": asset, "url": url, "media_type": None, "reader_options": {}, "method_options": {}}


app = FastAPI()
app.include_router(MultiBaseTilerFactory(reader=Folder, router_prefix="/bands").router, prefix="/bands")
add_exception_handlers(app, DEFAULT_STATUS_CODES)


@app.get("/healthz")
def healthz() -> dict[str, bool]:
    return {"ok": True}
