"""Collections as STAC Collection JSON, as the catalog keeps them and as `collection.json` may say them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tileserver.models import Bbox, CloudMask, Collection
from tileserver.styles import PREFIX, style_from_render, style_to_render

RENDER_EXTENSION = "https://stac-extensions.github.io/render/v2.0.0/schema.json"
_OWN = {"template", "tolerance_days", "order", "maxzoom", "attribution", "mask"}
_KNOWN = {
    "type", "stac_version", "stac_extensions", "id", "title", "description", "license", "keywords",
    "extent", "item_assets", "renders", "links", "assets",
}  # fmt: skip


@lru_cache(maxsize=4096)
def rfc3339(moment: datetime | None) -> str | None:
    """2023-08-13T10:07:53Z, with milliseconds only where there are some."""
    if moment is None:
        return None
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")


def parse_rfc3339(text: str | None) -> datetime | None:
    """The UTC moment of an RFC 3339 text; without a zone it is UTC."""
    if not text:
        return None
    moment = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _mask_to_json(mask: CloudMask) -> dict[str, Any]:
    return {
        "asset": mask.asset,
        "values": list(mask.values),
        "bits": list(mask.bits),
        "cloud_values": list(mask.cloud_values),
    }


def mask_from_json(value: Mapping[str, Any] | None) -> CloudMask | None:
    """A template's or a collection's `mask`."""
    if not value:
        return None
    return CloudMask(
        asset=str(value["asset"]),
        values=tuple(int(v) for v in value.get("values", ())),
        bits=tuple(int(v) for v in value.get("bits", ())),
        cloud_values=tuple(int(v) for v in value.get("cloud_values", ())),
    )


def collection_to_stac(collection: Collection) -> dict[str, Any]:
    """The whole collection as a STAC 1.0 Collection, without links."""
    own: dict[str, Any] = {
        "template": collection.template,
        "tolerance_days": collection.tolerance_days,
        "order": collection.order,
        "maxzoom": collection.maxzoom,
        "attribution": collection.attribution,
        "mask": _mask_to_json(collection.mask) if collection.mask else None,
    }
    return {
        **collection.extra,
        "type": "Collection",
        "stac_version": "1.0.0",
        "stac_extensions": [RENDER_EXTENSION, *collection.extra.get("stac_extensions", [])],
        "id": collection.id,
        "title": collection.title,
        "description": collection.description or collection.title,
        "license": collection.license,
        "keywords": list(collection.keywords),
        "extent": {
            "spatial": {"bbox": [list(collection.bbox)]},
            "temporal": {"interval": [[rfc3339(moment) for moment in collection.interval]]},
        },
        "item_assets": {key: dict(asset) for key, asset in collection.item_assets.items()},
        "renders": {style.id: style_to_render(style) for style in collection.styles},
        **{PREFIX + key: value for key, value in own.items() if value not in (None, "")},
        "links": [],
    }


def collection_from_stac(stac: Mapping[str, Any]) -> Collection:
    """A Collection from STAC JSON; what it does not know is kept in `extra`."""

    def own(name: str, default: Any) -> Any:
        return stac.get(PREFIX + name, default)

    extent = stac.get("extent", {})
    boxes = extent.get("spatial", {}).get("bbox") or [[-180.0, -90.0, 180.0, 90.0]]
    intervals = extent.get("temporal", {}).get("interval") or [[None, None]]
    start, end = (parse_rfc3339(text) for text in intervals[0])
    return Collection(
        id=str(stac["id"]),
        title=str(stac.get("title") or stac["id"]),
        description=str(stac.get("description", "")),
        license=str(stac.get("license", "other")),
        attribution=str(own("attribution", "")),
        keywords=tuple(stac.get("keywords") or ()),
        template=str(own("template", "generic")),
        item_assets=stac.get("item_assets") or {},
        styles=tuple(style_from_render(key, render) for key, render in (stac.get("renders") or {}).items()),
        mask=mask_from_json(own("mask", None)),
        tolerance_days=int(own("tolerance_days", 10)),
        order=own("order", None),
        bbox=_flat(boxes[0]),
        interval=(start, end),
        maxzoom=int(own("maxzoom", 14)),
        extra={key: value for key, value in stac.items() if key not in _KNOWN and key.removeprefix(PREFIX) not in _OWN},
    )


def _flat(box: list[float]) -> Bbox:
    """A 2D box; the heights of a 3D one are left out."""
    west, south, *rest = box if len(box) == 4 else [box[0], box[1], box[3], box[4]]
    return float(west), float(south), float(rest[0]), float(rest[1])
