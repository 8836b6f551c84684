"""Our side of a comparison: a workload in a state of our caches."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.bench import ALL, BLOCKS, COLD, SOME_BLOCKS, Bench
from benchmarks.figures import Figures
from benchmarks.pairs import Asked, Pair
from benchmarks.server import Load, Server
from benchmarks.workloads import Workload

State = Literal["cold", "filling", "new", "hot", "encoded"]
CACHES: Mapping[State, str] = {
    "cold": "no cache",
    "filling": "blocks, filling",
    "new": "blocks, new server",
    "hot": "blocks, hot",
    "encoded": "tiles, hot",
}
_SETTINGS: Mapping[State, Mapping[str, str]] = {
    "cold": COLD,
    "filling": SOME_BLOCKS,
    "new": BLOCKS,
    "hot": BLOCKS,
    "encoded": ALL,
}
_REPEATS: Mapping[State, int] = {"cold": 1, "filling": 1, "new": 1, "hot": 4, "encoded": 20}
_SLOTS: Mapping[State, int] = {"cold": 1, "hot": 2, "encoded": 3, "filling": 4, "new": 5}
_STAGE = re.compile(rb"(\w+);dur=([0-9.]+)")
ELSEWHERE = 260
"""Tiles of 256 px that fill a block cache with other places."""
OVERVIEW = 8
"""Zoom of the tiles that open files without touching what is measured."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row."""

    key: str
    """Under which its ratios are kept for the goals."""
    workload: Workload
    state: State
    """Of our caches."""
    fresh: bool = False
    """The peer anew in every round, too."""

    @property
    def opening(self) -> Workload:
        """Tiles that open the files."""
        return replace(self.workload, zoom=OVERVIEW, count=2)


class Servers:
    """Ours, one for each state of the caches, started when first needed."""

    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self._bench = bench
        self._stack = stack
        self._running: dict[State, Server] = {}

    def stages(self, case: Case) -> dict[str, float]:
        """Median milliseconds of each stage, as the server tells them with its tiles; of a case asked before."""
        found: dict[str, list[float]] = {}
        server, paths = self._running[case.state], case.workload.ours(self._bench.side)
        if case.state == "hot":
            server.ask(paths)  # other cases have used the cache since
        for answer in server.answers(paths):
            for stage, spent in _STAGE.findall(answer.head):
                found.setdefault(stage.decode(), []).append(float(spent))
        return {stage: statistics.median(spent) for stage, spent in found.items()}

    def asked(self, case: Case) -> Asked:
        """Loads of a case. States share a server each; `new` has a new one every time, and `filling` one whose block
        cache is full of other places, so that memory is taken over, not asked of the system.
        """
        paths = case.workload.ours(self._bench.side)
        opening = case.opening.ours(self._bench.side)
        elsewhere = case.workload.elsewhere(self._bench.side, ELSEWHERE) if case.state == "filling" else []

        def anew(clients: int) -> Load:
            with self._start(case.state) as server:
                server.settle().ask(opening)
                return server.ask(paths, clients)

        if case.state == "new":
            return anew
        if case.state not in self._running:
            self._running[case.state] = self._stack.enter_context(self._start(case.state)).settle()
        server = self._running[case.state]
        server.ask(paths if case.state in {"hot", "encoded"} else opening)

        def again(clients: int) -> Load:
            if elsewhere:
                server.ask(elsewhere)
            return server.ask(paths * _REPEATS[case.state], clients)

        return again

    def _start(self, state: State) -> Server:
        return self._bench.ours(_SETTINGS[state], slot=_SLOTS[state])


def keep(figures: Figures, key: str, pair: Pair) -> None:
    """For the goals."""
    figures.measured[f"{key}, CPU"] = pair.cpu
    figures.measured[f"{key}, 1 client"] = pair.latency
    figures.measured[f"{key}, 8 clients"] = pair.rate
