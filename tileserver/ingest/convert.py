"""Any raster that GDAL reads becomes a Cloud Optimized GeoTIFF: same pixels, other container."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import rasterio
from rasterio.shutil import copy

from tileserver.errors import SourceUnreadable
from tileserver.ingest.raster import Inspection

_BLOCK = 512


class Converter:
    """Makes COGs in a folder of its own; a COG has the modification time of the file that it was made of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def wants(self, seen: Inspection) -> bool:
        """Whether a file is drawn faster as a COG. Ground control points have no place in one."""
        return bool(seen.hint) and seen.asset.transform is not None

    def made(self, source: Path) -> tuple[str, str] | None:
        """Path and version of an up-to-date COG of a file, if there is one."""
        target = self._target(source)
        try:
            made, now = target.stat(), source.stat()
        except OSError:
            return None
        return (str(target), f"{made.st_size}-{made.st_mtime_ns}") if made.st_mtime_ns == now.st_mtime_ns else None

    def convert(self, source: Path, *, nodata: float | None = None) -> str:
        """The path of the COG, made now if need be. Raises SourceUnreadable."""
        if made := self.made(source):
            return made[0]
        target = self._target(source)
        partial = target.with_suffix(f".{os.getpid()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _translate(source, partial, nodata)
            status = source.stat()
            os.utime(partial, ns=(status.st_atime_ns, status.st_mtime_ns))
            partial.replace(target)
        except Exception as error:
            # rasterio lets GDAL's own errors through, which have no common public base.
            raise SourceUnreadable("It could not be converted to a COG; it may be damaged.") from error
        finally:
            partial.unlink(missing_ok=True)
        return str(target)

    def _target(self, source: Path) -> Path:
        return self.folder / f"{folder_name(source.with_suffix(''))}{source.suffix.lower().replace('.', '_')}.tif"


def folder_name(path: Path) -> str:
    """A readable name that no other path has."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.name)[:80]
    return f"{name}-{hashlib.blake2b(os.fsencode(path), digest_size=6).hexdigest()}"


def _translate(source: Path, target: Path, nodata: float | None) -> None:
    """Copy by GDAL's COG driver, which keeps masks, scales, descriptions and tags."""
    virtual = target.with_suffix(".vrt")
    try:
        with rasterio.open(source) as dataset:
            few = dataset.count == 1 and dataset.dtypes[0] == "uint8" and _is_classes(dataset)
            # A virtual copy can be told what the file itself does not say.
            copy(dataset, virtual, driver="VRT")
            if nodata is not None and dataset.nodata is None:
                with rasterio.open(virtual, "r+") as changed:
                    changed.nodata = nodata
        copy(
            virtual,
            target,
            driver="COG",
            COMPRESS="DEFLATE",
            PREDICTOR="YES",
            BLOCKSIZE=_BLOCK,
            BIGTIFF="IF_SAFER",
            # Those of JPEG 2000 mix nodata with data.
            OVERVIEWS="IGNORE_EXISTING",
            OVERVIEW_RESAMPLING="NEAREST" if few else "AVERAGE",
        )
    finally:
        virtual.unlink(missing_ok=True)


def _is_classes(dataset: Any) -> bool:
    """Class numbers must not be averaged: a colour table, or few different values."""
    import numpy as np

    try:
        dataset.colormap(1)
    except ValueError:
        factor = max(1, max(dataset.shape) // 512)
        small = dataset.read(1, out_shape=(max(1, dataset.height // factor), max(1, dataset.width // factor)))
        return len(np.unique(small)) <= 40
    return True
