from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import live, prepare


@pytest.fixture(scope="session")
def ramp_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("ramp"))


@pytest.fixture(scope="session")
def base(ramp_folder: Path) -> Iterator[str]:
    """The address of a server over the ramp in a process of its own."""
    with live(ramp_folder) as servers:
        yield servers[0].base
