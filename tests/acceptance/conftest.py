from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.servers import open_client


@pytest.fixture(scope="session")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server over the real imagery, without any configuration."""
    with open_client(shared_data, tmp_path_factory.mktemp("real")) as client:
        yield client
