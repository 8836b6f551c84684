"""What all tests share: the real imagery where it is there, and servers over small archives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real imagery with expectations, if this checkout has it beside it."""
    if not (SHARED_DATA / "expected.csv").exists():
        pytest.skip("the real imagery (../shared/data) is not beside this checkout")
    return SHARED_DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that two workers end together."""
    weight = {"browser": 3, "clients": 2, "oracles": 2, "gpu": 1}
    items.sort(key=lambda item: -weight.get(Path(item.fspath).parent.name, 0))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """In CI nothing may be skipped for a missing part: it would be a hole that nobody sees."""
    outcome = yield
    report = outcome.get_result()
    if (
        report.skipped
        and os.environ.get("CI") == "true"
        and "data" not in item.keywords
        and not hasattr(report, "wasxfail")
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
