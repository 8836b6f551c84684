"""One test body, both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalog import postgres
from tileserver.catalog import open_catalog
from tileserver.ports import Catalog


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    if reason := postgres.why_not():
        pytest.skip(reason)
    with postgres.cluster() as uri:
        yield uri


@pytest.fixture(params=["sqlite", "pgstac"])
def catalog_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/catalog.db"
    return request.getfixturevalue("postgres_uri")


@pytest.fixture
def catalog(catalog_uri: str) -> Iterator[Catalog]:
    """Empty at first, empty again afterwards."""
    catalog = open_catalog(catalog_uri)
    for collection in catalog.collections():
        catalog.remove_collection(collection.id)
    yield catalog
    catalog.close()
