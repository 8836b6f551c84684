"""The days on which the satellite came, and what the weather was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Sky = Literal["clear", "few", "broken", "overcast", "cirrus", "front"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One acquisition."""

    day: date
    sky: Sky = "clear"
    amount: float = 0.0
    """Roughly the share of the sky that is covered, 0 to 1."""
    snow_line: float = 9000.0
    """Height in metres above which snow lies."""
    snow_depth: float = 1.0
    """0 to 1: a dusting to full cover."""
    flood: float = -9.0
    """Metres of water above the river's usual banks."""
    drop: float = 0.0
    """Metres that the reservoir stands below full."""
    wet: float = 0.4
    """0 to 1: moisture of bare soil."""
    haze: float = 0.15
    """0 to 1."""
    swath: bool = False
    """The western tile ends at the edge of the swath."""
    tiles: Literal["both", "east"] = "both"
    """On some days only one tile was made."""


FIRE = date(2024, 8, 3)
"""The day after which the southern slope is burnt."""

CALENDAR = (
    Pass(day=date(2023, 6, 24), drop=2, wet=0.3),
    Pass(day=date(2023, 7, 14), sky="overcast", amount=0.86, drop=4),
    Pass(day=date(2023, 8, 13), drop=8, wet=0.15, haze=0.2),
    Pass(day=date(2023, 9, 7), sky="cirrus", amount=0.4, drop=12, wet=0.1),
    Pass(day=date(2023, 10, 12), drop=15, wet=0.35, haze=0.25),
    Pass(day=date(2023, 11, 26), sky="front", amount=0.55, snow_line=640, drop=11, wet=0.7),
    Pass(day=date(2024, 1, 10), snow_line=150, snow_depth=0.6, drop=9, haze=0.1),
    Pass(day=date(2024, 4, 9), sky="broken", amount=0.30, snow_line=1080, drop=2),
    Pass(day=date(2024, 5, 9), sky="few", amount=0.03, snow_line=1330, drop=0.5, haze=0.1),
    Pass(day=date(2024, 6, 8), flood=1.5, drop=0, wet=0.9, sky="few", amount=0.08),
    Pass(day=date(2024, 7, 18), sky="broken", amount=0.42, drop=2, wet=0.3),
    Pass(day=date(2024, 8, 12), drop=4, wet=0.2, haze=0.2),
    Pass(day=date(2024, 9, 6), drop=6, wet=0.2, swath=True),
    Pass(day=date(2024, 10, 16), sky="few", amount=0.05, drop=7, wet=0.45, haze=0.2),
    Pass(day=date(2024, 11, 25), sky="overcast", amount=0.97, drop=6, wet=0.7, tiles="east"),
    Pass(day=date(2025, 1, 14), snow_line=430, snow_depth=0.9, drop=5, wet=0.6, haze=0.1),
    Pass(day=date(2025, 4, 4), snow_line=1090, drop=2, wet=0.4),
    Pass(day=date(2025, 5, 9), sky="few", amount=0.02, snow_line=1350, drop=0.5, haze=0.08),
)
