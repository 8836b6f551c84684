"""Clouds and their shadows, snow, and where the sun stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from PIL import Image

from tileserver.demo.landscape import Landscape
from tileserver.demo.noise import Field, fractal, smoothstep
from tileserver.demo.passes import Pass

LATITUDE = np.radians(50.0)
HOUR_ANGLE = np.radians(-13.5)
"""The satellite passes at about 11:06 local solar time."""

BEYOND = 3200.0
"""Metres around the scene where clouds are made too: their shadows fall into it."""


@dataclass(frozen=True, slots=True)
class Weather:
    cloud: Field
    """0 to 1: how much of the light comes from water clouds."""
    bright: Field
    """Brightness of the clouds, about 1: sunlit and shaded sides."""
    cirrus: Field
    """0 to 1."""
    shadow: Field
    """0 to 1."""
    snow: Field
    """0 to 1: snow on open ground."""
    light: Field
    """Sunlight on the slope relative to level ground."""


def sun_on(day: date) -> tuple[float, float]:
    """Height above the horizon and azimuth (from north over east) in radians."""
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (day.timetuple().tm_yday + 10) / 365.25)
    up = np.sin(LATITUDE) * np.sin(declination) + np.cos(LATITUDE) * np.cos(declination) * np.cos(HOUR_ANGLE)
    east = -np.cos(declination) * np.sin(HOUR_ANGLE)
    north = np.cos(LATITUDE) * np.sin(declination) - np.sin(LATITUDE) * np.cos(declination) * np.cos(HOUR_ANGLE)
    return float(np.arcsin(up)), float(np.arctan2(east, north))


def weather_on(land: Landscape, visit: Pass) -> Weather:
    """Everything between sun, ground and satellite."""
    high, azimuth = sun_on(visit.day)
    shape = land.terrain.shape
    zero = np.zeros(shape, np.float32)
    cloud, bright, cirrus, shadow = zero, zero + 1, zero, zero
    if visit.sky == "cirrus":
        cirrus = _cirrus(visit, shape, land.terrain.pixel)
    elif visit.sky != "clear":
        cloud, bright, shadow = _clouds(visit, shape, land.terrain.pixel, high, azimuth)
    return Weather(cloud, bright, cirrus, shadow, _snow(land, visit, azimuth), _light(land, high, azimuth))


def _light(land: Landscape, high: float, azimuth: float) -> Field:
    """Cosine of incidence over that of level ground, softened as the atmospheric correction leaves it."""
    gx, gy = land.terrain.slope
    towards = (-gx * np.sin(azimuth) + gy * np.cos(azimuth)) / np.tan(high)
    ratio = np.clip((1 + towards) / np.sqrt(1 + gx * gx + gy * gy), 0.12, 2.2)
    return (ratio ** np.float32(0.8)).astype(np.float32)


def _snow(land: Landscape, visit: Pass, azimuth: float) -> Field:
    if visit.snow_line > 2000:
        return np.zeros(land.terrain.shape, np.float32)
    gx, gy = land.terrain.slope
    sunny = -gx * np.sin(azimuth) + gy * np.cos(azimuth)
    patchy = fractal(visit.day.toordinal(), land.terrain.shape, land.terrain.pixel, longest=900, shortest=15, hurst=0.3)
    above = land.terrain.height - visit.snow_line - 170 * sunny + 42 * patchy
    return (smoothstep(-45, 75, above.astype(np.float32)) * np.float32(visit.snow_depth)).astype(np.float32)


def _cirrus(visit: Pass, shape: tuple[int, int], pixel: float) -> Field:
    seed = visit.day.toordinal()
    angle = float(np.random.default_rng(seed).uniform(-0.6, 0.6))
    sheets = fractal(seed, shape, pixel, longest=9000, shortest=150, hurst=0.7, stretch=3.0, angle=angle)
    fibres = fractal(seed + 1, shape, pixel, longest=1500, shortest=40, hurst=0.35, stretch=7.0, angle=angle + 0.1)
    thick = np.clip(sheets + 0.32 * fibres - (0.75 - 1.6 * visit.amount), 0, None)
    return (0.62 * (1 - np.exp(-0.62 * thick))).astype(np.float32)


def _clouds(
    visit: Pass, shape: tuple[int, int], pixel: float, high: float, azimuth: float
) -> tuple[Field, Field, Field]:
    """Water clouds: share of light, brightness and shadow, made at half resolution and somewhat larger."""
    cell = 2 * pixel
    beyond = round(BEYOND / cell)
    size = (shape[0] // 2 + 2 * beyond, shape[1] // 2 + 2 * beyond)
    depth = _depth(visit, size, cell)
    base = 800.0 if visit.sky in ("few", "broken") else 1100.0
    way = min(base / np.tan(high), BEYOND - 200) / cell
    south, east = np.cos(azimuth) * way, -np.sin(azimuth) * way
    opaque = (1 - np.exp(-0.75 * depth)).astype(np.float32)
    lit = _soft(np.minimum(depth, 2.2), 3)
    one = 2.5
    ahead = _shift(lit, -np.cos(azimuth) * one, np.sin(azimuth) * one)
    bright = np.clip(0.74 + 0.13 * np.minimum(depth, 2.5) + 0.42 * (lit - ahead) * (120 / cell / 6), 0.5, 1.18)
    shadow = _soft(_shift(1 - np.exp(-1.0 * depth), south, east), 2)
    crop = (slice(beyond, -beyond), slice(beyond, -beyond))
    cloud, bright, shadow = (_double(field[crop], shape) for field in (opaque, bright, shadow))
    return np.clip(cloud, 0, 1), bright, np.clip(shadow * (1 - cloud * 0.6), 0, 1)


def _depth(visit: Pass, size: tuple[int, int], cell: float) -> Field:
    """Optical depth: heaps with ragged edges, or a layer with holes."""
    seed = visit.day.toordinal()
    layer = visit.sky in ("overcast", "front")
    broad = fractal(seed, size, cell, longest=9000 if layer else 4200, shortest=300, hurst=0.7)
    heaps = fractal(seed + 1, size, cell, longest=2600 if layer else 1300, shortest=60, hurst=0.55)
    wisps = fractal(seed + 2, size, cell, longest=420, shortest=20, hurst=0.2)
    field = 0.75 * broad + 0.65 * heaps + (0.10 if layer else 0.15) * wisps
    if visit.sky == "front":
        ramp = np.linspace(1.6, -1.6, size[1], dtype=np.float32)[None, :] + np.linspace(0.9, -0.9, size[0])[:, None]
        field = 0.6 * field + 1.25 * ramp
    level = float(np.quantile(field, 1 - visit.amount))
    gain = 1.1 if layer else 1.5
    above = np.clip((field - level) * gain, 0, None)
    veil = 0.10 * np.exp(np.minimum(field - level, 0) * 3.0) * visit.amount
    return np.asarray(np.minimum(above**1.25, 4.5) + veil, np.float32)


def _shift(field: Field, south: float, east: float) -> Field:
    """Move a picture by whole and broken pixels."""
    whole_s, whole_e = int(np.floor(south)), int(np.floor(east))
    part_s, part_e = south - whole_s, east - whole_e
    moved = np.roll(field, (whole_s, whole_e), (0, 1))
    moved = (1 - part_s) * moved + part_s * np.roll(moved, 1, 0)
    return np.asarray((1 - part_e) * moved + part_e * np.roll(moved, 1, 1), np.float32)


def _soft(field: Field, rounds: int) -> Field:
    for _ in range(rounds):
        for axis in (0, 1):
            field = 0.25 * np.roll(field, 1, axis) + 0.5 * field + 0.25 * np.roll(field, -1, axis)
    return field.astype(np.float32)


def _double(field: Field, shape: tuple[int, int]) -> Field:
    return np.array(Image.fromarray(field.astype(np.float32)).resize(shape[::-1], Image.Resampling.BICUBIC))
