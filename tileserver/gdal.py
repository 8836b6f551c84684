"""Any raster that GDAL opens, read the way rio-tiler reads it: the path for everything unusual.

Correct first: rotated grids, ground control points, masks, alpha, JPEG 2000, archives, odd codecs. Pixels
come back already warped onto the output grid (`Source.control` is None).
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import rasterio
from cachetools import LRUCache
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.session import DummySession
from rasterio.transform import from_gcps
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from gpu.backend import Source
from tileserver.errors import SourceUnreadable
from tileserver.hrefs import is_remote, revision
from tileserver.models import Asset, Band, Grid, Resampling
from tileserver.ports import Header, NotAtHand

REMOTE_OPTIONS: Mapping[str, Any] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_CONNECTTIMEOUT": "5",
    "GDAL_HTTP_TIMEOUT": "30",
    "GDAL_HTTP_MAX_RETRY": "1",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "VSI_CACHE": "TRUE",
}
WGS84 = CRS.from_epsg(4326)
MOST_UNITS, LEAST_AREA = 1e12, 1e-24
"""Coordinates and pixels beyond these are mistakes, whatever their unit."""


class GdalReader:
    """Reads anything, one dataset open per call."""

    def __init__(self, headers: int = 4096) -> None:
        self._headers: LRUCache[tuple[str, str], Header] = LRUCache(headers)
        self._lock = Lock()

    def header(self, asset: Asset) -> Header:
        """The file's own description, cached until the file changes."""
        key = (asset.href, revision(asset.href, asset.version))
        with self._lock:
            known = self._headers.get(key)
        if known is None:
            with opened(asset) as dataset:
                known = describe(dataset)
            with self._lock:
                self._headers[key] = known
        return known

    def sources(
        self, bands: Sequence[tuple[Asset, Band]], grid: Grid, resampling: Resampling, *, at_hand: bool = False
    ) -> list[Source | None]:
        """One Source for each band, on the output grid; bands of one file are read together. Nothing is at hand."""
        if at_hand:
            raise NotAtHand
        together: dict[tuple[str, float | None], list[int]] = {}
        for position, (asset, band) in enumerate(bands):
            together.setdefault((asset.href, band.nodata), []).append(position)
        out: list[Source | None] = [None] * len(bands)
        for positions in together.values():
            asset = bands[positions[0]][0]
            wanted = [bands[position][1] for position in positions]
            for position, source in zip(positions, _warped(asset, wanted, grid, resampling), strict=True):
                out[position] = source
        return out

    def point(self, bands: Sequence[tuple[Asset, Band]], lon: float, lat: float) -> list[float | None]:
        """Physical values of the native pixels that contain the point."""
        out: list[float | None] = [None] * len(bands)
        together: dict[str, list[int]] = {}
        for position, (asset, _) in enumerate(bands):
            together.setdefault(asset.href, []).append(position)
        for positions in together.values():
            with opened(bands[positions[0]][0], turned=lambda _: True) as dataset:
                pixel = _pixel(dataset, lon, lat)
                if pixel is None:
                    continue
                for position in positions:
                    out[position] = _value(dataset, bands[position][1], pixel)
        return out


@contextmanager
def opened(asset: Asset, *, turned: Callable[[CRS], bool] = lambda _: False) -> Iterator[Any]:
    """A dataset with a CRS, north-up unless one of its CRS may be `turned`; GDAL's messages stay inside."""
    with ExitStack() as stack:
        stack.enter_context(environment(asset.href))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        try:
            dataset = stack.enter_context(rasterio.open(gdal_name(asset.href)))
            upright = _upright(dataset, asset.crs, stack, turned)
        except (rasterio.errors.RasterioError, CPLE_BaseError, OSError, ValueError) as error:
            raise SourceUnreadable("The file cannot be opened as a raster.") from error
        try:
            yield upright
        except (rasterio.errors.RasterioError, CPLE_BaseError, OSError, MemoryError, ValueError) as error:
            raise SourceUnreadable("The file's pixels cannot be read.") from error


def environment(href: str) -> Any:
    """GDAL's settings for an href; the endpoint of the usual AWS variables, in the words of GDAL 3.10."""
    if not is_remote(href):
        return rasterio.Env()
    options = dict(REMOTE_OPTIONS)
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    if href.startswith("s3://") and endpoint.netloc:
        options |= {"AWS_S3_ENDPOINT": endpoint.netloc, "AWS_VIRTUAL_HOSTING": "FALSE"}
        options["AWS_HTTPS"] = "YES" if endpoint.scheme == "https" else "NO"
    if os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true", "yes"):
        options["AWS_NO_SIGN_REQUEST"] = "YES"
    return rasterio.Env(session=DummySession(), **options)


def gdal_name(href: str) -> str:
    """An href in GDAL's words."""
    if href.startswith("s3://"):
        return f"/vsis3/{href[5:]}"
    if href.startswith(("http://", "https://")):
        return f"/vsicurl/{href}"
    return href


