"""One small archive for all: the same place on coarser pixels, some of its days."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tileserver.demo import Scene, make_demo
from tileserver.demo.passes import CALENDAR

DAYS = {
    date(2023, 6, 24),
    date(2023, 10, 12),
    date(2024, 1, 10),
    date(2024, 6, 8),
    date(2024, 7, 18),
    date(2024, 8, 12),
    date(2024, 9, 6),
    date(2024, 11, 25),
}

SMALL = Scene(pixel=25.0, passes=tuple(visit for visit in CALENDAR if visit.day in DAYS))


@dataclass(frozen=True)
class Built:
    folder: Path
    steps: list[list[tuple[str, float]]]
    """What each of two callers at the same time was told."""


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Built:
    folder = tmp_path_factory.mktemp("demo") / "archive"
    folder.mkdir()
    (folder / "notes.txt").write_text("somebody's own")
    steps: list[list[tuple[str, float]]] = [[], []]

    def make(caller: int) -> None:
        make_demo(folder, progress=lambda text, share: steps[caller].append((text, share)), scene=SMALL)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, range(2)))
    return Built(folder, steps)


@pytest.fixture(scope="session")
def archive(built) -> Path:
    return built.folder
