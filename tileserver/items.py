"""Items as STAC Item JSON, with the hrefs of the catalog's own storage.

Written with the `proj`, `raster` and `eo` extensions of STAC 1.0; read from these and from the common
`bands` of 1.1. An undated item is written with the longest possible period: STAC knows no items without time.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import orjson

from tileserver.collections import parse_rfc3339, rfc3339
from tileserver.models import Asset, Band, Bbox, Item, spelled

PREFIX = "tilescope:"
EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
)
ALWAYS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
_NOT_RASTERS = {"thumbnail", "overview", "metadata"}
_RASTER_TYPES = (
    "image/tiff",
    "image/jp2",
    "image/vnd.stac.geotiff",
    "application/x-geotiff",
    "image/x.geotiff",
)
_RASTER_NAME = re.compile(r"\.(tiff?|jp2|vrt|img)([?#]|$)", re.IGNORECASE)
_OWN = {
    "datetime",
    "start_datetime",
    "end_datetime",
    "eo:cloud_cover",
    PREFIX + "undated",
    PREFIX + "version",
}


def band_names(key: str, count: int) -> tuple[str, ...]:
    """What an asset's bands are called in expressions: the key itself, or "{key}_b1" and so on."""
    safe = spelled(key)
    return (safe,) if count == 1 else tuple(f"{safe}_b{index}" for index in range(1, count + 1))


def versioned(item: Item) -> Item:
    """The item with a version that names its content."""
    plain = item_to_stac(replace(item, version=""))
    content = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return replace(item, version=hashlib.blake2b(content, digest_size=8).hexdigest())


def item_to_stac(item: Item) -> dict[str, Any]:
    """The whole item as a STAC 1.0 Item, without links."""
    properties: dict[str, Any] = {key: value for key, value in item.properties.items() if key not in _OWN}
    if item.datetime is None:
        start, end = ALWAYS
        properties |= {
            "datetime": None,
            "start_datetime": start,
            "end_datetime": end,
            PREFIX + "undated": True,
        }
    elif item.end_datetime is None:
        properties["datetime"] = rfc3339(item.datetime)
    else:
        start, end = rfc3339(item.datetime) or "", rfc3339(item.end_datetime) or ""
        properties |= {"datetime": None, "start_datetime": start, "end_datetime": end}
    if item.cloud_cover is not None:
        properties["eo:cloud_cover"] = item.cloud_cover
    if item.version:
        properties[PREFIX + "version"] = item.version
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": list(EXTENSIONS),
        "id": item.id,
        "collection": item.collection,
        "bbox": list(item.bbox),
        "geometry": dict(item.geometry),
        "properties": properties,
        "assets": {key: _asset_to_stac(asset) for key, asset in item.assets.items()},
        "links": [],
    }


def item_from_stac(stac: Mapping[str, Any]) -> Item:
    """An Item from STAC JSON, without assets that are no rasters. Nonsense raises KeyError or ValueError."""
    if not isinstance(stac.get("id"), str) or not stac["id"]:
        raise ValueError("it has no id")
    properties = dict(stac.get("properties") or {})
    start, end = _times(properties)
    cloud = properties.get("eo:cloud_cover")
    geometry = stac.get("geometry")
    bbox = _bbox(stac.get("bbox"), geometry)
    assets = (_asset_from_stac(key, asset, properties) for key, asset in (stac.get("assets") or {}).items())
    return Item(
        id=str(stac["id"]),
        collection=str(stac.get("collection") or ""),
        datetime=start,
        end_datetime=end,
        bbox=bbox,
        geometry=geometry or _box_geometry(bbox),
        assets={asset.key: asset for asset in assets if asset is not None},
        cloud_cover=None if cloud is None else float(cloud),
        properties={key: value for key, value in properties.items() if key not in _OWN},
        version=str(properties.get(PREFIX + "version", "")),
    )


