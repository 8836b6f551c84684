"""The catalog in PostgreSQL: pgSTAC's tables, with our revisions and facts in a schema beside them.

Whoever loads items by other means (pypgstac, eoAPI) is noticed too: triggers count the changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool, PoolTimeout

from tileserver.catalog.extents import halves, join_longitudes
from tileserver.catalog.parsed_items import ParsedItems
from tileserver.catalog.pgstac_content import collection_content, read_collection, read_item
from tileserver.catalog.pgstac_schema import prepare
from tileserver.errors import InvalidParameter, NotFound, Overloaded
from tileserver.items import item_to_stac, versioned
from tileserver.models import Bbox, Collection, Item
from tileserver.ports import Interval

_BATCH = 500
_POOL = 8
_PATIENCE = 10.0
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
"""Undated items begin before this moment."""
_LAST = datetime(9999, 12, 30, tzinfo=UTC)
_VERSION = "coalesce(i.content->'properties'->>'tilescope:version', md5(i.content::text))"
_EDGES = ("west", "south", "east", "north")
_BOX = ", ".join(f"(i.content->'bbox'->>{place})::float8 AS {name}" for place, name in enumerate(_EDGES))
# The index has 32-bit edges, so they are compared again. Only what reaches around the Earth, as a geometry across
# the antimeridian does, needs the item's own bbox, which is deep in its JSON.
_MEETS = """i.geometry && ST_MakeEnvelope(%(west{n})s, %(south)s, %(east{n})s, %(north)s, 4326)
    AND ST_YMin(i.geometry) <= %(north)s AND ST_YMax(i.geometry) >= %(south)s
    AND ST_XMin(i.geometry) <= %(east{n})s AND ST_XMax(i.geometry) >= %(west{n})s
    AND (ST_XMin(i.geometry) > -180 OR ST_XMax(i.geometry) < 180
         OR (i.content->'bbox'->>0)::float8 <= (i.content->'bbox'->>2)::float8
         OR (i.content->'bbox'->>0)::float8 <= %(east{n})s
         OR (i.content->'bbox'->>2)::float8 >= %(west{n})s)"""


class PgstacCatalog:
    """Collections and items in a pgSTAC database."""

    local = False

    def __init__(self, uri: str) -> None:
        known = conninfo_to_dict(uri)
        self.uri = f"postgresql://{known.get('host', '')}:{known.get('port', 5432)}/{known.get('dbname', '')}"
        try:
            prepare(uri)
            self._pool = ConnectionPool(
                uri,
                min_size=1,
                max_size=_POOL,
                timeout=_PATIENCE,
                kwargs={"autocommit": True, "options": "-c search_path=pgstac,public -c timezone=UTC"},
                open=True,
            )
            self._pool.wait(_PATIENCE)
        except (psycopg.Error, PoolTimeout) as error:
            raise InvalidParameter("catalog", self.uri, "a PostgreSQL with PostGIS that answers") from error
        self._items: ParsedItems[tuple[str, str, str]] = ParsedItems()
        self._collections: dict[str, tuple[str, Collection]] = {}

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[TupleRow]]:
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Overloaded("The catalog does not answer.") from error

    def _rows(self, query: str, values: Any = None) -> list[TupleRow]:
        with self._connection() as connection:
            return connection.execute(query.encode(), values).fetchall()

    # Collections

    def collections(self) -> list[Collection]:
        found = [self.collection(name) for (name,) in self._rows("SELECT id FROM collections")]
        return sorted(found, key=lambda c: (c.order is None, c.order or 0, c.title.casefold(), c.id))

    def collection(self, collection_id: str) -> Collection:
        revision = self.revision(collection_id)
        known = self._collections.get(collection_id)
        if known is None or known[0] != revision:
            row = self._rows("SELECT content FROM collections WHERE id = %s", [collection_id])
            known = (revision, replace(read_collection(row[0][0]), **self._extent(collection_id)))
            self._collections[collection_id] = known
        return known[1]

    def revision(self, collection_id: str) -> str:
        rows = self._rows(
            "SELECT coalesce(r.revision, 0) FROM collections AS c "
            "LEFT JOIN tilescope.revisions AS r ON r.collection = c.id WHERE c.id = %s",
            [collection_id],
        )
        if not rows:
            raise NotFound("collection", collection_id, [row[0] for row in self._rows("SELECT id FROM collections")])
        return str(rows[0][0])

    def count(self, collection_id: str) -> int:
        self.revision(collection_id)
        return int(self._rows("SELECT count(*) FROM items WHERE collection = %s", [collection_id])[0][0])

    def put_collection(self, collection: Collection) -> None:
        content = Jsonb(collection_content(collection))
        with self._connection() as connection:
            connection.execute(
                "INSERT INTO collections (content) VALUES (%(content)s) ON CONFLICT (id) DO UPDATE "
                "SET content = excluded.content WHERE collections.content IS DISTINCT FROM excluded.content",
                {"content": content},
            )

    def remove_collection(self, collection_id: str) -> None:
        self.revision(collection_id)
        with self._connection() as connection:
            connection.execute("DELETE FROM tilescope.facts WHERE collection = %s", [collection_id])
            connection.execute("SELECT delete_collection(%s)", [collection_id])
        self._collections.pop(collection_id, None)

    def _extent(self, collection_id: str) -> dict[str, Any]:
        row = self._rows(
            f"SELECT min(south), max(north), min(west), max(east), bool_or(west > east), "
            f"min(datetime) FILTER (WHERE datetime > %s), max(end_datetime) FILTER (WHERE end_datetime < %s) "
            f"FROM (SELECT i.datetime, i.end_datetime, {_BOX} FROM items AS i WHERE collection = %s) AS i",
            [_FIRST, _LAST, collection_id],
        )[0]
        south, north, west, east, crossing, start, end = row
        if south is None:
            return {}
        if crossing:
            boxes = f"SELECT DISTINCT west, east FROM (SELECT {_BOX} FROM items AS i WHERE collection = %s) AS i"
            west, east = join_longitudes((row[0], row[1]) for row in self._rows(boxes, [collection_id]))
        return {"bbox": (west, south, east, north), "interval": (start, end)}

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
        start, end = interval or (None, None)
        values: dict[str, Any] = {
            "collection": collection_id,
            "first": start,
            "last": end,
            "dated": _FIRST,
            "limit": limit,
        }
        where = ["i.collection = %(collection)s"]
        # An undated item lasts always, so it meets every interval.
        where += ["i.end_datetime >= %(first)s"] if start else []
        where += ["i.datetime <= %(last)s"] if end else []
        where += [] if undated else ["i.datetime > %(dated)s"]
        if bbox is not None:
            pieces = halves((bbox[0], bbox[2]))
            values |= {"south": bbox[1], "north": bbox[3]}
            values |= {f"west{n}": piece[0] for n, piece in enumerate(pieces)}
            values |= {f"east{n}": piece[1] for n, piece in enumerate(pieces)}
            anywhere = " OR ".join(f"({_MEETS.format(n=n)})" for n in range(len(pieces)))
            where += [f"({anywhere})"]
        # The version is deep in the JSON too: only of what is returned.
        query = (
            f"SELECT i.id, {_VERSION} FROM (SELECT * FROM items AS i WHERE {' AND '.join(where)} "
            "ORDER BY i.datetime DESC, i.id LIMIT %(limit)s) AS i ORDER BY i.datetime DESC, i.id"
        )
        rows = self._rows(query, values)
        if not rows:
            self.revision(collection_id)  # is there such a collection at all?
        return self._parsed(collection_id, rows)

    def _parsed(self, collection_id: str, rows: Sequence[TupleRow]) -> list[Item]:
        keys = [(collection_id, row[0], row[1]) for row in rows]
        known = self._items.known(keys)
        missing = [key[1] for key in keys if key not in known]
        if missing:
            query = "SELECT i.id, content_hydrate(i) FROM items AS i WHERE collection = %s AND id = ANY(%s)"
            read = {name: read_item(content) for name, content in self._rows(query, [collection_id, missing])}
            new = {key: read[key[1]] for key in keys if key[1] in read}
            self._items.keep(new)
            known |= new
        return [known[key] for key in keys if key in known]

    def item(self, collection_id: str, item_id: str) -> Item:
        rows = self._rows(
            f"SELECT i.id, {_VERSION} FROM items AS i WHERE collection = %s AND id = %s", [collection_id, item_id]
        )
        found = self._parsed(collection_id, rows)
        if not found:
            self.revision(collection_id)
            raise NotFound("item", item_id)
        return found[0]

    def iterate(self, collection_id: str) -> Iterator[Item]:
        """In time order, undated ones first, a batch at a time."""
        self.revision(collection_id)
        after: tuple[str, str] = ("-infinity", "")
        while True:
            rows = self._rows(
                "SELECT i.datetime::text, i.id, content_hydrate(i) FROM items AS i WHERE collection = %s "
                "AND (i.datetime, i.id) > (%s::timestamptz, %s) ORDER BY i.datetime, i.id LIMIT %s",
                [collection_id, *after, _BATCH],
            )
            if not rows:
                return
            yield from (read_item(row[2]) for row in rows)
            after = (rows[-1][0], rows[-1][1])

    def moments(self, collection_id: str) -> list[tuple[datetime, Bbox]]:
        rows = self._rows(
            f"SELECT i.datetime, west, south, east, north FROM (SELECT i.datetime, {_BOX} FROM items AS i "
            "WHERE collection = %s AND i.datetime > %s) AS i ORDER BY i.datetime",
            [collection_id, _FIRST],
        )
        if not rows:
            self.revision(collection_id)  # is there such a collection at all?
        return [(row[0].astimezone(UTC), (row[1], row[2], row[3], row[4])) for row in rows]

    # Writing items

    def put_items(self, items: Iterable[Item]) -> int:
        waiting = iter(items)
        changed = 0
        while batch := list(islice(waiting, _BATCH)):
            changed += self._put([item if item.version else versioned(item) for item in batch])
        return changed

    def _put(self, batch: list[Item]) -> int:
        for name in {item.collection for item in batch}:
            self.revision(name)
        # Of two items with one id the later one counts.
        wanted = {(item.collection, item.id): item for item in batch}
        rows = self._rows(
            f"SELECT i.collection, i.id, {_VERSION} FROM items AS i "
            "JOIN unnest(%s::text[], %s::text[]) AS w (collection, id) USING (collection, id)",
            [[key[0] for key in wanted], [key[1] for key in wanted]],
        )
        known = {(row[0], row[1]): row[2] for row in rows}
        new = [item for key, item in wanted.items() if known.get(key) != item.version]
        if new:
            with self._connection() as connection:
                connection.execute("SELECT upsert_items(%s)", [Jsonb([item_to_stac(item) for item in new])])
        return len(new)

    def remove_items(self, collection_id: str, item_ids: Iterable[str]) -> int:
        self.revision(collection_id)
        query = sql.SQL("DELETE FROM items WHERE collection = %s AND id = ANY(%s)")
        with self._connection() as connection:
            return connection.execute(query, [collection_id, list(item_ids)]).rowcount

    # Facts

    def remember(self, collection_id: str, item_id: str, key: str, value: Any) -> None:
        with self._connection() as connection:
            connection.execute(
                "INSERT INTO tilescope.facts SELECT collection, id, %s, %s FROM items "
                "WHERE collection = %s AND id = %s "
                "ON CONFLICT (collection, item, key) DO UPDATE SET value = excluded.value",
                [key, Jsonb(value), collection_id, item_id],
            )

    def recall(self, collection_id: str, item_ids: Sequence[str], key: str) -> dict[str, Any]:
        self.revision(collection_id)
        query = "SELECT item, value FROM tilescope.facts WHERE collection = %s AND item = ANY(%s) AND key = %s"
        return dict(self._rows(query, [collection_id, list(item_ids), key]))
