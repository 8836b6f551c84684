"""Two servers asked in turn, so that a busy machine slows both."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.server import Load

MANY = 8
"""Clients at once."""
Asked = Callable[[int], Load]
"""A load of so many clients."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians of the rounds; ratios are medians of the rounds' own ratios, above 1 where we are faster."""

    theirs: float
    """CPU milliseconds of the server per answer, one client."""
    ours: float
    cpu: float
    """Ratio of these."""
    latency: float
    """Ratio with one client."""
    rate: float
    """Ratio of answers per second with many clients."""


def compare(rounds: int, theirs: Asked, ours: Asked) -> Pair:
    """Both, one client and many, in every round."""
    single, many = [], []
    for _ in range(rounds):
        single.append((theirs(1), ours(1)))
        many.append((theirs(MANY), ours(MANY)))
    return Pair(
        theirs=statistics.median(a.cpu for a, _ in single),
        ours=statistics.median(b.cpu for _, b in single),
        cpu=statistics.median(a.cpu / max(b.cpu, 1e-6) for a, b in single),
        latency=statistics.median(a.median / b.median for a, b in single),
        rate=statistics.median(a.wall / b.wall for a, b in many),
    )