def _times(properties: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """Start (or instant) and end; a period counts where there is no instant or it is longer than a day."""
    if properties.get(PREFIX + "undated"):
        return None, None
    moment = parse_rfc3339(properties.get("datetime"))
    start, end = (parse_rfc3339(properties.get(f"{name}_datetime")) for name in ("start", "end"))
    if start is None or end is None or end <= start:
        return moment or start or end, None
    if moment is None or end - start > timedelta(days=1):
        return start, end
    return moment, None


def _bbox(value: Any, geometry: Mapping[str, Any] | None) -> Bbox:
    if value:
        west, south, east, north = value if len(value) == 4 else (value[0], value[1], value[3], value[4])
        return float(west), float(south), float(east), float(north)
    if geometry is None:
        raise ValueError("has neither bbox nor geometry")
    from shapely.geometry import shape

    return cast("Bbox", tuple(float(edge) for edge in shape(dict(geometry)).bounds))


def _box_geometry(bbox: Bbox) -> dict[str, Any]:
    west, south, east, north = bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _asset_to_stac(asset: Asset) -> dict[str, Any]:
    out: dict[str, Any] = {"href": asset.href, "type": asset.media_type, "roles": list(asset.roles)}
    if asset.title:
        out["title"] = asset.title
    if asset.crs.upper().startswith("EPSG:"):
        out["proj:code"] = asset.crs
    elif asset.crs:
        out["proj:wkt2"] = asset.crs
    if asset.transform:
        out["proj:transform"] = list(asset.transform)
    if asset.shape:
        out["proj:shape"] = list(asset.shape)
    if asset.bands:
        out["raster:bands"] = [_raster_band(band) for band in asset.bands]
        out["eo:bands"] = [_eo_band(band) for band in asset.bands]
        indices = [band.index for band in asset.bands]
        if indices != list(range(1, len(indices) + 1)):
            out[PREFIX + "indices"] = indices
    if asset.version:
        out[PREFIX + "version"] = asset.version
    return out


def _raster_band(band: Band) -> dict[str, Any]:
    values = {
        "data_type": band.dtype,
        "nodata": _number_to_json(band.nodata),
        "scale": band.scale,
        "offset": band.offset,
        "unit": band.unit or None,
    }
    return {key: value for key, value in values.items() if value is not None}


def _eo_band(band: Band) -> dict[str, Any]:
    return {"name": band.name, **({"description": band.description} if band.description else {})}


def _number_to_json(value: float | None) -> float | str | None:
    """JSON has no NaN; the raster extension writes words."""
    if value is None or math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


def _is_raster(asset: Mapping[str, Any]) -> bool:
    if set(asset.get("roles") or ()) & _NOT_RASTERS:
        return False
    media_type = str(asset.get("type") or "").lower()
    if media_type.startswith(_RASTER_TYPES):
        return True
    # Some catalogs leave the type out.
    return not media_type and bool(_RASTER_NAME.search(str(asset.get("href", ""))))


def _asset_from_stac(key: str, stac: Mapping[str, Any], properties: Mapping[str, Any]) -> Asset | None:
    if not _is_raster(stac):
        return None

    def get(name: str) -> Any:
        value = stac.get(name)
        return properties.get(name) if value is None else value

    code = get("proj:code") or (f"EPSG:{get('proj:epsg')}" if get("proj:epsg") else None)
    transform = get("proj:transform")
    size = get("proj:shape")
    return Asset(
        key=key,
        href=str(stac["href"]),
        bands=_bands_from_stac(key, stac),
        crs=str(code or get("proj:wkt2") or ""),
        transform=cast("Any", tuple(float(term) for term in transform[:6])) if transform else None,
        shape=(int(size[0]), int(size[1])) if size else None,
        title=str(stac.get("title") or ""),
        media_type=str(stac.get("type") or "image/tiff; application=geotiff"),
        roles=tuple(stac.get("roles") or ("data",)),
        version=str(stac.get(PREFIX + "version") or stac.get("file:checksum") or ""),
    )


def _bands_from_stac(key: str, stac: Mapping[str, Any]) -> tuple[Band, ...]:
    """`bands` of STAC 1.1, else `raster:bands` and `eo:bands`; one band where nothing is said."""
    common = stac.get("bands") or []
    raster = stac.get("raster:bands") or []
    eo = stac.get("eo:bands") or []
    count = max(len(common), len(raster), len(eo), 1)
    own = stac.get(PREFIX + "indices") or range(1, count + 1)
    bands = []
    for place, (index, name) in enumerate(zip(own, band_names(key, count), strict=True)):
        parts = [source[place] if place < len(source) else {} for source in (eo, raster, common)]
        # In STAC 1.1 what all bands share stands at the asset.
        shared = {
            name: stac[name]
            for name in ("data_type", "nodata", "unit", "raster:scale", "raster:offset")
            if name in stac
        }
        said = {**shared, **parts[0], **parts[1], **parts[2]}
        bands.append(
            Band(
                name=_own_name(parts[0], name, own=PREFIX + "version" in stac),
                index=int(index),
                dtype=said.get("data_type"),
                nodata=_number(said.get("nodata")),
                scale=_number(said.get("raster:scale", said.get("scale"))),
                offset=_number(said.get("raster:offset", said.get("offset"))),
                unit=str(said.get("unit") or ""),
                description=str(said.get("description") or ""),
            )
        )
    return tuple(bands)


def _own_name(eo: Mapping[str, Any], name: str, *, own: bool) -> str:
    """Our own files say how bands are called here; others' names ("red") follow the asset."""
    return str(eo["name"]) if own and eo.get("name") else name


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
