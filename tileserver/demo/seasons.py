"""What each label reflects on a day: fields, meadows, woods and gardens through the year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tileserver.demo import spectra, town
from tileserver.demo.crops import ROTATION, grown
from tileserver.demo.landscape import ALPINE, CLEARING, CONIFER, CROP, DECIDUOUS, GRAVEL, MEADOW, Landscape

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything by label."""

    spectrum: Values
    """(labels, 6): reflectance in spectra.BANDS."""
    texture: Values
    """(labels, 3): how much soil, growth and canopy differ from pixel to pixel."""
    tree: Values
    """(6,): what a broad-leaved tree reflects."""


def ground_on(land: Landscape, day: date, wet: float) -> Ground:
    """The ground on a day; `wet` soil (0 to 1) is darker."""
    count = len(land.kind)
    spectrum = np.zeros((count, 6), np.float32)
    texture = np.zeros((count, 3), np.float32)
    doy = float(day.timetuple().tm_yday)
    late = (land.middle[:, 0] - 230) / 55 + 14 * (land.draw[:, 1] - 0.5)
    felt = (doy - late * (1 if doy < 200 else 0.35)).astype(np.float32)
    _fields(land, day, felt, wet, spectrum, texture)
    _meadows(land, felt, spectrum, texture)
    _woods(land, felt, spectrum, texture)
    _rest(land, felt, spectrum, texture)
    tree = _leafy(np.array([doy], np.float32), np.array([0.5], np.float32))[0]
    return Ground(spectrum, texture, tree)


def _fields(land: Landscape, day: date, felt: Values, wet: float, spectrum: Values, texture: Values) -> None:
    tone = np.clip(0.42 + 0.42 * land.middle[:, 1] + 0.3 * (land.draw[:, 2] - 0.5), 0, 1)[:, None]
    soil = (spectra.SOIL_DARK * (1 - tone) + spectra.SOIL_PALE * tone) * np.float32(1.06 - 0.3 * wet)
    turn = (land.draw[:, 0] * len(ROTATION)).astype(int) + day.year
    for place, crop in enumerate(ROTATION):
        mine = np.nonzero((land.kind == CROP) & (turn % len(ROTATION) == place))[0]
        following = ROTATION[(place + 1) % len(ROTATION)]
        cover = grown(crop, following, felt[mine], 6 + 55 * land.draw[mine, 3] ** 2)
        full = np.minimum(0.88 + 0.14 * land.draw[mine, 4], 1)
        green, dry, bloom = cover.green * full, cover.dry * full, cover.bloom * cover.green
        bare = np.clip(1 - green - dry - cover.stubble, 0, 1)
        spectrum[mine] = (
            (green - bloom * green)[:, None] * crop.leaf
            + (bloom * green)[:, None] * spectra.BLOOM
            + dry[:, None] * crop.ripe
            + cover.stubble[:, None] * spectra.STUBBLE
            + bare[:, None] * soil[mine]
        ) * (0.93 + 0.14 * land.draw[mine, 5])[:, None]
        texture[mine, 0] = 0.10 * bare + 0.04 * cover.stubble
        texture[mine, 1] = np.clip(
            green * 0.06 + 0.34 * green * (1 - green) + 0.05 * dry + 0.05 * cover.stubble, 0, 0.13
        )
        texture[mine, 2] = 0.012


def _meadows(land: Landscape, felt: Values, spectrum: Values, texture: Values) -> None:
    mine = np.nonzero(land.kind == MEADOW)[0]
    spectrum[mine] = _grass(felt[mine], land.draw[mine])
    texture[mine] = (0.02, 0.075, 0.02)


def _grass(felt: Values, draw: Values) -> Values:
    """Mown once or twice, dull in winter."""
    growth = np.interp(
        felt, (0, 75, 105, 138, 205, 232, 255, 300, 366), (0.42, 0.46, 0.82, 0.97, 0.8, 0.74, 0.82, 0.72, 0.42)
    )
    since = felt - (148 + 45 * draw[:, 2])
    growth = growth - 0.38 * np.where(since > 0, np.exp(-since / 16), 0) * (draw[:, 3] > 0.25)
    share = np.clip(growth * (0.86 + 0.2 * draw[:, 4]), 0, 1)[:, None].astype(np.float32)
    return np.asarray(share * spectra.GRASS + (1 - share) * spectra.GRASS_DULL, np.float32)


