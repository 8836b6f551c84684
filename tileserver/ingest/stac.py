"""STAC as a source: Items, ItemCollections, static catalogs, APIs. Assets stay where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import orjson

from tileserver.errors import NotFound, SourceUnreadable
from tileserver.hrefs import is_remote
from tileserver.ingest.guess import describe, keep_styles
from tileserver.ingest.raster import inspect
from tileserver.ingest.report import Report
from tileserver.ingest.sync import complete
from tileserver.ingest.template import Template, best_template, template
from tileserver.items import item_from_stac
from tileserver.models import Asset, Band, Collection, Item
from tileserver.ports import Catalog

_MAX_DEPTH = 12
_FOLLOWED = {"child", "item", "items"}
_BATCH = 500
Document = dict[str, Any]


def is_stac(path: Path) -> bool:
    """A JSON file, or a folder with catalog.json, that says it is STAC."""
    entry = entry_of(path)
    if entry is None:
        return False
    try:
        document = orjson.loads(entry.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return False
    if not isinstance(document, dict):
        return False
    if path.is_dir() and document.get("type") == "Collection":
        # collection.json beside rasters describes them; only links to items make it a catalog.
        return any(link.get("rel") in _FOLLOWED for link in document.get("links", ()))
    return document.get("type") in {"Feature", "FeatureCollection", "Catalog", "Collection"}


def entry_of(path: Path) -> Path | None:
    """The file to begin with."""
    if path.is_file():
        return path if path.suffix.lower() in {".json", ".geojson"} else None
    return next((path / name for name in ("catalog.json", "collection.json") if (path / name).is_file()), None)


def read_static(path: Path, report: Report) -> Iterator[tuple[Document, Document | None]]:
    """Items (with absolute hrefs) of a file or static catalog, each with its STAC Collection where there is one."""
    entry = entry_of(path)
    if entry is not None:
        yield from _walk(entry.absolute(), None, report, 0, set())


def _walk(
    path: Path, collection: Document | None, report: Report, depth: int, seen: set[Path]
) -> Iterator[tuple[Document, Document | None]]:
    real = path.resolve()
    if real in seen or depth > _MAX_DEPTH:
        return
    seen.add(real)
    try:
        document = orjson.loads(path.read_bytes())
        kind = document["type"]
    except OSError:
        report.skip(path.name, "The file is missing or may not be read.")
        return
    except (orjson.JSONDecodeError, KeyError, TypeError):
        report.skip(path.name, "It is no STAC document.")
        return
    if kind == "Feature":
        yield _absolute(document, path), collection
    elif kind == "FeatureCollection":
        for feature in document.get("features", ()):
            yield _absolute(feature, path), collection
    elif kind in {"Catalog", "Collection"}:
        inner = document if kind == "Collection" else collection
        for link in document.get("links", ()):
            href = str(link.get("href", ""))
            if link.get("rel") in _FOLLOWED and href and not is_remote(href):
                yield from _walk(path.parent / href, inner, report, depth + 1, seen)
            elif link.get("rel") in _FOLLOWED:
                report.skip(href, "It is not on this machine; use `tileserver harvest` for a STAC API.")
    else:
        report.skip(path.name, "It is no STAC document.")


def _absolute(item: Document, path: Path) -> Document:
    """The item with hrefs that do not depend on where it lies."""
    link = next((link.get("href") for link in item.get("links", ()) if link.get("rel") == "self"), None)
    assets = {}
    for key, asset in (item.get("assets") or {}).items():
        href = str(asset.get("href", "")).removeprefix("file://")
        if not is_remote(href) and not href.startswith("/"):
            local = (path.parent / href).resolve()
            # A copied catalog may hold items whose files are still at their old address.
            href = urljoin(str(link), href) if not local.exists() and link and is_remote(str(link)) else str(local)
        assets[key] = {**asset, "href": href}
    return {**item, "assets": assets}


def register(
    catalog: Catalog,
    collection_id: str,
    documents: Iterator[tuple[Document, Document | None]],
    report: Report,
    *,
    template_id: str = "",
) -> int:
    """Put STAC items into a collection; how many were new or changed."""
    main: Template | None = template(template_id) if template_id else None
    changed = 0
    described: Document | None = None
    batch: list[Item] = []
    for document, source in documents:
        described = described or source
        item = _item({**document, "collection": collection_id}, report)
        report.advance()
        if item is None:
            continue
        main = main or _template_of(item, collection_id, described)
        batch.append(complete(item, main))
        if len(batch) >= _BATCH:
            changed += _store(catalog, collection_id, batch, main, described, report)
            batch = []
    if batch and main:
        changed += _store(catalog, collection_id, batch, main, described, report)
    return changed


def _template_of(item: Item, collection_id: str, described: Document | None) -> Template:
    words = " ".join([collection_id, item.id, str((described or {}).get("id", ""))])
    return best_template(item.assets, words)


def _item(document: Document, report: Report) -> Item | None:
    name = str(document.get("id") or "an item without id")
    try:
        item = item_from_stac(document)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        report.skip(name, f"It is no valid STAC Item ({error}).")
        return None
    applied = any((document.get("properties") or {}).get(f"{prefix}:boa_offset_applied") for prefix in _OFFSET_WORDS)
    assets = {}
    for key, asset in item.assets.items():
        try:
            assets[key] = _known(_without_offset(asset) if applied else asset)
        except SourceUnreadable as error:
            report.skip(f"{name}/{key}", error.detail)
    if not assets:
        report.skip(name, "None of its assets is a raster that can be drawn.")
        return None
    return replace(item, assets=assets)


_OFFSET_WORDS = ("earthsearch", "s2", "sentinel2")


def _without_offset(asset: Asset) -> Asset:
    """Earth Search says when the offset of baseline 04.00 is already in the pixels, and lists it all the same."""
    return replace(
        asset, bands=tuple(replace(band, offset=0.0 if band.offset else band.offset) for band in asset.bands)
    )


def _known(asset: Asset) -> Asset:
    """An asset with what its local file says and its item does not; remote files are opened when they are drawn."""
    if is_remote(asset.href):
        return asset
    seen = inspect(asset.href, asset.key).asset
    if len(seen.bands) != len(asset.bands):
        return replace(seen, title=asset.title, roles=asset.roles)

    def merged(said: Band, file: Band) -> Band:
        return replace(
            file,
            nodata=said.nodata if said.nodata is not None else file.nodata,
            scale=said.scale if said.scale is not None else file.scale,
            offset=said.offset if said.offset is not None else file.offset,
            unit=said.unit or file.unit,
            description=said.description or file.description,
        )

    bands = tuple(merged(said, file) for said, file in zip(asset.bands, seen.bands, strict=True))
    return replace(seen, bands=bands, title=asset.title, roles=asset.roles)


def _store(
    catalog: Catalog,
    collection_id: str,
    batch: Sequence[Item],
    main: Template,
    described: Mapping[str, Any] | None,
    report: Report,
) -> int:
    try:
        before: Collection | None = catalog.collection(collection_id)
        count = catalog.count(collection_id)
    except NotFound:
        before, count = None, 0
    guessed = describe(collection_id, collection_id, batch, main)
    if described:
        guessed = replace(
            guessed,
            title=str(described.get("title") or guessed.title),
            description=str(described.get("description") or guessed.description),
            license=str(described.get("license") or guessed.license),
            keywords=tuple(described.get("keywords") or guessed.keywords),
        )
    # Later batches may lack an asset that earlier ones had; the fuller description stays.
    if before is None or count == 0 or len(guessed.styles) > len(before.styles):
        catalog.put_collection(keep_styles(guessed, catalog))
    changed = catalog.put_items(batch)
    report.done(collection_id, catalog.count(collection_id), changed, 0)
    return changed
