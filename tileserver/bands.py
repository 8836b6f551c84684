"""Which band names a collection has, for checking what a visitor asks for."""

from __future__ import annotations

from cachetools import LRUCache

from tileserver.errors import InvalidParameter
from tileserver.models import Band, Collection, Item
from tileserver.ports import Catalog

_SAMPLE = 24
_names: LRUCache[tuple[str, str, str], tuple[str, ...]] = LRUCache(maxsize=512)


def names_of(item: Item) -> list[str]:
    """Every name that `Item.band` understands."""
    names = [band.name for asset in item.assets.values() for band in asset.bands]
    data = [asset for asset in item.assets.values() if "data" in asset.roles]
    if len(data) == 1:
        names += [f"b{band.index}" for band in data[0].bands]
    return names


def band_names(catalog: Catalog, collection: Collection) -> tuple[str, ...]:
    """The names that expressions and `assets=` may use, in the order of the assets."""
    key = (catalog.uri, collection.id, catalog.revision(collection.id))
    names = _names.get(key)
    if names is None:
        sample = catalog.items(collection.id, limit=_SAMPLE)
        names = tuple(dict.fromkeys(name for item in sample for name in names_of(item)))
        _names[key] = names
    return names


def band_of(catalog: Catalog, collection: Collection, name: str) -> Band | None:
    """A band as one of the newest items knows it."""
    for item in catalog.items(collection.id, limit=_SAMPLE):
        if found := item.band(name):
            return found[1]
    return None


def require_bands(catalog: Catalog, collection: Collection, names: tuple[str, ...], parameter: str) -> None:
    """Raises InvalidParameter for a name that no item has."""
    known = band_names(catalog, collection)
    for name in names:
        if name not in known:
            shown = ", ".join(dict.fromkeys(known)) or "none, the collection is empty"
            raise InvalidParameter(parameter, name, f"band names of {collection.id}: {shown}")
