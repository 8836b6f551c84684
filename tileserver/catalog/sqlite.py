"""The embedded catalog: one SQLite file, for each collection an R*Tree over longitude, latitude and time.

Parsed items are kept by their version, so that a lookup costs an index search and a few dictionary reads.
An item across the antimeridian has two boxes in the tree. The tree's 32-bit edges are rounded outwards;
what it finds is compared again with the exact values. Its times are days, so that they weigh about as much as
degrees when it decides what lies together.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from tileserver.catalog.connections import TIME, Connections
from tileserver.catalog.extents import halves
from tileserver.catalog.parsed_items import ParsedItems
from tileserver.catalog.sqlite_rows import ALWAYS, DAY, TREE, delete_rows, extent, put_item, seconds, touch
from tileserver.collections import collection_from_stac, collection_to_stac
from tileserver.errors import NotFound
from tileserver.items import item_from_stac, versioned
from tileserver.models import Bbox, Collection, Item
from tileserver.ports import Interval

_BATCH = 1000
_MATCH = """
    FROM boxes_{key} AS b JOIN items AS i ON i.id = b.id / 2
    WHERE b.west <= :east AND b.east >= :west AND b.south <= :north AND b.north >= :south
      AND b.start <= :last_day AND b.finish >= :first_day
      AND i.south <= :north AND i.north >= :south
      AND CASE WHEN i.west <= i.east THEN i.west <= :east AND i.east >= :west
               ELSE i.west <= :east OR i.east >= :west END
