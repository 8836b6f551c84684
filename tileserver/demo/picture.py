"""What the satellite measures on one pass: reflectances and scene classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tileserver.demo import spectra
from tileserver.demo.landscape import CONIFER, DECIDUOUS, TOWN, Landscape
from tileserver.demo.noise import Field, smoothstep
from tileserver.demo.passes import FIRE, Pass
from tileserver.demo.seasons import ground_on
from tileserver.demo.sky import Weather, weather_on

SNOW_SHOWS = {DECIDUOUS: 0.5, CONIFER: 0.2, TOWN: 0.5}
"""How much of the snow is seen from above; all of it elsewhere."""


@dataclass(frozen=True, slots=True)
class Picture:
    bands: NDArray[np.float32]
    """(6, height, width): surface reflectance in spectra.BANDS."""
    classes: NDArray[np.uint8]
    """(height / 2, width / 2): Sentinel-2's scene classes."""


def take(land: Landscape, visit: Pass) -> Picture:
    """Look at the place on one day."""
    ground = ground_on(land, visit.day, visit.wet)
    weather = weather_on(land, visit)
    water, murky, mud = _water(land, visit)
    burn = _burn(land, visit)
    shows = np.ones(len(land.kind), np.float32)
    for kind, share in SNOW_SHOWS.items():
        shows[land.kind == kind] = share
    shows *= 0.55 + 0.45 * land.draw[:, 2]
    snow = weather.snow * shows[land.label] * (1 - 0.8 * land.road) * (1 - 0.45 * land.trees) * (1 - water)
    bands = np.empty((6, *land.terrain.shape), np.float32)
    _compose(
        ground.spectrum, ground.texture, land.label, land.soil, land.vigour, land.speckle,
        np.stack([ground.tree, spectra.TRACK, spectra.PAVED, spectra.MUD, spectra.BURNT]),
        np.stack([land.trees, land.track, land.road, mud, burn]),
        np.stack([spectra.WATER_CLEAR, spectra.WATER_RIVER, spectra.WATER_FLOOD]), water, murky, snow,
        weather.light, weather.shadow, weather.cloud, weather.bright, weather.cirrus,
        np.stack([spectra.SNOW, spectra.SHADE_KEEPS, spectra.HAZE, spectra.CLOUD, spectra.CIRRUS]), visit.haze, bands,
    )  # fmt: skip
    classes = _classes(bands, water, snow, weather)
    return Picture(_sensed(bands, visit.day.toordinal()), classes)


def _water(land: Landscape, visit: Pass) -> tuple[Field, Field, Field]:
    """Share of water, how murky it is (0 clear, 1 river, 2 flood), share of bare lake bed."""
    terrain = land.terrain
    lake = terrain.reservoir(visit.drop)
    mud = np.clip(terrain.reservoir(0) - lake, 0, 1)
    water = np.maximum(terrain.water, lake)
    murky = np.clip(1.25 - np.clip(terrain.to_river, 0, None) / 60, 0, 1) + 0.12 * land.soil
    if visit.flood > 0:
        flood = smoothstep(0.25, -0.25, terrain.above_river - visit.flood + 0.1 * land.vigour)
        flood *= np.where(land.kind[land.label] == DECIDUOUS, 0.6, 1) * (1 - 0.7 * land.trees)
        spread = np.maximum(flood, terrain.to_river < 0) * (1 - lake)
        murky = np.maximum(murky, spread * (1.75 + 0.22 * land.soil))
        water = np.maximum(water, flood)
    return water.astype(np.float32), np.clip(murky, 0, 2).astype(np.float32), mud.astype(np.float32)


def _burn(land: Landscape, visit: Pass) -> Field:
    """Black at first; grass and shoots cover the scar slowly."""
    days = (visit.day - FIRE).days
    if days < 0:
        return np.zeros_like(land.burn)
    return np.asarray(land.burn * np.float32(0.95 * np.exp(-days / 700)), np.float32)


