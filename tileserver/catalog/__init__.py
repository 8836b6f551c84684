"""Where collections and items are kept: embedded SQLite, or pgSTAC in PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from tileserver.errors import InvalidParameter
from tileserver.ports import Catalog

ALLOWED = "sqlite:///relative/path.db, sqlite:////absolute/path.db, postgresql://user@host/database"


def open_catalog(uri: str) -> Catalog:
    """The catalog behind an address, made where it is missing. Raises InvalidParameter with the reason."""
    if uri.startswith(("postgresql://", "postgres://")):
        from tileserver.catalog.pgstac import PgstacCatalog

        return PgstacCatalog(uri)
    if uri.startswith("sqlite:///") and len(uri) > len("sqlite:///"):
        from tileserver.catalog.sqlite import SqliteCatalog

        return SqliteCatalog(Path(uri.removeprefix("sqlite:///")))
    raise InvalidParameter("catalog", uri.rsplit("@", maxsplit=1)[-1], ALLOWED)
