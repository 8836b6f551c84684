from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.ramp import add_ramp
from tests.standards.schemas import validated
from tileserver.app import create_app, open_parts
from tileserver.settings import Settings


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server over the ramp; its failures are answers, not exceptions."""
    folder = tmp_path_factory.mktemp("ramp")
    parts = open_parts(Settings(cache_dir=folder / "cache", catalog=f"sqlite:///{folder}/catalog.db", device="cpu"))
    add_ramp(parts.catalog, folder)
    with TestClient(create_app(parts), raise_server_exceptions=False) as found:
        found.parts = parts  # type: ignore[attr-defined]
        yield found


@pytest.fixture(scope="session")
def root(client: TestClient) -> etree._Element:
    """The WMTS document, valid."""
    return validated(client.get("/wmts?service=WMTS&request=GetCapabilities").content)
