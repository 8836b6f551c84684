from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cog.headers import Asked
from tileserver.cog import description
from tileserver.cog.source import LocalFile


@pytest.fixture(autouse=True)
def _no_makes() -> Iterator[None]:
    """Every test meets files of every make for the first time."""
    description._makes.clear()
    yield
    description._makes.clear()


@pytest.fixture
def gdal(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each reading of a local file asked for."""
    lengths: list[int] = []
    real = LocalFile.read

    def counted(self: LocalFile, offset: int, length: int) -> bytes:
        lengths.append(length)
        return real(self, offset, length)

    monkeypatch.setattr(LocalFile, "read", counted)
    return lengths