def _upright(dataset: Any, crs: str, stack: ExitStack, turned: Callable[[CRS], bool]) -> Any:
    """The dataset itself where it is north-up, else a view that is."""
    if dataset.count == 0 or any(kind.startswith("complex") for kind in dataset.dtypes):
        raise SourceUnreadable("The file holds no numbers that can be drawn.")
    gcps, gcp_crs = dataset.gcps
    if not (gcps or placed(dataset.transform)):
        raise SourceUnreadable("The file's place on Earth makes no sense.")
    options: dict[str, Any] = {}
    if gcps:
        options = {"src_crs": gcp_crs, "src_transform": from_gcps(gcps)}
    elif dataset.crs is None:
        if not crs:
            raise SourceUnreadable("The file has no coordinate reference system.")
        options = {"src_crs": CRS.from_user_input(crs)}
    elif not (north_up(dataset.transform) or turned(dataset.crs)):
        options = {"src_crs": dataset.crs}
    if not options:
        return dataset
    if dataset.nodata is not None:
        options |= {"nodata": dataset.nodata, "src_nodata": dataset.nodata}
    else:
        options["add_alpha"] = ColorInterp.alpha not in dataset.colorinterp
    return stack.enter_context(WarpedVRT(dataset, **options))


def north_up(transform: Any) -> bool:
    """Columns go east, rows go south, nothing is turned."""
    return placed(transform) and bool(transform.b == 0 and transform.d == 0 and transform.a > 0 and transform.e < 0)


def placed(transform: Any) -> bool:
    """Has every pixel a place, and one of its own."""
    finite = all(abs(number) < MOST_UNITS for number in tuple(transform)[:6])
    return finite and abs(transform.determinant) > LEAST_AREA


def describe(dataset: Any) -> Header:
    """What a dataset says of itself."""
    try:
        colormap = dict(dataset.colormap(1))
    except (ValueError, rasterio.errors.RasterioError):
        colormap = None
    flags = dataset.mask_flag_enums
    return Header(
        driver=dataset.driver,
        crs=crs_name(dataset.crs),
        transform=tuple(dataset.transform)[:6],
        width=dataset.width,
        height=dataset.height,
        dtype=dataset.dtypes[0],
        bands=dataset.count,
        nodata=dataset.nodata,
        scales=tuple(dataset.scales),
        offsets=tuple(dataset.offsets),
        descriptions=tuple(text or "" for text in dataset.descriptions),
        units=tuple(text or "" for text in dataset.units),
        overviews=tuple(dataset.overviews(1)),
        block=dataset.block_shapes[0],
        colormap=colormap,
        tags=dict(dataset.tags()),
        masked=ColorInterp.alpha in dataset.colorinterp
        or any(MaskFlags.alpha in band or band == [MaskFlags.per_dataset] for band in flags),
    )


def crs_name(crs: Any) -> str:
    """An authority code where one means exactly this CRS, else WKT."""
    authority = crs.to_authority()
    if authority:
        name = ":".join(authority)
        if CRS.from_user_input(name) == crs:
            return name
    return str(crs.to_wkt())


def _warped(asset: Asset, bands: Sequence[Band], grid: Grid, resampling: Resampling) -> Iterator[Source | None]:
    """Bands of one file with one nodata value, on the grid as rio-tiler makes it."""
    from rio_tiler import reader as rio_reader  # half of a start, and few files need it

    crs = CRS.from_user_input(grid.crs)
    # What is warped anyway may be turned; else rio-tiler reads windows, which are for rows that go south.
    with opened(asset, turned=lambda own: own != crs) as dataset:
        indexes = [band.index for band in bands]
        if max(indexes) > dataset.count:
            raise SourceUnreadable(f"The file has {dataset.count} bands, band {max(indexes)} is asked.")
        image = rio_reader.part(
            dataset,
            grid.bounds,
            height=grid.height,
            width=grid.width,
            dst_crs=crs,
            bounds_crs=crs,
            indexes=indexes,
            nodata=bands[0].nodata,
            resampling_method=resampling,
            reproject_method=resampling,
        )
        masked = image.array
        scales, offsets = dataset.scales, dataset.offsets
    hidden = np.ma.getmaskarray(masked)
    for position, band in enumerate(bands):
        valid: NDArray[np.bool_] = ~hidden[position]
        pixels = masked.data[position]
        if not valid.any():
            yield None
            continue
        yield Source(
            pixels=pixels,
            valid=None if valid.all() else valid,
            scale=band.scale if band.scale is not None else scales[band.index - 1],
            offset=band.offset if band.offset is not None else offsets[band.index - 1],
        )


def _pixel(dataset: Any, lon: float, lat: float) -> tuple[int, int] | None:
    """(row, column) of the pixel that contains a point, None outside."""
    xs, ys = transform_points(WGS84, dataset.crs, [lon], [lat])
    if not (math.isfinite(xs[0]) and math.isfinite(ys[0])):
        return None
    column, row = ~dataset.transform * (xs[0], ys[0])
    if not (0 <= column < dataset.width and 0 <= row < dataset.height):
        return None
    return int(row), int(column)


def _value(dataset: Any, band: Band, pixel: tuple[int, int]) -> float | None:
    """The physical value of one pixel, None where it is nodata or masked."""
    if band.index > dataset.count:
        raise SourceUnreadable(f"The file has {dataset.count} bands, band {band.index} is asked.")
    window = Window(pixel[1], pixel[0], 1, 1)
    stored = dataset.read(band.index, window=window)[0, 0]
    nodata = band.nodata if band.nodata is not None else dataset.nodata
    if nodata is not None and stored == nodata:
        return None
    if band.nodata is None and not dataset.read_masks(band.index, window=window)[0, 0]:
        return None
    scale = band.scale if band.scale is not None else dataset.scales[band.index - 1]
    offset = band.offset if band.offset is not None else dataset.offsets[band.index - 1]
    value = float(stored) * scale + offset
    return value if math.isfinite(value) else None
