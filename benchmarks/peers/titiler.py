"""The peer: TiTiler as shipped, over folders of band files, with the GDAL settings that its authors recommend.

uvicorn benchmarks.peers.titiler:app
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import attr
import rasterio
from fastapi import FastAPI
from rasterio.warp import transform_bounds
from rio_tiler.constants import WGS84_CRS
from rio_tiler.io import MultiBaseReader, Reader
from titiler.core.errors import DEFAULT_STATUS_CODES, add_exception_handlers
from titiler.core.factory import MultiBaseTilerFactory, TilerFactory

SETTINGS = {
    "GDAL_CACHEMAX": "200",
    "GDAL_BAND_BLOCK_CACHE": "HASHSET",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_VERSION": "2",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "CPL_VSIL_CURL_CACHE_SIZE": "200000000",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "5000000",
    "RIO_TILER_MAX_THREADS": "1",
}
"""One task thread: twice as fast as the default for bands in files of their own."""
BANDS = ("B02", "B03", "B04", "B08")


@cache
def _grid(folder: str) -> tuple[list[str], tuple[float, ...]]:
    """Assets and bounds; on S3, where listing costs a request, the four bands."""
    assets = list(BANDS) if folder.startswith("s3://") else sorted(path.stem for path in Path(folder).glob("*.tif"))
    with rasterio.open(f"{folder}/{assets[0]}.tif") as dataset:
        return assets, transform_bounds(dataset.crs, WGS84_CRS, *dataset.bounds)


@attr.s
class Folder(MultiBaseReader):
    """Every .tif of a folder is an asset; a folder is looked at once, which a STAC Item would say."""

    def __attrs_post_init__(self) -> None:
        self.reader = Reader
        self.assets, self.bounds = _grid(self.input)
        self.crs = WGS84_CRS

    def _get_asset_info(self, asset: str) -> dict[str, Any]:
        url = f"{self.input}/{asset}.tif"
        return {"name": asset, "url": url, "media_type": None, "reader_options": {}, "method_options": {}}


app = FastAPI()
app.include_router(MultiBaseTilerFactory(reader=Folder, router_prefix="/bands").router, prefix="/bands")
app.include_router(TilerFactory(router_prefix="/cog").router, prefix="/cog")
add_exception_handlers(app, DEFAULT_STATUS_CODES)


@app.get("/healthz")
def healthz() -> dict[str, bool]:
    return {"ok": True}