def _sensed(bands: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """What the instrument makes of it: a little of each neighbour, and noise."""
    rng = np.random.default_rng(seed)
    out = np.empty_like(bands)
    for light, number in zip(bands, out, strict=True):
        _blur(light, rng.standard_normal(light.shape, np.float32), number)
    return out


@njit(cache=True, nogil=True)
def _blur(light, noise, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    height, width = light.shape
    for row in range(height):
        above, below = max(0, row - 1), min(height - 1, row + 1)
        for col in range(width):
            left, right = max(0, col - 1), min(width - 1, col + 1)
            edges = light[above, col] + light[below, col] + light[row, left] + light[row, right]
            corners = light[above, left] + light[above, right] + light[below, left] + light[below, right]
            spread = 0.41 * light[row, col] + 0.115 * edges + 0.0325 * corners
            out[row, col] = spread + 0.0004 * noise[row, col]


def _halve(field: NDArray[np.floating]) -> Field:
    """Means of 2 x 2 pixels."""
    sums = field[..., ::2, ::2] + field[..., 1::2, ::2] + field[..., ::2, 1::2] + field[..., 1::2, 1::2]
    return np.asarray(sums / 4, np.float32)


def _classes(bands: NDArray[np.float32], water: Field, snow: Field, weather: Weather) -> NDArray[np.uint8]:
    """Scene classes by the order in which Sen2Cor decides: what lies on top wins."""
    red, near_infrared = _halve(bands[2]), _halve(bands[3])
    cloud, cirrus, shadow = _halve(weather.cloud), _halve(weather.cirrus), _halve(weather.shadow)
    greenness = (near_infrared - red) / (near_infrared + red + 1e-4)
    classes = np.where(greenness > 0.42, 4, 5)
    classes = np.where((greenness > 0.36) & (greenness < 0.42), 7, classes)
    classes = np.where((near_infrared < 0.075) & (_halve(water) < 0.3), 2, classes)
    classes = np.where(_halve(water) > 0.5, 6, classes)
    classes = np.where(shadow > 0.4, 3, classes)
    classes = np.where(_halve(snow) > 0.35, 11, classes)
    classes = np.where(cirrus > 0.09, 10, classes)
    classes = np.where(cloud > 0.22, 8, classes)
    return np.asarray(np.where(cloud > 0.62, 9, classes), np.uint8)


# fmt: off
@njit(cache=True, nogil=True)
def _compose(  # type: ignore[no-untyped-def]  # noqa: ANN202
    spectrum, texture, label, soil, vigour, speckle, thin, shares, waters, water, murky, snow,  # noqa: ANN001
    light, shadow, cloud, bright, cirrus, air, haze, out,  # noqa: ANN001
):
# fmt: on
    height, width = label.shape
    for row in range(height):
        for col in range(width):
            k = label[row, col]
            rough = texture[k, 0] * soil[row, col] + texture[k, 2] * speckle[row, col]
            growth = texture[k, 1] * vigour[row, col]
            shade, veil, thick = shadow[row, col], cirrus[row, col], cloud[row, col]
            wet, murk, white = water[row, col], murky[row, col], snow[row, col]
            for band in range(6):
                # vigorous plants are darker in the visible, brighter in the near infrared
                sign = 0.8 if band == 3 else (-0.5 if band > 3 else -1.0)
                value = spectrum[k, band] * max(0.3, 1.0 + rough + sign * growth)
                for i in range(5):
                    share = shares[i, row, col]
                    value += share * (thin[i, band] - value)
                value *= light[row, col]
                low = min(1, int(murk))
                liquid = waters[low, band] + (murk - low) * (waters[low + 1, band] - waters[low, band])
                value += wet * (liquid - value)
                value += white * (air[0, band] * (0.35 + 0.65 * min(light[row, col], 1.15)) - value)
                value *= 1.0 - shade * (1.0 - air[1, band])
                value += haze * air[2, band]
                value += veil * (air[4, band] * 1.25 - value)
                value += thick * (air[3, band] * bright[row, col] - value)
                out[band, row, col] = value
