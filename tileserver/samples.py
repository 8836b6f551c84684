"""Values of many pixels and how much each of them counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is said of the values of an area on one date."""

    mean: float
    median: float
    p10: float
    p90: float
    std: float
    min: float
    max: float
    count: int
    """Pixels that took part, wholly or partly."""


def summarize(values: NDArray[np.float64], weights: NDArray[np.float64]) -> Summary | None:
    """Weighted statistics of (n,) finite values; None where nothing has weight.

    With equal weights the answers are NumPy's.
    """
    counted = weights > 0
    values, weights = values[counted], weights[counted]
    if not values.size:
        return None
    total = weights.sum()
    mean = float((values * weights).sum() / total)
    std = float(np.sqrt((weights * (values - mean) ** 2).sum() / total))
    p10, median, p90 = quantiles(values, weights, (0.1, 0.5, 0.9))
    return Summary(
        mean=mean,
        median=median,
        p10=p10,
        p90=p90,
        std=std,
        min=float(values.min()),
        max=float(values.max()),
        count=int(values.size),
    )


def quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], shares: tuple[float, ...]
) -> tuple[float, ...]:
    """Weighted quantiles, linear between the middles of the sorted weights.

    With equal weights this is type 7 of Hyndman and Fan (1996), NumPy's default.
    """
    order = np.argsort(values)  # a stable order takes five times as long, and equal values are as good as each other
    values, weights = values[order], weights[order]
    middles = np.cumsum(weights) - weights / 2
    span = middles[-1] - middles[0]
    if span <= 0:
        return tuple(float(values[0]) for _ in shares)
    return tuple(float(v) for v in np.interp(shares, (middles - middles[0]) / span, values))
