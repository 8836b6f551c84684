"""What grows in fields: each crop's year, and who follows whom."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tileserver.demo.spectra import GREEN, GREEN_BROAD, RIPE, Spectrum

Curve = tuple[tuple[float, float], ...]
"""(day, share of the ground): day 1 is 1 January of the year of harvest, days below are the autumn before."""

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Crop:
    green: Curve
    harvest: float
    """Day of the year; beyond 365: stays."""
    dry: Curve = ((0, 0),)
    bloom: Curve = ((0, 0),)
    leaf: Spectrum = field(default_factory=lambda: GREEN)
    ripe: Spectrum = field(default_factory=lambda: RIPE)


WHEAT = Crop(
    green=(
        (-75, 0),
        (-40, 0.16),
        (0, 0.30),
        (60, 0.36),
        (95, 0.72),
        (120, 0.93),
        (158, 0.95),
        (172, 0.78),
        (187, 0.32),
        (199, 0.04),
    ),
    dry=((162, 0), (176, 0.17), (190, 0.62), (201, 0.93)),
    harvest=208,
)
BARLEY = Crop(
    green=(
        (-85, 0),
        (-45, 0.24),
        (0, 0.38),
        (60, 0.44),
        (90, 0.78),
        (112, 0.94),
        (142, 0.93),
        (157, 0.7),
        (170, 0.25),
        (181, 0.03),
    ),
    dry=((146, 0), (160, 0.25), (173, 0.72), (182, 0.94)),
    harvest=190,
    ripe=RIPE * np.float32(1.12),
)
RAPE = Crop(
    green=(
        (-128, 0),
        (-105, 0.3),
        (-65, 0.75),
        (0, 0.62),
        (58, 0.58),
        (88, 0.82),
        (110, 0.95),
        (165, 0.92),
        (182, 0.5),
        (197, 0.08),
    ),
    dry=((168, 0), (186, 0.45), (198, 0.82)),
    bloom=((109, 0), (119, 0.6), (127, 0.92), (136, 0.75), (147, 0)),
    harvest=203,
    leaf=GREEN_BROAD,
)
SPRING_BARLEY = Crop(
    green=((84, 0), (104, 0.22), (128, 0.82), (158, 0.92), (178, 0.52), (194, 0.05)),
    dry=((166, 0), (182, 0.42), (195, 0.92)),
    harvest=206,
    ripe=RIPE * np.float32(1.06),
)
MAIZE = Crop(
    green=((124, 0), (144, 0.13), (164, 0.48), (184, 0.9), (232, 0.95), (250, 0.82), (266, 0.5), (276, 0.2)),
    dry=((242, 0), (272, 0.5)),
    harvest=274,
    leaf=GREEN_BROAD * np.float32(0.94),
)
BEET = Crop(
    green=((106, 0), (128, 0.12), (152, 0.5), (174, 0.92), (262, 0.92), (288, 0.78)),
    harvest=289,
    leaf=GREEN_BROAD,
)
CLOVER = Crop(
    green=(
        (0, 0.5), (78, 0.55), (108, 0.86), (138, 0.95), (142, 0.42), (165, 0.9), (186, 0.95), (190, 0.42),
        (214, 0.88), (240, 0.93), (244, 0.5), (280, 0.84), (330, 0.66), (366, 0.5),
    ),
    harvest=400,
    leaf=GREEN_BROAD,
)  # fmt: skip

ROTATION = (RAPE, WHEAT, MAIZE, SPRING_BARLEY, CLOVER, WHEAT, BEET, WHEAT, RAPE, BARLEY, MAIZE, WHEAT)
"""A field moves on by one each year."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Shares of the ground in each of some fields; what is left is bare soil."""

    green: Values
    dry: Values
    bloom: Values
    stubble: Values


def grown(crop: Crop, following: Crop, day: Values, plough: Values) -> Cover:
    """What stands on fields of `crop` that `following` comes after.

    Args:
        crop: harvested in this year.
        following: harvested in the next; may be sown in this autumn.
        day: (fields,) day of this year as the crop feels it, earlier where it is high and cold.
        plough: (fields,) days between harvest and ploughing.
    """
    after = day > crop.harvest
    green, dry, bloom = (_at(curve, day) * ~after for curve in (crop.green, crop.dry, crop.bloom))
    gone = np.clip((day - crop.harvest - plough) / 4, 0, 1)
    weeds = 0.28 * np.clip((day - crop.harvest) / 40, 0, 1)
    stubble = after * (1 - gone) * (0.86 - weeds)
    young = _at(following.green, day - 365)
    green = green + after * np.where(gone > 0, young, weeds)
    return Cover(_f(green), _f(np.minimum(dry, 1 - green)), _f(bloom), _f(stubble))


def _at(curve: Curve, day: Values) -> Values:
    days, shares = zip(*curve, strict=True)
    return _f(np.interp(day, days, shares))


def _f(values: NDArray[np.floating]) -> Values:
    return values.astype(np.float32)
