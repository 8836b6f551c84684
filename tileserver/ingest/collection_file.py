"""`collection.json` beside the data: a STAC Collection that overrides what was guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from gpu.expression import ExpressionError
from tileserver.collections import collection_from_stac, collection_to_stac
from tileserver.errors import NotFound
from tileserver.ingest.report import Report
from tileserver.ingest.template import template
from tileserver.items import item_from_stac
from tileserver.models import Asset, Band, Collection, Item
from tileserver.styles import PREFIX, expressions

NAME = "collection.json"
_GUESSED = {"id", "extent", "links", "type", "stac_version"}


def apply_collection_file(root: Path, guessed: Collection | None, report: Report) -> Collection | None:
    """The guessed collection with what the file says instead.

    Without a guess: the file alone, None where there is none that names a template. What is wrong with the file
    is reported, and the guess holds.
    """
    try:
        document: dict[str, Any] = orjson.loads((root / NAME).read_bytes())
        chosen = _with_template(document)
        if guessed is None:
            return chosen
        said = {key: value for key, value in document.items() if key not in _GUESSED and value not in (None, {}, [])}
        merged = {**collection_to_stac(guessed), **said}
        merged["item_assets"] = {**dict(guessed.item_assets), **said.get("item_assets", {})}
        collection = collection_from_stac(merged)
        for style in collection.styles:
            expressions(style)
    except OSError:
        return guessed
    except (ValueError, KeyError, TypeError, AttributeError, ExpressionError) as error:
        if guessed is not None:
            report.skip(f"{root.name}/{NAME}", f"It is not a usable STAC Collection: {error}.")
        return guessed
    return collection


def read_document(root: Path) -> dict[str, Any]:
    """The file as it is; empty where there is none that can be read."""
    try:
        document = orjson.loads((root / NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def declared(item: Item, document: Mapping[str, Any]) -> Item:
    """An item with what `item_assets` say of bands and the files themselves do not: scale, offset, nodata, unit."""
    try:
        assets = {
            key: _declared(asset, document["item_assets"][key]) if key in document.get("item_assets", ()) else asset
            for key, asset in item.assets.items()
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return item  # what is wrong with the file is reported where its styles are read
    return replace(item, assets=assets)


def _declared(asset: Asset, said: Mapping[str, Any]) -> Asset:
    document = {"href": asset.href, "type": asset.media_type, **said, "roles": ["data"]}
    found = item_from_stac({"id": "x", "bbox": [0, 0, 1, 1], "assets": {asset.key: document}}).assets[asset.key].bands
    if len(found) != len(asset.bands):
        return asset

    def band(own: Band, other: Band) -> Band:
        unscaled = own.scale is None and own.offset is None
        return replace(
            own,
            nodata=other.nodata if own.nodata is None else own.nodata,
            scale=other.scale if unscaled else own.scale,
            offset=other.offset if unscaled else own.offset,
            unit=own.unit or other.unit,
            description=own.description or other.description,
        )

    bands = tuple(band(own, other) for own, other in zip(asset.bands, found, strict=True))
    return replace(asset, bands=bands, title=str(said.get("title") or asset.title))


def stamp(root: Path) -> str:
    """Changes whenever the file does; empty where there is none."""
    try:
        status = (root / NAME).stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _with_template(document: dict[str, Any]) -> Collection | None:
    name = document.get(PREFIX + "template")
    if not name:
        return None
    try:
        template(str(name))
    except NotFound as error:
        raise ValueError(error.detail) from error
    return Collection(id="", title="", template=str(name))
