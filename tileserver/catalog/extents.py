"""Extents of many items on a round Earth."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

Span = tuple[float, float]
"""West and east; west may exceed east."""


def halves(span: Span) -> tuple[Span, ...]:
    """A span, or its two parts on either side of the antimeridian."""
    west, east = span
    return ((west, 180.0), (-180.0, east)) if west > east else (span,)


def join_longitudes(spans: Iterable[Span]) -> Span:
    """The shortest span that holds all: the complement of the widest gap around the Earth."""
    pieces = sorted(half for span in spans for half in halves(span))
    joined: list[list[float]] = []
    for west, east in pieces:
        if joined and west <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], east)
        else:
            joined.append([west, east])
    if not joined:
        return -180.0, 180.0
    gaps = [(after[0] - before[1], before[1], after[0]) for before, after in pairwise(joined)]
    outer = joined[0][0] + 360 - joined[-1][1]
    widest = max(gaps, default=(0.0, 0.0, 0.0))
    # Equal gaps: the ordinary span is easier to read than one across the antimeridian.
    return (widest[2], widest[1]) if widest[0] > outer else (joined[0][0], joined[-1][1])
