"""More than one process: tiles a second with hot caches."""

from __future__ import annotations

import os
import statistics
from contextlib import ExitStack

from benchmarks.bench import ALL, BLOCKS, Bench
from benchmarks.figures import Figures, Table, times
from benchmarks.server import Load, Server
from benchmarks.workloads import RANDOM

CLIENTS = 16
COUNTS = (1, 2, 4)


def measure(bench: Bench) -> Figures:
    """Servers of so many processes, asked in turn; the client takes its share of the cores too."""
    figures = Figures("processes", f"Processes, {CLIENTS} clients on the same {os.cpu_count()} cores", bench.side)
    table = figures.table("", "", "processes", "tiles/s", "CPU ms/tile", "against one process")
    ours, theirs = RANDOM.ours(bench.side), RANDOM.titiler(bench.archive, bench.side)[:64]
    for name, caches, repeats in (("ours, blocks hot", BLOCKS, 6), ("ours, tiles hot", ALL, 30)):
        with ExitStack() as stack:
            servers = [
                stack.enter_context(bench.ours(caches, "--workers", str(count), slot=slot))
                for slot, count in enumerate(COUNTS, 1)
            ]
            for server, count in zip(servers, COUNTS, strict=True):
                server.settle().ask(ours * 3 * count, CLIENTS)  # every process has caches of its own
            _rows(table, name, _loads(servers, ours * repeats, bench.rounds))
    with ExitStack() as stack:
        servers = [
            stack.enter_context(bench.titiler("--workers", str(count), slot=slot))
            for slot, count in enumerate(COUNTS[:2])
        ]
        for server in servers:
            server.ask(theirs[:16], CLIENTS)
        _rows(table, "TiTiler", _loads(servers, theirs, bench.rounds))
    return figures


def _loads(servers: list[Server], paths: list[str], rounds: int) -> list[list[Load]]:
    """Of every round, one for each server."""
    return [[server.ask(paths, CLIENTS) for server in servers] for _ in range(rounds)]


def _rows(table: Table, name: str, rounds: list[list[Load]]) -> None:
    for at in range(len(rounds[0])):
        rate = 1000 / statistics.median(loads[at].wall for loads in rounds)
        cpu = statistics.median(loads[at].cpu for loads in rounds)
        gain = statistics.median(loads[0].wall / loads[at].wall for loads in rounds)
        table.add(name, float(COUNTS[at]), rate, cpu, times(gain))
