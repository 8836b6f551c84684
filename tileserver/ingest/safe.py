"""Sentinel-2 products as their producer ships them: SAFE folders with JPEG 2000 bands and XML metadata.

Reflectance = (stored + offset) / quantification; since processing baseline 04.00 the offset is -1000. Both stand
in the product's metadata, not in the images.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from tileserver.collections import parse_rfc3339
from tileserver.errors import SourceUnreadable
from tileserver.ingest.dates import find_date
from tileserver.ingest.raster import Inspection, inspect
from tileserver.ingest.union import united
from tileserver.items import versioned
from tileserver.models import Asset, Item

_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""By `band_id` of the metadata."""
_IMAGE = re.compile(r"_(?P<band>B\d{2}|B8A|SCL|TCI|AOT|WVP)(?:_(?P<metres>\d{2})m)?\.jp2$", re.IGNORECASE)
_MAX_XML = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the product's XML says."""

    level: str
    """L1C or L2A."""
    taken: datetime | None
    cloud_cover: float | None
    platform: str
    baseline: str
    scale: float
    offsets: Mapping[str, float]
    """Reflectance offset by band; bands without one have 0."""


def is_safe(folder: Path) -> bool:
    """A Sentinel-2 product folder."""
    return folder.is_dir() and bool(_metadata_files(folder))


def read_safe(folder: Path, collection_id: str) -> list[Item]:
    """The granules of a product as items whose assets are the JPEG 2000 files. Raises SourceUnreadable."""
    files = _metadata_files(folder)
    if not files:
        raise SourceUnreadable("The product has no metadata (MTD_MSIL1C.xml or MTD_MSIL2A.xml).")
    metadata = read_metadata(files[0])
    granules = sorted(path for path in folder.glob("GRANULE/*") if path.is_dir())
    items = [item for granule in granules if (item := _item(folder, granule, metadata, collection_id, len(granules)))]
    if not items:
        raise SourceUnreadable("The product has no readable images.")
    return items


def read_metadata(path: Path) -> Metadata:
    """Parse a product's MTD file. Raises SourceUnreadable."""
    root = _xml(path)

    def text(*names: str) -> str:
        return next((element.text.strip() for name in names for element in root.iter(name) if element.text), "")

    level = "L2A" if "MSIL2A" in path.name else "L1C"
    try:
        quantification = float(text("BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE") or 10000)
        cloud = text("Cloud_Coverage_Assessment")
        offsets = {
            _BANDS[int(element.get("band_id", ""))]: float(element.text or 0) / quantification
            for name in ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET")
            for element in root.iter(name)
        }
        return Metadata(
            level=level,
            taken=parse_rfc3339(text("PRODUCT_START_TIME")),
            cloud_cover=float(cloud) if cloud else None,
            platform=text("SPACECRAFT_NAME").lower(),
            baseline=text("PROCESSING_BASELINE"),
            scale=1 / quantification,
            offsets=offsets,
        )
    except (ValueError, IndexError, ZeroDivisionError) as error:
        raise SourceUnreadable("The product's metadata hold values that make no sense.") from error


def _metadata_files(folder: Path) -> list[Path]:
    return sorted(path for level in ("L2A", "L1C") for path in folder.glob(f"MTD_MSI{level}.xml"))


def _xml(path: Path) -> ET.Element:
    try:
        if path.stat().st_size > _MAX_XML:
            raise SourceUnreadable("The product's metadata are too large.")
        return ET.fromstring(path.read_bytes())  # noqa: S314 - expat limits entity expansion itself
    except (OSError, ET.ParseError) as error:
        raise SourceUnreadable("The product's metadata cannot be read.") from error


def _sensed(granule: Path) -> datetime | None:
    """The granule's own time: several granules of one pass differ by seconds."""
    try:
        element = next(_xml(granule / "MTD_TL.xml").iter("SENSING_TIME"), None)
        return parse_rfc3339(element.text) if element is not None else None
    except (SourceUnreadable, ValueError):
        return None


def _item(folder: Path, granule: Path, metadata: Metadata, collection_id: str, granules: int) -> Item | None:
    seen = [_inspect(key, path, metadata) for key, path in _images(granule).items()]
    found = [one for one in seen if one is not None]
    if not found:
        return None
    bbox, geometry = united(found)
    named = find_date(folder.name)
    tile = re.search(r"_T(\d{2}[A-Z]{3})", granule.name)
    item = Item(
        id=folder.stem if granules == 1 else f"{folder.stem}_{tile[1] if tile else granule.name}",
        collection=collection_id,
        datetime=_sensed(granule) or metadata.taken or (named.start if named else None),
        bbox=bbox,
        geometry=geometry,
        assets={one.asset.key: one.asset for one in found},
        cloud_cover=metadata.cloud_cover,
        properties={
            "platform": metadata.platform,
            "processing:level": metadata.level,
            "s2:processing_baseline": metadata.baseline,
            **({"s2:mgrs_tile": tile[1]} if tile else {}),
        },
    )
    return versioned(item)


def _images(granule: Path) -> dict[str, Path]:
    """The finest image of each band."""
    found: dict[str, tuple[int, Path]] = {}
    for path in sorted(granule.glob("IMG_DATA/**/*.jp2")):
        if match := _IMAGE.search(path.name):
            band, metres = match["band"].upper(), int(match["metres"] or 0)
            if band not in found or metres < found[band][0]:
                found[band] = (metres, path)
    return {band: path for band, (_, path) in sorted(found.items())}


def _inspect(key: str, path: Path, metadata: Metadata) -> Inspection | None:
    try:
        seen = inspect(str(path), key)
    except SourceUnreadable:
        return None
    return replace(seen, asset=_calibrated(seen.asset, metadata))


def _calibrated(asset: Asset, metadata: Metadata) -> Asset:
    """The asset with nodata 0 and, for reflectance, scale and offset."""
    reflectance = asset.key in _BANDS
    bands = tuple(
        replace(
            band,
            nodata=0.0 if band.nodata is None else band.nodata,
            scale=metadata.scale if reflectance else band.scale,
            offset=metadata.offsets.get(asset.key, 0.0) if reflectance else band.offset,
        )
        for band in asset.bands
    )
    return replace(asset, bands=bands)