"""
_DATED = " AND i.start <= :last AND i.finish >= :first"
_PAGE = (
    f"SELECT {TIME}, name, document FROM items WHERE collection = ? "
    f"AND ({TIME}, name) > (?, ?) ORDER BY {TIME}, name LIMIT ?"
)
_ORDER = " ORDER BY i.start DESC, i.name"


class SqliteCatalog:
    """Collections and items in one file."""

    local = True

    def __init__(self, path: Path) -> None:
        self._connections = Connections(path)
        self.uri = f"sqlite:///{self._connections.path}"
        self._items: ParsedItems[tuple[int, str]] = ParsedItems()
        self._collections: dict[str, tuple[str, Collection]] = {}

    def close(self) -> None:
        self._connections.close()

    # Collections

    def collections(self) -> list[Collection]:
        rows = self._connections.read().execute("SELECT name FROM collections").fetchall()
        found = [self.collection(name) for (name,) in rows]
        return sorted(found, key=lambda c: (c.order is None, c.order or 0, c.title.casefold(), c.id))

    def collection(self, collection_id: str) -> Collection:
        key, revision = self._row(collection_id)
        known = self._collections.get(collection_id)
        if known is None or known[0] != revision:
            known = (revision, self._read_collection(key))
            self._collections[collection_id] = known
        return known[1]

    def revision(self, collection_id: str) -> str:
        return self._row(collection_id)[1]

    def count(self, collection_id: str) -> int:
        key, _ = self._row(collection_id)
        row = self._connections.read().execute("SELECT count(*) FROM items WHERE collection = ?", (key,)).fetchone()
        return int(row[0])

    def put_collection(self, collection: Collection) -> None:
        stac = orjson.dumps(collection_to_stac(collection), option=orjson.OPT_NON_STR_KEYS)
        with self._connections.write() as connection:
            connection.execute(
                "INSERT INTO collections (name, revision, document) VALUES (:name, :revision, :document) "
                "ON CONFLICT (name) DO UPDATE SET revision = :revision, document = :document "
                "WHERE document != :document",
                {"name": collection.id, "revision": secrets.token_hex(8), "document": stac},
            )
            row = connection.execute("SELECT id FROM collections WHERE name = ?", (collection.id,)).fetchone()
            connection.execute(TREE.format(key=row[0]))

    def remove_collection(self, collection_id: str) -> None:
        key, _ = self._row(collection_id)
        with self._connections.write() as connection:
            connection.execute("DELETE FROM facts WHERE item IN (SELECT id FROM items WHERE collection = ?)", (key,))
            connection.execute("DELETE FROM items WHERE collection = ?", (key,))
            connection.execute(f"DROP TABLE boxes_{key}")
            connection.execute("DELETE FROM collections WHERE id = ?", (key,))
        self._collections.pop(collection_id, None)

    def _row(self, collection_id: str) -> tuple[int, str]:
        connection = self._connections.read()
        row = connection.execute("SELECT id, revision FROM collections WHERE name = ?", (collection_id,)).fetchone()
        if row is None:
            raise NotFound(
                "collection",
                collection_id,
                [r[0] for r in connection.execute("SELECT name FROM collections")],
            )
        return row[0], row[1]

    def _read_collection(self, key: int) -> Collection:
        connection = self._connections.read()
        row = connection.execute("SELECT document FROM collections WHERE id = ?", (key,)).fetchone()
        collection = collection_from_stac(orjson.loads(row[0]))
        return replace(collection, **extent(connection, key))

    # Reading items

    def items(
        self,
        collection_id: str,
        *,
        bbox: Bbox | None = None,
        interval: Interval | None = None,
        limit: int | None = None,
        undated: bool = True,
    ) -> list[Item]:
        key, _ = self._row(collection_id)
        west, south, east, north = bbox or (-180.0, -90.0, 180.0, 90.0)
        start, end = interval or (None, None)
        boxes = [{"west": w, "south": south, "east": e, "north": north} for w, e in halves((west, east))]
        first, last = seconds(start, -ALWAYS), seconds(end, ALWAYS)
        found = self._newest(key, boxes, first, last, limit)
        if undated and (limit is None or len(found) < limit):
            # Only undated items begin so early.
            rest = limit and limit - len(found)
            found += self._search(key, boxes, "AND i.start IS NULL", -ALWAYS, -ALWAYS, rest)
        return self._parsed(found)

    def _newest(
        self, key: int, boxes: list[dict[str, Any]], first: float, last: float, limit: int | None
    ) -> list[tuple[int, str]]:
        """Dated rows, newest first.

        With a limit, growing spans of time are searched from the end backwards: the tree knows time, so the
        newest few of a long archive are found without sorting all of it.
        """
        if limit is None or last - first <= 32 * DAY:
            return self._search(key, boxes, _DATED, first, last, limit)
        oldest, newest = self._starts(key)
        end, span = min(last, newest), 16 * DAY
        while end - span > max(first, oldest):
            found = self._search(key, boxes, f"{_DATED} AND i.start >= :first", end - span, last, limit)
            if len(found) >= limit:
                return found
            span *= 4
        return self._search(key, boxes, _DATED, first, last, limit)

    def _starts(self, key: int) -> tuple[float, float]:
        """When the first and the last dated item begin; the same moment if there is none."""
        oldest, newest = self._connections.read().execute(
            "SELECT (SELECT MIN(start) FROM items WHERE collection = :key AND start IS NOT NULL), "
            "(SELECT MAX(start) FROM items WHERE collection = :key)",
            {"key": key},
        ).fetchone()  # fmt: skip
        return (0.0, 0.0) if newest is None else (oldest, newest)

    def _search(
        self,
        key: int,
        boxes: list[dict[str, Any]],
        condition: str,
        first: float,
        last: float,
        limit: int | None,
    ) -> list[tuple[int, str]]:
        """(row, version) of what meets any of the boxes; times in seconds."""
        # An item of two boxes may be met twice.
        match = _MATCH.format(key=key)
        select = f"SELECT DISTINCT i.id, i.version, i.start, i.name {match} {condition} {_ORDER} LIMIT :limit"
        bound = {"first": first, "last": last, "first_day": first / DAY, "last_day": last / DAY}
        bound["limit"] = -1 if limit is None else limit
        rows: dict[int, tuple[Any, ...]] = {}
        for box in boxes:
            rows |= {row[0]: row for row in self._connections.read().execute(select, {**box, **bound})}
        ordered = list(rows.values())
        if len(boxes) > 1:
            ordered.sort(key=lambda row: (-(row[2] or -ALWAYS), row[3]))
        return [(row[0], row[1]) for row in ordered[:limit]]

    def _parsed(self, rows: list[tuple[int, str]]) -> list[Item]:
        known = self._items.known(rows)
        for row in [row for row in rows if row not in known]:
            document = self._connections.read().execute("SELECT document FROM items WHERE id = ?", row[:1]).fetchone()
            if document is None:
                continue  # removed a moment ago
            known[row] = item_from_stac(orjson.loads(document[0]))
            self._items.keep({row: known[row]})
        return [known[row] for row in rows if row in known]

    def item(self, collection_id: str, item_id: str) -> Item:
        key, _ = self._row(collection_id)
        row = self._connections.read().execute(
            "SELECT id, version FROM items WHERE collection = ? AND name = ?", (key, item_id)
        ).fetchone()  # fmt: skip
        found = self._parsed([row]) if row else []
        if not found:
            raise NotFound("item", item_id)
        return found[0]

    def iterate(self, collection_id: str) -> Iterator[Item]:
        """In time order, undated ones first, a batch at a time."""
        key, _ = self._row(collection_id)
        after: tuple[float, str] = (-2 * ALWAYS, "")
        while True:
            rows = self._connections.read().execute(_PAGE, (key, *after, _BATCH)).fetchall()
            if not rows:
                return
            yield from (item_from_stac(orjson.loads(row[2])) for row in rows)
            after = rows[-1][:2]

    def moments(self, collection_id: str) -> list[tuple[datetime, Bbox]]:
        key, _ = self._row(collection_id)
        rows = self._connections.read().execute(
            "SELECT start, west, south, east, north FROM items WHERE collection = ? AND start IS NOT NULL "
            "ORDER BY start", (key,)
        )  # fmt: skip
        return [(datetime.fromtimestamp(row[0], UTC), row[1:]) for row in rows]

    # Writing items

    def put_items(self, items: Iterable[Item]) -> int:
        changed = 0
        batch: list[Item] = []
        for item in items:
            batch.append(item if item.version else versioned(item))
            if len(batch) == _BATCH:
                changed += self._put(batch)
                batch = []
        return changed + self._put(batch)

    def _put(self, batch: list[Item]) -> int:
        keys = {name: self._row(name)[0] for name in {item.collection for item in batch}}
        touched: set[int] = set()
        changed = 0
        with self._connections.write() as connection:
            for item in batch:
                key = keys[item.collection]
                if put_item(connection, key, item):
                    changed += 1
                    touched.add(key)
            touch(connection, touched)
        return changed

    def remove_items(self, collection_id: str, item_ids: Iterable[str]) -> int:
        key, _ = self._row(collection_id)
        with self._connections.write() as connection:
            wanted = ((key, name) for name in item_ids)
            rows = [
                row
                for pair in wanted
                for row in connection.execute("SELECT id FROM items WHERE collection = ? AND name = ?", pair)
            ]
            delete_rows(connection, key, [row[0] for row in rows])
            touch(connection, {key} if rows else set())
        return len(rows)

    # Facts

    def remember(self, collection_id: str, item_id: str, key: str, value: Any) -> None:
        collection, _ = self._row(collection_id)
        with self._connections.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO facts SELECT id, ?, ? FROM items WHERE collection = ? AND name = ?",
                (key, json.dumps(value), collection, item_id),
            )

    def recall(self, collection_id: str, item_ids: Sequence[str], key: str) -> dict[str, Any]:
        collection, _ = self._row(collection_id)
        rows = self._connections.read().execute(
            "SELECT i.name, f.value FROM json_each(?) AS n "
            "JOIN items AS i ON i.name = n.value AND i.collection = ? "
            "JOIN facts AS f ON f.item = i.id AND f.key = ?",
            (json.dumps(list(item_ids)), collection, key),
        )
        return {name: json.loads(value) for name, value in rows}
