"""A raster file as an asset: bands, position, version; and why a file cannot be one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyproj
import rasterio
from pyproj.exceptions import CRSError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.transform import from_gcps

from tileserver.errors import SourceUnreadable
from tileserver.hrefs import is_remote
from tileserver.ingest.footprint import footprint
from tileserver.items import band_names
from tileserver.models import Asset, Band, Bbox

SUFFIXES = frozenset(
    {".tif", ".tiff", ".gtiff", ".jp2", ".j2k", ".vrt", ".img", ".asc", ".hgt", ".bil", ".dem", ".dt0", ".dt1", ".dt2"}
    | {".nc", ".grb", ".grib", ".grb2", ".grib2"}
)
"""File names that are taken for rasters in served folders."""
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_TYPES = {"GTiff": "image/tiff; application=geotiff", "JP2OpenJPEG": "image/jp2", "netCDF": "application/netcdf"}
_EARTH_RADII = (6_350_000, 6_385_000)
_MAX_PLAIN = 1024
_REMOTE = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_CONNECTTIMEOUT": "5", "GDAL_HTTP_TIMEOUT": "30"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a raster file says of itself."""

    asset: Asset
    bbox: Bbox
    geometry: Mapping[str, Any]
    taken: datetime | None
    """TIFFTAG_DATETIME, taken for UTC."""
    hint: str
    """Why drawing is slower than it could be; empty where it is not."""


def inspect(href: str, key: str) -> Inspection:
    """Read a file's header. Raises SourceUnreadable with the reason why it cannot be drawn."""
    version = file_version(href)
    with opened(href) as dataset:
        crs, affine, from_points = _placement(dataset)
        _check(dataset, crs)
        bbox, geometry = footprint(crs, affine, dataset.width, dataset.height)
        hint = _hint(dataset)
        return Inspection(
            asset=Asset(
                key=key,
                href=href,
                bands=_bands(dataset, key),
                crs="" if from_points else _crs_text(crs),
                transform=None if from_points else affine,
                shape=(dataset.height, dataset.width),
                media_type=COG
                if dataset.driver == "GTiff" and not hint
                else _TYPES.get(dataset.driver, "image/x-raster"),
                version=version,
            ),
            bbox=bbox,
            geometry=geometry,
            taken=_taken(dataset.tags().get("TIFFTAG_DATETIME")),
            hint=hint,
        )


def file_version(href: str) -> str:
    """Size and modification time; changes whenever a local file does. Raises SourceUnreadable."""
    if is_remote(href):
        return ""
    try:
        status = Path(href).stat()
    except OSError as error:
        raise SourceUnreadable("The file is missing or may not be read.") from error
    if status.st_size == 0:
        raise SourceUnreadable("The file is empty.")
    return f"{status.st_size}-{status.st_mtime_ns}"


@contextmanager
def opened(href: str) -> Iterator[Any]:
    """A dataset, read-only. Raises SourceUnreadable."""
    options = _REMOTE if is_remote(href) else {}
    try:
        with rasterio.Env(**options), rasterio.open(href) as dataset:
            yield dataset
    except (RasterioIOError, RasterioError, UnicodeError, ValueError) as error:
        raise SourceUnreadable("It is no raster that GDAL can read, or it is damaged.") from error


def _placement(dataset: Any) -> tuple[CRS, tuple[float, float, float, float, float, float], bool]:
    """CRS, affine transform, and whether they come from ground control points."""
    points, points_crs = dataset.gcps
    if dataset.crs is not None and not dataset.transform.is_identity:
        return dataset.crs, tuple(dataset.transform)[:6], False
    if points and points_crs is not None:
        return points_crs, tuple(from_gcps(points))[:6], True
    if dataset.subdatasets and dataset.count == 0:
        raise SourceUnreadable("It holds several datasets; convert the one you want with gdal_translate.")
    if dataset.rpcs is not None:
        raise SourceUnreadable("It is placed by RPCs only; orthorectify it first.")
    if dataset.crs is None:
        raise SourceUnreadable("It has no coordinate system.")
    raise SourceUnreadable("It has a coordinate system but no position.")


def _check(dataset: Any, crs: CRS) -> None:
    if dataset.count == 0:
        raise SourceUnreadable("It has no bands.")
    if any(dtype.startswith("complex") for dtype in dataset.dtypes):
        raise SourceUnreadable("Its numbers are complex; store amplitude or phase instead.")
    try:
        known = pyproj.CRS.from_user_input(crs.to_wkt())
    except CRSError as error:
        raise SourceUnreadable("Its coordinate system is not understood.") from error
    ellipsoid = known.ellipsoid
    if ellipsoid is None:
        raise SourceUnreadable("Its coordinate system is a local one, without a place on Earth.")
    low, high = _EARTH_RADII
    if not low <= ellipsoid.semi_major_metre <= high:
        raise SourceUnreadable(f"It does not lie on Earth ({ellipsoid.name}).")


def _crs_text(crs: CRS) -> str:
    """ "EPSG:32633" where the system is exactly that, else WKT."""
    authority = crs.to_authority(confidence_threshold=100) if crs else None
    if authority and authority[0] == "EPSG":
        return f"EPSG:{authority[1]}"
    return str(crs.to_wkt())


def _bands(dataset: Any, key: str) -> tuple[Band, ...]:
    names = band_names(key, dataset.count)
    return tuple(
        Band(
            name=name,
            index=index,
            dtype=dataset.dtypes[index - 1],
            nodata=dataset.nodatavals[index - 1],
            scale=scale if (scale, offset) != (1, 0) else None,
            offset=offset if (scale, offset) != (1, 0) else None,
            unit=dataset.units[index - 1] or "",
            description=dataset.descriptions[index - 1] or "",
        )
        for index, name, scale, offset in zip(dataset.indexes, names, dataset.scales, dataset.offsets, strict=True)
        if not (index == dataset.count > 1 and _is_alpha(dataset, index))
    )


def _is_alpha(dataset: Any, index: int) -> bool:
    """An alpha band is validity, not data; with a nodata value GDAL takes it for data."""
    return dataset.colorinterp[index - 1] == ColorInterp.alpha and dataset.nodatavals[0] is None


def _hint(dataset: Any) -> str:
    large = max(dataset.width, dataset.height) > _MAX_PLAIN
    if dataset.driver != "GTiff":
        return f"it is {dataset.driver}, not a Cloud Optimized GeoTIFF"
    height, width = dataset.block_shapes[0]
    if large and width == dataset.width and height < dataset.height:
        return "it is stored in strips, not in blocks"
    if large and not dataset.overviews(1):
        return "it has no overviews"
    return ""


def _taken(text: str | None) -> datetime | None:
    if not text:
        return None
    for form in ("%Y:%m:%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y:%m:%d"):
        try:
            return datetime.strptime(text.strip().rstrip("Z"), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
