"""What a GeoTIFF says of itself, for little more than its tags.

GDAL is asked once for every make of file: equal coordinate system keys, nodata, colours, layout. From the second
file on, what is left is plain: size, place, and words. It counts only if the first file of the make, described
in the same way, gave exactly what GDAL says of it.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import rasterio
from cachetools import LRUCache
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import MemoryFile

from tileserver.cog.parsed import Own
from tileserver.cog.source import ByteSource, LocalFile, RemoteFile
from tileserver.gdal import describe, environment, gdal_name, north_up
from tileserver.ports import Header

MAKES = 1024
SIDECARS = (".aux.xml", ".msk", ".ovr", ".aux", ".MSK", ".OVR", ".AUX")
"""Files beside a raster that tell GDAL more of it."""


class Unsupported(Exception):
    """A file for GDAL; says why."""


@dataclass(frozen=True, slots=True)
class Description:
    """A file that we may read ourselves."""

    header: Header
    alpha: int | None
    """Plane of the alpha band, from 0."""
    masked: bool
    """Has it a mask of its own."""


_NEW, _GDALS_OWN = object(), object()
"""Instead of a make: nobody knows it yet; GDAL sees more in such files than we do."""
_makes: LRUCache[bytes, object] = LRUCache(MAKES)
"""The first file of each make, with only those tags that are not words of the file."""
_lock = Lock()


def described(href: str, source: ByteSource, own: Own | None) -> Description:
    """As GDAL describes the same bytes; raises Unsupported. `own` is what we read of them if they are plain."""
    if own is None or (isinstance(source, LocalFile) and _has_sidecar(href)):
        return _by_gdal(href, source)
    with _lock:
        make = _makes.get(own.make, _NEW)
    if isinstance(make, Description):
        return _alike(make, own)
    found = _by_gdal(href, source)
    if make is _NEW:
        common = {name: text for name, text in found.header.tags.items() if name not in own.metadata.tags}
        like = replace(found, header=replace(found.header, tags=common))
        with _lock:
            _makes[own.make] = like if _alike(like, own) == found else _GDALS_OWN
    return found


def _alike(like: Description, own: Own) -> Description:
    """Another file of a make."""
    header, words = like.header, own.metadata
    (width, height), (dx, dy), (x, y) = own.size, own.scale, own.corner
    if header.tags.get("AREA_OR_POINT") == "Point":  # the place is that of the first pixel's centre
        x, y = x - dx * 0.5, y + dy * 0.5
    bands = range(header.bands)
    header = replace(
        header,
        transform=(dx, 0.0, x, 0.0, -dy, y),
        width=width,
        height=height,
        overviews=own.overviews,
        scales=tuple(words.scales.get(band, 1.0) for band in bands),
        offsets=tuple(words.offsets.get(band, 0.0) for band in bands),
        descriptions=tuple(words.descriptions.get(band, "") for band in bands),
        units=tuple(words.units.get(band, "") for band in bands),
        tags=words.tags | header.tags,
    )
    return Description(header, like.alpha, like.masked)


def _has_sidecar(href: str) -> bool:
    """Files beside it, in the cases in which GDAL looks for them."""
    stem = os.path.splitext(href)[0]  # noqa: PTH122 - a hot path, Path() costs more than the calls
    return any(os.access(f"{href}{end}", os.F_OK) for end in SIDECARS) or os.access(f"{stem}.aux", os.F_OK)


def _by_gdal(href: str, source: ByteSource) -> Description:
    try:
        with warnings.catch_warnings(), environment(href):
            warnings.simplefilter("ignore")
            if isinstance(source, RemoteFile):
                with MemoryFile(source.head()) as memory, memory.open() as dataset:
                    return _facts(dataset)
            with rasterio.open(gdal_name(href)) as dataset:
                return _facts(dataset)
    except (rasterio.errors.RasterioError, OSError, ValueError) as error:
        raise Unsupported("GDAL reads its header in another way") from error


def _facts(dataset: Any) -> Description:
    if dataset.driver != "GTiff":
        raise Unsupported(f"{dataset.driver} is no GeoTIFF")
    if dataset.gcps[0]:
        raise Unsupported("placed by ground control points")
    if dataset.crs is None:
        raise Unsupported("without a coordinate reference system")
    if not north_up(dataset.transform):
        raise Unsupported("not north-up")
    if len(set(dataset.dtypes)) > 1:
        raise Unsupported("bands of several types")
    kinds = list(dataset.colorinterp)
    alpha = kinds.index(ColorInterp.alpha) if ColorInterp.alpha in kinds else None
    masked = any(flags == [MaskFlags.per_dataset] for flags in dataset.mask_flag_enums)
    return Description(describe(dataset), alpha, masked)
