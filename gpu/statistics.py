"""Statistics of the values under a polygon, in plain NumPy and in the words of a series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """NaN where nothing is counted. `std` is of the whole (divided by count)."""

    count: int
    mean: float
    std: float
    min: float
    max: float
    p10: float
    median: float
    p90: float


def statistics(values: NDArray[Any], inside: NDArray[np.bool_] | None = None) -> Statistics:
    """Of what is not NaN, and `inside` (same shape) where one is given."""
    counted = values[~np.isnan(values) if inside is None else inside & ~np.isnan(values)].astype(np.float64)
    if not counted.size:
        return Statistics(count=0, **dict.fromkeys(NAMES[1:], np.nan))
    p10, median, p90 = (float(value) for value in np.percentile(counted, (10, 50, 90)))
    return Statistics(
        count=counted.size,
        mean=float(counted.mean()),
        std=float(counted.std()),
        min=float(counted.min()),
        max=float(counted.max()),
        p10=p10,
        median=median,
        p90=p90,
    )


NAMES = ("count", "mean", "std", "min", "max", "p10", "median", "p90")
"""In the order of kernels/statistics.cu."""
