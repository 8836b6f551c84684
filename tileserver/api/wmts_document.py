"""The WMTS capabilities document, as a pure function of collections, their times and tile matrix sets.

Fragments of layers have a placeholder for the server's address, so that they can be kept. The order of elements
and their spelling are what QGIS, GDAL, OWSLib and OpenLayers need; the tests in `tests/clients` run them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from morecantile import TileMatrixSet

from tileserver.api.dimension import Dimension
from tileserver.api.xml import environment, with_base
from tileserver.legend import legend_of
from tileserver.legend_picture import legend_size
from tileserver.models import Bbox, Collection
from tileserver.settings import Settings
from tileserver.styles import word
from tileserver.tile_matrix_sets import Limits, crs_code, limits

NEAREST = "-nearest"
FORMATS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
INFO_FORMATS = {"application/json": "json", "text/html": "html", "text/plain": "txt"}
SECTIONS = ("ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents", "Themes")
Sets = Mapping[str, TileMatrixSet]


@lru_cache(maxsize=1)
def _template() -> Any:
    return environment().get_template("wmts.xml").module


def usable_sets(sets: Sets) -> dict[str, TileMatrixSet]:
    """The sets that WMTS 1.0.0 can express: a code for the CRS, rows from the top, matrices of one width."""
    return {
        name: tms
        for name, tms in sets.items()
        if ":" in crs_code(tms)[:12]
        and not tms.is_variable
        and all(matrix.cornerOfOrigin == "topLeft" for matrix in tms.tileMatrices)
    }


def formats_of(collection: Collection) -> dict[str, str]:
    """Media types and suffixes; no JPEG where every style draws classes, whose edges it would blur."""
    if all(style.classes for style in collection.styles):
        return {media: suffix for media, suffix in FORMATS.items() if suffix != "jpg"}
    return FORMATS


def limits_of(collection: Collection, sets: Sets) -> dict[str, tuple[Limits, ...]]:
    """By set, the tiles that hold data; sets that do not reach the collection are left out."""
    found = {name: _limits(name, tms, collection.bbox, collection.maxzoom) for name, tms in sets.items()}
    return {name: where for name, where in found.items() if where}


_known_limits: dict[tuple[object, ...], tuple[Limits, ...]] = {}


def _limits(name: str, tms: TileMatrixSet, bbox: Bbox, maxzoom: int) -> tuple[Limits, ...]:
    first = tms.tileMatrices[0]
    key = (name, tms.crs.srs, first.cellSize, first.pointOfOrigin, len(tms.tileMatrices), bbox, maxzoom)
    if key not in _known_limits:
        if len(_known_limits) > 16384:
            _known_limits.clear()
        _known_limits[key] = limits(tms, bbox, maxzoom)
    return _known_limits[key]


def layer_fragment(collection: Collection, dimension: Dimension | None, sets: Sets, *, nearest: bool) -> bytes:
    """The `{id}` layer and, where there are times, `{id}-nearest`; the address is a placeholder."""
    west, south, east, north = collection.bbox
    legends = f"/collections/{quote(collection.id, safe='')}/styles"
    formats = formats_of(collection)
    entry: dict[str, Any] = {
        "id": collection.id,
        "path": quote(collection.id, safe=""),
        "title": collection.title,
        "abstract": "\n".join(filter(None, (collection.description, collection.attribution))),
        "keywords": collection.keywords,
        "bbox": (west, south, east, north) if west <= east else (-180.0, south, 180.0, north),
        "styles": [
            {
                "id": style.id,
                "title": style.title,
                "abstract": word(style.descriptions, "en"),
                "legend": f"{legends}/{quote(style.id, safe='')}/legend.png",
                "size": legend_size(legend_of(collection, style)),
            }
            for style in collection.styles
        ],
        "formats": list(formats),
        "info_formats": list(INFO_FORMATS),
        "times": _values(dimension.values) if dimension else "",
        "default": dimension.default if dimension else "",
        "time": "{Time}" if dimension else "default",
        "links": _template().links(list(limits_of(collection, sets).items())),
        "suffixes": list(formats.items()),
        "info_suffixes": list(INFO_FORMATS.items()),
    }
    layers = [entry]
    if dimension and nearest:
        layers.append({
            **entry,
            "id": collection.id + NEAREST,
            "path": entry["path"] + NEAREST,
            "title": f"{collection.title} (nearest earlier image)",
            "times": _values((f"{dimension.first_day}/{dimension.last_day}/P1D",)),
            "default": dimension.last_day,
        })  # fmt: skip
    return "".join(_template().layer(layer) for layer in layers).encode()


def _values(times: Iterable[str]) -> Markup:
    """Times as elements; they are ours and need no escaping, and there may be a million of them."""
    return Markup("".join(f"<Value>{time}</Value>" for time in times))  # noqa: S704


def _sets_fragment(collections: Iterable[Collection], sets: Sets) -> str:
    """Each set that any layer links to, as deep as the deepest of them."""
    depth: dict[str, int] = {}
    for collection in collections:
        for name, where in limits_of(collection, sets).items():
            depth[name] = max(depth.get(name, 0), len(where))
    return "".join(
        _template().tile_matrix_set({
            "id": name,
            "title": sets[name].title or name,
            "crs": _urn(sets[name]),
            "matrices": sets[name].tileMatrices[: depth[name]],
        })
        for name in depth
    )  # fmt: skip


def _urn(tms: TileMatrixSet) -> str:
    authority, code = crs_code(tms).split(":", 1)
    return "urn:ogc:def:crs:OGC:1.3:CRS84" if code == "CRS84" else f"urn:ogc:def:crs:{authority}::{code}"


def capabilities(
    layers: Sequence[tuple[Collection, bytes]],
    sets: Sets,
    settings: Settings,
    *,
    base: str,
    path: str,
    sequence: int,
    sections: Iterable[str] = SECTIONS,
) -> bytes:
    """The document of collections with their fragments, for a server at `base`.

    `path` is where the document itself is, "/wmts" or "/collections/{c}/wmts".
    """
    template = _template()
    kvp, rest = f"{base}{path}?", f"{base}{path}/1.0.0/WMTSCapabilities.xml"
    parts = set(sections)
    out = [str(template.head(sequence))]
    if "ServiceIdentification" in parts:
        out.append(str(template.service_identification(settings.title)))
    if "ServiceProvider" in parts:
        out.append(str(template.service_provider(settings.contact_name or settings.title, settings.contact_email)))
    if "OperationsMetadata" in parts:
        out.append(str(template.operations_metadata(kvp, rest, f"{base}/wmts/1.0.0/")))
    document = ["".join(out).encode()]
    if "Contents" in parts:
        document += [b"<Contents>", with_base(b"".join(piece for _, piece in layers), base)]
        document += [_sets_fragment((collection for collection, _ in layers), sets).encode(), b"</Contents>"]
    document.append(str(template.foot(rest if parts >= set(SECTIONS) else "")).encode())
    return b"".join(document)


def unchanged(sequence: int) -> bytes:
    """The document for a client that has the newest already."""
    return (str(_template().head(sequence)) + str(_template().foot(""))).encode()
