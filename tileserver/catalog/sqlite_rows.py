"""Rows of the embedded catalog: what an item and its boxes in the search tree become."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import UTC, datetime
from typing import Any

import orjson

from tileserver.catalog.extents import halves, join_longitudes
from tileserver.items import item_to_stac
from tileserver.models import Item

ALWAYS = 1e12
DAY = 86400.0
TREE = """CREATE VIRTUAL TABLE IF NOT EXISTS boxes_{key} USING rtree (
    id, west, east, south, north, start, finish
)"""


def seconds(moment: datetime | None, default: float) -> float:
    if moment is None:
        return default
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def put_item(connection: sqlite3.Connection, collection: int, item: Item) -> bool:
    """Add or replace; False where the catalog has it already."""
    row = connection.execute(
        "SELECT id, version FROM items WHERE collection = ? AND name = ?", (collection, item.id)
    ).fetchone()
    if row and row[1] == item.version:
        return False
    if row:
        delete_rows(connection, collection, [row[0]])
    west, south, east, north = item.bbox
    start = None if item.datetime is None else seconds(item.datetime, 0)
    finish = start if item.end_datetime is None else seconds(item.end_datetime, 0)
    document = orjson.dumps(item_to_stac(item), option=orjson.OPT_NON_STR_KEYS)
    values = (collection, item.id, start, finish, west, south, east, north, item.version, document)
    key = connection.execute(
        "INSERT INTO items (collection, name, start, finish, west, south, east, north, version, document) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values
    ).lastrowid  # fmt: skip
    begin, end = (-ALWAYS, ALWAYS) if start is None or finish is None else (start, finish)
    connection.executemany(
        f"INSERT INTO boxes_{collection} VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            ((key or 0) * 2 + half, w, e, south, north, begin / DAY, end / DAY)
            for half, (w, e) in enumerate(halves((west, east)))
        ],
    )
    return True


def delete_rows(connection: sqlite3.Connection, collection: int, keys: list[int]) -> None:
    for key in keys:
        connection.execute(f"DELETE FROM boxes_{collection} WHERE id IN (?, ?)", (key * 2, key * 2 + 1))
        connection.execute("DELETE FROM facts WHERE item = ?", (key,))
        connection.execute("DELETE FROM items WHERE id = ?", (key,))


def touch(connection: sqlite3.Connection, collections: set[int]) -> None:
    for key in collections:
        connection.execute("UPDATE collections SET revision = ? WHERE id = ?", (secrets.token_hex(8), key))


def extent(connection: sqlite3.Connection, key: int) -> dict[str, Any]:
    """`bbox` and `interval` of a collection's items; nothing where there are none."""
    row = connection.execute(
        "SELECT min(south), max(north), min(west), max(east), max(west > east), min(start), max(finish) "
        "FROM items WHERE collection = ?", (key,)
    ).fetchone()  # fmt: skip
    if row[0] is None:
        return {}
    west, east = row[2], row[3]
    if row[4]:
        spans = connection.execute("SELECT DISTINCT west, east FROM items WHERE collection = ?", (key,))
        west, east = join_longitudes(spans)
    start, end = (None if moment is None else datetime.fromtimestamp(moment, UTC) for moment in row[5:7])
    return {"bbox": (west, row[0], east, row[1]), "interval": (start, end)}
