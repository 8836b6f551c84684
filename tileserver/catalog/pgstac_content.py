"""STAC documents as pgSTAC keeps them."""

from __future__ import annotations

from typing import Any

from tileserver.collections import collection_from_stac, collection_to_stac
from tileserver.items import item_from_stac, versioned
from tileserver.models import Collection, Item

_SEQUENCE = "tilescope:sequence"
_ORDERED = ("renders", "item_assets")


def collection_content(collection: Collection) -> dict[str, Any]:
    """The STAC Collection, with the order of its styles: jsonb forgets it, and the first style is the default."""
    stac = collection_to_stac(collection)
    return {**stac, _SEQUENCE: {name: list(stac[name]) for name in _ORDERED}}


def read_collection(content: dict[str, Any]) -> Collection:
    """A collection as it was put, or as others put it."""
    sequence = content.pop(_SEQUENCE, {})
    for name, keys in sequence.items():
        known = content.get(name) or {}
        content[name] = {key: known[key] for key in [*keys, *known] if key in known}
    return collection_from_stac(content)


def read_item(content: dict[str, Any]) -> Item:
    """An item; those of others get a version."""
    item = item_from_stac(content)
    return item if item.version else versioned(item)
