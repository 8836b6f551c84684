"""The goals, judged by what was measured."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.figures import Table, written

LIMIT = 1.5
"""How far from the physical limit a workload may be."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A number that must be reached, or must not be passed."""

    workload: str
    against: str
    key: str
    bound: float
    unit: str = "x"
    most: bool = False

    def row(self, measured: Mapping[str, float]) -> tuple[str, str, str, str, str]:
        """Workload, against, goal, measured, verdict."""
        said = f"{'<=' if self.most else '>='} {self.bound:g}{self.unit}"
        value = measured.get(self.key)
        if value is None:
            return self.workload, self.against, said, "–", "not measured"
        shown = f"{written(value)}{self.unit}"
        if (value <= self.bound) if self.most else (value >= self.bound):
            return self.workload, self.against, said, shown, "met"
        far = value / self.bound if self.most else self.bound / value
        return self.workload, self.against, said, shown, f"not met, {written(far)}x away"


GOALS = (
    Goal("RGB 256 z14 random, no cache: CPU", "TiTiler", "titiler random, CPU", 10),
    Goal("panning, blocks filling: CPU", "TiTiler", "titiler panning, CPU", 30),
    Goal("hot blocks: tiles/s, 8 clients", "TiTiler", "titiler hot, 8 clients", 80),
    Goal("encoded tile again: CPU", "TiTiler", "titiler encoded, CPU", 300),
    Goal("encoded tile again: tiles/s, 8 clients", "TiTiler", "titiler encoded, 8 clients", 300),
    Goal(
        "RGB 256 random, MapServer warm, our block cache off: CPU", "MapServer", "mapserver warm against none, CPU", 1.2
    ),
    Goal("RGB 256 random, both fresh, blocks filling: CPU", "MapServer", "mapserver fresh, CPU", 1.2),
    Goal("panning, both warm: CPU", "MapServer", "mapserver panning, CPU", 6),
    Goal("full z7–z14 pyramid: CPU", "TiTiler", "pyramid CPU", 40),
    Goal("full z7–z14 pyramid: time on 2 cores", "TiTiler", "pyramid wall", 40),
    Goal("point over dates, cold: CPU", "TiTiler", "point cold CPU", 10),
    Goal("point over dates, cold: time", "TiTiler", "point cold time", 10),
    Goal("process start to first tile", "clock", "start ours, a catalog", 1.5, " s", most=True),
    Goal("catalog look-up of a tile, worst kind", "clock", "catalog worst", 1, " ms", most=True),
    Goal(
        "memory over that without caches / budgets of both", "settings", "memory growth / budgets", 1.25, "x", most=True
    ),
    Goal("memory over the second half of the load", "flat", "memory second half %", 3, " %", most=True),
)


def table(measured: Mapping[str, float]) -> Table:
    """All goals, those of the physical limit last."""
    out = Table("", ("workload", "against", "goal", "measured", ""))
    limits = [
        Goal(key.removeprefix("limit: "), "its physical limit", key, LIMIT, most=True)
        for key in measured
        if key.startswith("limit: ")
    ]
    out.rows = [goal.row(measured) for goal in (*GOALS, *limits)]
    return out


def summary(measured: Mapping[str, float]) -> str:
    """How many are met."""
    verdicts = [str(row[-1]) for row in table(measured).rows]
    met, absent = (verdicts.count(said) for said in ("met", "not measured"))
    return f"{met} of {len(verdicts)} goals are met, {absent} were not measured. {os.cpu_count()} cores."
