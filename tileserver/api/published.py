"""What the catalog publishes to OGC services, kept until it changes: dimensions and pieces of documents."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock

from cachetools import LRUCache, cached
from cachetools.keys import hashkey

from tileserver.api.dimension import Dimension, dimension_of
from tileserver.models import Collection
from tileserver.ports import Catalog

_FRAGMENT_BYTES = 128 << 20
_dimensions: LRUCache[object, Dimension | None] = LRUCache(4096)
_fragments: LRUCache[object, bytes] = LRUCache(_FRAGMENT_BYTES, getsizeof=len)
_lock = RLock()


def dimension(catalog: Catalog, collection_id: str) -> Dimension | None:
    """The time dimension of a collection; None where nothing has a date. Raises NotFound."""
    return _dimension(catalog, collection_id, catalog.revision(collection_id))


@cached(_dimensions, key=lambda catalog, *names: hashkey(catalog.uri, *names), lock=_lock)
def _dimension(catalog: Catalog, collection_id: str, revision: str) -> Dimension | None:  # noqa: ARG001
    return dimension_of(catalog.moments(collection_id))


def fragment(key: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
    """A piece of a document; the key must change when the piece would."""
    with _lock:
        known = _fragments.get(key)
    if known is None:
        known = make()
        with _lock:
            if len(known) <= _fragments.maxsize:
                _fragments[key] = known
    return known


def published(catalog: Catalog, collection_id: str = "") -> list[tuple[Collection, str]]:
    """All collections that can be looked at (or the one named), with their revisions. Raises NotFound."""
    collections = [catalog.collection(collection_id)] if collection_id else catalog.collections()
    return [(collection, catalog.revision(collection.id)) for collection in collections if collection.styles]
