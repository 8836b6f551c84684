from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cog.headers import Asked
from tileserver.cog import description


@pytest.fixture(autouse=True)
def _no_makes() -> Iterator[None]:
    """Every test meets files of every make for the first time."""
    description._makes.clear()
    yield
    description._makes.clear()


@pytest.fixture
def gdal(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)
