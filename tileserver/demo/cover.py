"""The land cover map: ESA WorldCover's classes and colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tileserver.demo import town
from tileserver.demo.landscape import ALPINE, CLEARING, CONIFER, CROP, DECIDUOUS, GRAVEL, MEADOW, TOWN, Landscape
from tileserver.demo.passes import FIRE

TREES, SHRUBS, GRASS, CROPS, BUILT, BARE, WATER, WETLAND = 10, 20, 30, 40, 50, 60, 80, 90

COLORS = {
    TREES: (0, 100, 0, 255),
    SHRUBS: (255, 187, 34, 255),
    GRASS: (255, 255, 76, 255),
    CROPS: (240, 150, 255, 255),
    BUILT: (250, 0, 0, 255),
    BARE: (180, 180, 180, 255),
    WATER: (0, 100, 200, 255),
    WETLAND: (0, 150, 160, 255),
}

CODES = {
    CROP: CROPS,
    MEADOW: GRASS,
    DECIDUOUS: TREES,
    CONIFER: TREES,
    CLEARING: SHRUBS,
    ALPINE: GRASS,
    GRAVEL: BARE,
    TOWN: BUILT,
}


def land_cover(land: Landscape, year: int) -> NDArray[np.uint8]:
    """(height, width): the classes of a year."""
    code = np.zeros(len(CODES), np.uint8)
    for kind, value in CODES.items():
        code[kind] = value
    out = code[land.kind[land.label]]
    out[np.isin(land.label, (town.GARDEN, town.PARK)) & (land.speckle > 0.7)] = TREES
    out[land.label == town.PARK] = TREES
    out[(land.terrain.above_river < 0.75) & (out == GRASS)] = WETLAND
    out[land.trees > 0.5] = TREES
    if year >= FIRE.year:
        out[(land.burn > 0.35) & (out == TREES)] = GRASS if year == FIRE.year else SHRUBS
    out[land.road > 0.6] = BUILT
    out[np.maximum(land.terrain.water, land.terrain.reservoir(3)) > 0.5] = WATER
    return out
