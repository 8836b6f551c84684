"""From starting the process to the first tile, over an archive that has been indexed before."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import ALL, Bench
from benchmarks.figures import Figures, spread
from benchmarks.server import Server
from benchmarks.workloads import RANDOM

ONLY_FOR_TESTS = ("boto3",)
"""What the tests' tools bring along, and rasterio loads where it is there: no user's server has it."""


def measure(bench: Bench) -> Figures:
    """In turn; files in the page cache."""
    figures = Figures("start", "Process start to first tile", bench.side)
    ours, theirs = RANDOM.ours(bench.side)[0], RANDOM.titiler(bench.archive, bench.side)[0]
    hidden = {"PYTHONPATH": str(_hidden(bench))}
    starts: dict[str, Callable[[], Server]] = {
        "TiTiler": lambda: bench.titiler(first=theirs, **hidden),
        "ours, a catalog": lambda: bench.ours({**ALL, **hidden}, first=ours),
        "ours, a folder": lambda: bench.ours({**ALL, **hidden}, folder=str(bench.archive), first=ours),
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    for turn in range(bench.rounds + 1):
        for name, start in starts.items():
            with start() as server:
                if turn:  # the first fills the caches of the operating system, and indexes the folder
                    spent[name].append((server.ready, server.seconds()))
    table = figures.table("", "", "seconds", "of which CPU", "lowest to highest")
    for name, found in spent.items():
        ready = [one for one, _ in found]
        table.add(name, statistics.median(ready), statistics.median(cpu for _, cpu in found), spread(ready))
        figures.measured[f"start {name}"] = statistics.median(ready)
    return figures


def _hidden(bench: Bench) -> Path:
    """A folder in which Python finds, in place of these packages, that they are not there."""
    folder = Path(bench.scratch("hidden"))
    for name in ONLY_FOR_TESTS:
        (folder / f"{name}.py").write_text(f'raise ImportError("{name} is for tests")\n')
    return folder
