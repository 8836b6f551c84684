"""The clearest image of a place, by what is really seen there."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from cachetools import TTLCache

from tileserver.days import by_day
from tileserver.models import Bbox, Item
from tileserver.ports import Catalog
from tileserver.survey import Survey

_SECONDS = 0.5
"""How long one picture waits for what nobody counted yet."""
_KEPT_SECONDS = 10


class Clearest:
    """Chooses among items: the `best` of requests. Thread-safe."""

    def __init__(self, catalog: Catalog, survey: Survey) -> None:
        self._catalog = catalog
        self._survey = survey
        self._lock = Lock()
        self._chosen: TTLCache[object, Item] = TTLCache(4096, _KEPT_SECONDS)

    def __call__(self, items: Sequence[Item], bbox: Bbox) -> Item:
        """The top item of the day that shows most of the bbox without cloud; the newest of equals.

        `items` are dated, of one collection, newest first and not empty.
        """
        collection = self._catalog.collection(items[0].collection)
        key = (collection.id, bbox, tuple(item.version for item in items))
        with self._lock:
            known = self._chosen.get(key)
        if known is None:
            cells, complete = self._survey.cells(collection, items, _SECONDS)
            known = max(by_day(items, cells, bbox), key=lambda day: round(day.share.clear, 3)).items[0]
            if complete:
                with self._lock:
                    self._chosen[key] = known
        return known
