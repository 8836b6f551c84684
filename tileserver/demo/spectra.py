"""Reflectance of pure covers in the bands B02 B03 B04 B08 B11 B12, as Sentinel-2 sees them in central Europe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float32]
"""(6,): reflectance, 0 to 1."""

BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")


def _spectrum(*values: float) -> Spectrum:
    return np.array(values, np.float32)


SOIL_DARK = _spectrum(0.056, 0.078, 0.099, 0.162, 0.225, 0.190)
SOIL_PALE = _spectrum(0.088, 0.124, 0.160, 0.238, 0.325, 0.275)
GREEN = _spectrum(0.028, 0.066, 0.030, 0.450, 0.175, 0.080)
GREEN_BROAD = _spectrum(0.030, 0.076, 0.033, 0.500, 0.200, 0.095)
RIPE = _spectrum(0.064, 0.105, 0.142, 0.275, 0.295, 0.200)
STUBBLE = _spectrum(0.080, 0.118, 0.158, 0.255, 0.330, 0.255)
BLOOM = _spectrum(0.048, 0.176, 0.172, 0.420, 0.190, 0.095)
GRASS = _spectrum(0.034, 0.074, 0.043, 0.390, 0.190, 0.095)
GRASS_DULL = _spectrum(0.048, 0.075, 0.080, 0.215, 0.245, 0.160)
LEAVES = _spectrum(0.028, 0.057, 0.030, 0.370, 0.150, 0.066)
LEAVES_GOLD = _spectrum(0.026, 0.058, 0.078, 0.255, 0.170, 0.085)
TWIGS = _spectrum(0.036, 0.049, 0.056, 0.135, 0.165, 0.115)
NEEDLES = _spectrum(0.026, 0.044, 0.027, 0.215, 0.082, 0.036)
HEATH = _spectrum(0.030, 0.050, 0.048, 0.235, 0.180, 0.105)
ROCK = _spectrum(0.105, 0.120, 0.132, 0.175, 0.215, 0.190)
GRAVEL = _spectrum(0.140, 0.180, 0.215, 0.275, 0.330, 0.300)
MUD = _spectrum(0.100, 0.128, 0.152, 0.190, 0.210, 0.160)
PAVED = _spectrum(0.082, 0.092, 0.100, 0.125, 0.150, 0.135)
TRACK = _spectrum(0.092, 0.125, 0.150, 0.225, 0.290, 0.240)
TILES = _spectrum(0.072, 0.092, 0.140, 0.205, 0.225, 0.195)
SLATE = _spectrum(0.092, 0.100, 0.106, 0.130, 0.150, 0.140)
HALL = _spectrum(0.215, 0.225, 0.232, 0.262, 0.240, 0.215)
YARD = _spectrum(0.125, 0.138, 0.148, 0.180, 0.205, 0.190)
WATER_CLEAR = _spectrum(0.036, 0.036, 0.020, 0.008, 0.004, 0.003)
WATER_RIVER = _spectrum(0.066, 0.090, 0.078, 0.022, 0.008, 0.005)
WATER_FLOOD = _spectrum(0.078, 0.104, 0.122, 0.070, 0.018, 0.010)
BURNT = _spectrum(0.030, 0.036, 0.042, 0.070, 0.190, 0.205)
SNOW = _spectrum(0.830, 0.830, 0.820, 0.760, 0.110, 0.100)
CLOUD = _spectrum(0.520, 0.520, 0.530, 0.570, 0.420, 0.330)
CIRRUS = _spectrum(0.420, 0.410, 0.405, 0.420, 0.210, 0.150)
SHADE_KEEPS = _spectrum(0.42, 0.34, 0.29, 0.26, 0.24, 0.23)
"""The share of light that is left in a full cloud shadow: blue skylight most."""
HAZE = _spectrum(0.055, 0.036, 0.022, 0.010, 0.002, 0.001)
"""What full haze adds."""
