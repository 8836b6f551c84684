"""The length of a scale bar."""

from __future__ import annotations

import math

_STEPS = (5.0, 2.0, 1.0)


def scale_bar(metres_per_pixel: float, most_pixels: float) -> tuple[float, str]:
    """Length in pixels and label of the longest bar of 1, 2 or 5 times a power of ten that fits.

    Lengths below one metre are in centimetres.
    """
    most = metres_per_pixel * most_pixels
    power = 10.0 ** math.floor(math.log10(most))
    metres = next(step * power for step in _STEPS if step * power <= most * (1 + 1e-9))
    for unit, size in (("km", 1000.0), ("m", 1.0)):
        if metres >= size:
            return metres / metres_per_pixel, f"{metres / size:g} {unit}"
    return metres / metres_per_pixel, f"{metres * 100:g} cm"
