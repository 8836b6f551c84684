"""The cells of items: from memory, from the catalog, else counted in the background while there is time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic

from cachetools import LRUCache, TTLCache

from gpu.backend import Backend
from tileserver.cover import Cells, cells_key, count_cells, outline_cells
from tileserver.errors import TileserverError
from tileserver.models import Collection, Item
from tileserver.ports import Catalog, Reader

Key = tuple[str, str, str, str]
"""What is counted: collection, kind of count, item, version."""

_REMEMBERED = 8192
"""Items kept in memory: 8 kB each."""
_WAITING = 4096
_RETRY_SECONDS = 60
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Task:
    key: Key
    collection: Collection
    item: Item


class Survey:
    """Counts each item once. Thread-safe. Its threads end with the process."""

    def __init__(self, catalog: Catalog, reader: Reader, backend: Backend, threads: int = 2) -> None:
        self._catalog = catalog
        self._reader = reader
        self._backend = backend
        self._threads = threads
        self._started = 0
        self._known: LRUCache[Key, Cells] = LRUCache(_REMEMBERED)
        self._outlines: LRUCache[Key, Cells] = LRUCache(_REMEMBERED)
        self._failed: TTLCache[Key, bool] = TTLCache(_REMEMBERED, _RETRY_SECONDS)
        self._waiting: deque[_Task] = deque(maxlen=_WAITING)
        self._busy: set[Key] = set()
        self._changed = Condition()

    def cells(self, collection: Collection, items: Sequence[Item], seconds: float) -> tuple[dict[str, Cells], bool]:
        """The cells by item id, and whether all are counted.

        Waits at most `seconds` for what nobody counted yet; the outline stands in for what is still missing,
        and the counting goes on behind.
        """
        until = monotonic() + seconds
        kind = cells_key(collection)
        keys = {item.id: (collection.id, kind, item.id, item.version) for item in items}
        found = self._recall(collection.id, kind, keys)
        missing = [item for item in items if item.id not in found]
        wanted = [keys[item.id] for item in missing[:_WAITING]]
        with self._changed:
            self._order(collection, missing[:_WAITING], keys)
            while any(self._lacks(key) for key in wanted) and (left := until - monotonic()) > 0:
                self._changed.wait(left)
            found |= {key[2]: self._known[key] for key in wanted if key in self._known}
            complete = len(missing) == len(wanted) and not any(self._lacks(key) for key in wanted)
        for item in missing:
            if item.id not in found:
                found[item.id] = self._outline(keys[item.id], item)
        return found, complete

    def _lacks(self, key: Key) -> bool:
        return key not in self._known and key not in self._failed

    def _recall(self, collection_id: str, kind: str, keys: dict[str, Key]) -> dict[str, Cells]:
        """What is known, from memory or from the catalog, by item id."""
        with self._changed:
            found = {name: self._known[key] for name, key in keys.items() if key in self._known}
            missing = [name for name, key in keys.items() if name not in found and key not in self._failed]
        if not missing:
            return found
        recalled = {
            name: Cells.from_json(value) for name, value in self._catalog.recall(collection_id, missing, kind).items()
        }
        with self._changed:
            for name, cells in recalled.items():
                self._known[keys[name]] = cells
        return found | recalled

    def _order(self, collection: Collection, items: Sequence[Item], keys: dict[str, Key]) -> None:
        """Put items on top of the stack of work: the view that is on the screen comes first."""
        lacking = [item for item in reversed(items) if self._lacks(keys[item.id])]
        if not lacking:
            return
        wanted = {keys[item.id] for item in lacking}
        rest = [task for task in self._waiting if task.key not in wanted]
        tasks = [_Task(keys[item.id], collection, item) for item in lacking]
        fresh = [task for task in tasks if task.key not in self._busy]
        self._waiting = deque([*rest, *fresh], maxlen=_WAITING)
        while self._started < min(self._threads, len(self._waiting)):
            self._started += 1
            Thread(target=self._work, name=f"survey-{self._started}", daemon=True).start()
        self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                task = self._waiting.pop()
                self._busy.add(task.key)
            cells = self._count(task)
            with self._changed:
                self._busy.discard(task.key)
                if cells is None:
                    self._failed[task.key] = True
                else:
                    self._known[task.key] = cells
                self._changed.notify_all()

    def _count(self, task: _Task) -> Cells | None:
        """The cells, remembered; None where they cannot be counted."""
        try:
            cells = count_cells(self._reader, self._backend, task.collection, task.item)
            if cells is not None:
                self._catalog.remember(task.collection.id, task.item.id, task.key[1], cells.to_json())
        except TileserverError as error:
            _log.info("cover of %s/%s not counted: %s", task.collection.id, task.item.id, error.detail)
            return None
        except Exception:
            _log.exception("cover of %s/%s not counted", task.collection.id, task.item.id)
            return None
        return cells

    def _outline(self, key: Key, item: Item) -> Cells:
        cells = self._outlines.get(key)
        if cells is None:
            cells = self._outlines[key] = outline_cells(item)
        return cells