def _leafy(felt: Values, draw: Values) -> Values:
    """Broad leaves: out in late April, golden in October."""
    when = felt + 9 * (draw - 0.5)
    leaf = np.interp(when, (103, 116, 127, 145, 272, 292, 304, 314), (0, 0.35, 0.82, 1, 1, 0.45, 0.1, 0))[:, None]
    gold = np.interp(when, (262, 280, 294, 303, 316), (0, 0.38, 0.8, 0.72, 0))[:, None]
    fresh = np.interp(when, (112, 125, 150, 175), (0, 1, 0.5, 0))[:, None]
    green = leaf * spectra.LEAVES * (1 + fresh * np.array((0.1, 0.42, 0.25, 0.14, 0.1, 0.1)))
    gold = np.minimum(gold, 1 - leaf)
    return np.asarray(green + gold * spectra.LEAVES_GOLD + (1 - leaf - gold) * spectra.TWIGS, np.float32)


def _woods(land: Landscape, felt: Values, spectrum: Values, texture: Values) -> None:
    broad = np.nonzero(land.kind == DECIDUOUS)[0]
    dark = np.nonzero(land.kind == CONIFER)[0]
    open_ = np.nonzero(land.kind == CLEARING)[0]
    leaves = _leafy(felt[broad], land.draw[broad, 3])
    mixed = (0.34 * land.draw[broad, 2] ** 2)[:, None]
    spectrum[broad] = (leaves * (1 - mixed) + spectra.NEEDLES * mixed) * (0.87 + 0.26 * land.draw[broad, 4])[:, None]
    season = (0.93 + 0.07 * np.sin((felt[dark] - 100) / 365 * 2 * np.pi))[:, None]
    age = 0.80 + 0.42 * land.draw[dark, 2] ** 1.6
    larch = (0.3 * (land.draw[dark, 5] > 0.82))[:, None]
    spectrum[dark] = (spectra.NEEDLES * season * (1 - larch) + _leafy(felt[dark], land.draw[dark, 3]) * larch) * age[
        :, None
    ]
    young = (land.draw[open_, 2] ** 0.7)[:, None]
    spectrum[open_] = _grass(felt[open_], land.draw[open_]) * 0.86 * young + (1 - young) * spectra.SOIL_PALE * 0.8
    texture[broad], texture[dark], texture[open_] = (0, 0.045, 0.06), (0, 0.04, 0.08), (0.04, 0.08, 0.045)


def _rest(land: Landscape, felt: Values, spectrum: Values, texture: Values) -> None:
    """Heath and rock above the trees, gravel, and what towns are made of."""
    summer = np.interp(felt, (100, 150, 250, 300), (0, 1, 1, 0)).astype(np.float32)[:, None]
    heath = spectra.GRASS_DULL * 0.8 * (1 - summer) + (0.45 * spectra.GRASS + 0.55 * spectra.HEATH) * summer
    alpine = land.kind == ALPINE
    spectrum[alpine], texture[alpine] = (0.88 * heath + 0.12 * spectra.ROCK)[alpine], (0.07, 0.07, 0.05)
    gravel = land.kind == GRAVEL
    spectrum[gravel], texture[gravel] = spectra.GRAVEL, (0.09, 0, 0.03)
    lawn = _grass(felt[:1] * 0 + felt[0], land.draw[:1])[0]
    tree = _leafy(felt[:1], land.draw[:1, 0])[0]
    garden = 0.45 * lawn + 0.28 * tree + 0.27 * spectra.SLATE
    park = 0.4 * lawn + 0.6 * tree
    for code, mixed, rough in (
        (town.GARDEN, garden, 0.10),
        (town.TILES, 0.62 * spectra.TILES + 0.16 * spectra.PAVED + 0.22 * garden, 0.12),
        (town.SLATE, 0.70 * spectra.SLATE + 0.12 * spectra.PAVED + 0.18 * garden, 0.12),
        (town.ASPHALT, 0.72 * spectra.PAVED + 0.28 * garden, 0.06),
        (town.HALL, spectra.HALL, 0.08),
        (town.PARK, park, 0.10),
        (town.YARD, 0.8 * spectra.YARD + 0.2 * garden, 0.10),
    ):
        spectrum[code], texture[code] = mixed, (0, 0.02, rough)
