from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.acceptance.contract_archive import make_odd
from tests.servers import open_client


@pytest.fixture(scope="session")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server over the real imagery, without any configuration."""
    with open_client(shared_data, tmp_path_factory.mktemp("real")) as client:
        yield client


@pytest.fixture(scope="session")
def odd_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of odd but legal folders."""
    return make_odd(tmp_path_factory.mktemp("odd") / "archive")


@pytest.fixture(scope="session")
def odd(odd_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server over the odd archive."""
    with open_client(odd_folder, tmp_path_factory.mktemp("odd-cache")) as client:
        yield client
