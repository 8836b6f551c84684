"""Changes in folders are noticed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from tests.cogs import write_cog
from tileserver.catalog import open_catalog
from tileserver.ingest import watch
from tileserver.ingest.folders import FolderIndex
from tileserver.ingest.report import Report
from tileserver.ingest.watch import Watcher

DATA = np.ones((64, 64), np.uint16)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


@pytest.mark.parametrize("noticed", [True, False], ids=["by notice", "by looking"])
def test_new_changed_and_removed_files(tmp_path: Path, noticed: bool, monkeypatch: pytest.MonkeyPatch):
    if not noticed:

        def refuse(*_: object, **__: object) -> None:
            raise OSError("no more watches")

        monkeypatch.setattr(watch, "watch", refuse)
    folder = tmp_path / "x"
    write_cog(folder / "2001.tif", DATA)
    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db")
    index = FolderIndex(catalog, [folder], Report())
    index.refresh()
    watcher = Watcher([folder], index.refresh, 30 if noticed else 0.2)
    watcher.start()
    try:
        time.sleep(0.3)  # until the system listens
        write_cog(folder / "2002.tif", DATA)
        until(lambda: catalog.count("x") == 2)
        before = catalog.item("x", "2001").version
        write_cog(folder / "2001.tif", DATA * 2)
        until(lambda: catalog.item("x", "2001").version != before)
        (folder / "2002.tif").unlink()
        until(lambda: catalog.count("x") == 1)
        shutil.rmtree(folder)
        until(lambda: catalog.collections() == [])
    finally:
        watcher.stop()


def test_an_error_does_not_end_it(tmp_path: Path):
    calls: list[int] = []
    twice = Event()

    def refresh() -> bool:
        calls.append(1)
        if len(calls) > 1:
            twice.set()
        raise RuntimeError("disk on fire")

    watcher = Watcher([tmp_path], refresh, 0.1)
    watcher.start()
    assert twice.wait(20)
    watcher.stop()
