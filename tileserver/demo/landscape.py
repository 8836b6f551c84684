"""What covers the ground: one label for each pixel, and what is known of each label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tileserver.demo.curves import cover, near
from tileserver.demo.network import Network, settle
from tileserver.demo.noise import Field, fractal, smoothstep
from tileserver.demo.parcels import Parcels, divide
from tileserver.demo.relief import CELL
from tileserver.demo.terrain import SIDE, Terrain, raise_terrain
from tileserver.demo.town import build, density

SEED = 20

BUILT = 8
"""The first labels are the kinds of built-up pixels, see town."""

CROP, MEADOW, DECIDUOUS, CONIFER, CLEARING, ALPINE, GRAVEL, TOWN = range(8)
"""Kinds of labels."""


@dataclass(frozen=True, slots=True)
class Landscape:
    terrain: Terrain
    label: NDArray[np.int32]
    """(height, width): below BUILT a kind of built-up pixel, else a parcel or a stand of trees."""
    kind: NDArray[np.uint8]
    """(labels,): CROP, MEADOW, …"""
    middle: NDArray[np.float32]
    """(labels, 2): mean height in metres and mean brightness of the soil."""
    draw: NDArray[np.float32]
    """(labels, 6): numbers by chance, 0 to 1, for whatever differs between parcels."""
    road: Field
    """Share of each pixel that is paved."""
    track: Field
    """Share of each pixel that is a field track."""
    trees: Field
    """Share of each pixel under trees outside forests: banks, hedges, avenues."""
    soil: Field
    """Fine differences of bare soil, standard deviation 1."""
    vigour: Field
    """Fine differences of growth, standard deviation 1."""
    speckle: Field
    """Canopy and other texture of single pixels, standard deviation 1."""
    burn: Field
    """0 to 1: how badly each pixel burns in the fire."""


def make_landscape(pixel: float, progress: Callable[[str, float], None] | None = None) -> Landscape:
    """The whole place, the same for every call; `progress` hears of its steps, from 0 to 0.2."""
    tell = progress or (lambda _text, _share: None)
    tell("Raising mountains and letting a river wander", 0.0)
    terrain = raise_terrain(SEED, pixel)
    tell("Founding a town and building roads", 0.1)
    network = settle(SEED + 1, terrain)
    shape = terrain.shape
    tell("Dividing the land into fields", 0.13)
    parcels = divide(SEED + 2, shape, pixel, spacing=760, hectares=(2.2, 17), warp=55, angle=_directions(terrain))
    stands = divide(SEED + 3, shape, pixel, spacing=430, hectares=(2, 9), warp=110)
    dense = density(network.places, [*network.main, *network.local], shape, pixel)
    dense *= (terrain.to_river > 30) & (terrain.water < 0.3)
    town = build(SEED + 4, shape, pixel, dense, network.places[0])
    forest = _forest(terrain, parcels, dense)
    kind_of_parcel = _kinds_of_parcels(terrain, parcels)
    kind_of_stand = _kinds_of_stands(terrain, stands)
    label = BUILT + parcels.label
    label = np.where(forest, BUILT + parcels.count + stands.label, label)
    kind = np.concatenate([np.full(BUILT, TOWN, np.uint8), kind_of_parcel, kind_of_stand, [ALPINE, GRAVEL]])
    kind = kind.astype(np.uint8)
    top = smoothstep(
        1090, 1190, terrain.height + 45 * fractal(SEED + 6, shape, pixel, longest=900, shortest=45, hurst=0.7)
    )
    label = np.where(top > 0.5, len(kind) - 2, label)
    label = np.where(terrain.gravel > 0.5, len(kind) - 1, label)
    label = np.where(town > 0, town, label).astype(np.int32)
    tell("Sowing and planting", 0.17)
    soil = fractal(SEED + 7, shape, pixel, longest=1400, shortest=26, hurst=0.3)
    road, track = _roads(terrain, network, parcels, forest)
    return Landscape(
        terrain=terrain,
        label=label,
        kind=kind,
        middle=np.column_stack([_mean(label, terrain.height, len(kind)), _mean(label, soil, len(kind))]),
        draw=np.random.default_rng(SEED + 8).uniform(0, 1, (len(kind), 6)).astype(np.float32),
        road=road,
        track=track,
        trees=_trees(terrain, parcels, road),
        soil=soil,
        vigour=(0.75 * fractal(SEED + 9, shape, pixel, longest=500, shortest=26, hurst=0.3) + 0.65 * parcels.streak),
        speckle=fractal(SEED + 10, shape, pixel, longest=90, shortest=14, hurst=-0.2),
        burn=_burn(terrain, forest),
    )


def _mean(label: NDArray[np.int32], field: Field, count: int) -> NDArray[np.float32]:
    """The mean of a field within each label."""
    size = np.bincount(label.ravel(), minlength=count)
    total = np.bincount(label.ravel(), weights=field.ravel(), minlength=count)
    return (total / np.maximum(size, 1)).astype(np.float32)


def _directions(terrain: Terrain) -> Field:
    """Fields lie along the contours where it slopes, along the valley where it does not."""
    height = terrain.relief.height
    for _ in range(14):
        padded = np.pad(height, 1, mode="edge")
        height = np.asarray(
            (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4, np.float32
        )
    gy, gx = np.gradient(height, CELL)
    return np.arctan2(gx, -gy - 0.004).astype(np.float32)


def _forest(terrain: Terrain, parcels: Parcels, dense: Field) -> NDArray[np.bool_]:
    """Forest stands where it is steep, high or poor; its edge follows parcels as often as nature."""
    shape, pixel = terrain.shape, terrain.pixel
    steep = np.hypot(*terrain.slope)
    poor = fractal(SEED + 11, shape, pixel, longest=3800, shortest=60, hurst=0.75)
    score = 3.6 * np.minimum(steep, 0.4) + (terrain.height - 430) / 440 + 0.62 * poor
    score = score - 1.4 * smoothstep(6, 1, terrain.above_river) - 2.2 * smoothstep(0.02, 0.3, dense)
    whole = _mean(parcels.label, score, parcels.count)[parcels.label]
    mixed = 0.62 * whole + 0.38 * score - 0.86
    for _ in range(3):
        mixed[1:-1, 1:-1] = (mixed[:-2, 1:-1] + mixed[2:, 1:-1] + mixed[1:-1, :-2] + mixed[1:-1, 2:]) / 4
    return np.asarray(mixed > 0) & (terrain.water < 0.4)


def _kinds_of_parcels(terrain: Terrain, parcels: Parcels) -> NDArray[np.uint8]:
    rng = np.random.default_rng(SEED + 12)
    height = _mean(parcels.label, terrain.height, parcels.count)
    steep = _mean(parcels.label, np.hypot(*terrain.slope), parcels.count)
    bank = _mean(parcels.label, terrain.to_river, parcels.count)
    meadow = (height - 440) / 240 + 5 * steep + 0.75 * np.exp(-bank / 110) + rng.normal(0, 0.28, parcels.count)
    return np.where(meadow > 0.72, MEADOW, CROP).astype(np.uint8)


def _kinds_of_stands(terrain: Terrain, stands: Parcels) -> NDArray[np.uint8]:
    rng = np.random.default_rng(SEED + 13)
    height = _mean(stands.label, terrain.height, stands.count)
    zone = _mean(stands.label, fractal(SEED + 14, terrain.shape, terrain.pixel, longest=2500), stands.count)
    dark = (height - 430) / 260 + 0.35 * zone + rng.normal(0, 0.42, stands.count)
    kind = np.where(dark > 0, CONIFER, DECIDUOUS)
    return np.where((rng.uniform(0, 1, stands.count) < 0.032) & (dark > -0.3), CLEARING, kind).astype(np.uint8)


def _roads(terrain: Terrain, network: Network, parcels: Parcels, forest: NDArray[np.bool_]) -> tuple[Field, Field]:
    shape, pixel = terrain.shape, terrain.pixel
    lines = [(line, 5.5) for line in network.main] + [(line, 3.4) for line in network.local]
    road = cover(near(lines, shape, pixel, 30), pixel)
    motorway = near([(network.motorway, 15.0)], shape, pixel, 60)
    lanes = cover(motorway, pixel) * (1 - 0.35 * cover(motorway + 13, pixel))
    rail = 0.75 * cover(near([(network.railway, 4.5)], shape, pixel, 30), pixel)
    side = (parcels.border < 0.42) & ~forest
    track = 0.55 * cover(parcels.to_block - 3.0, pixel) * side
    return np.maximum.reduce([road, lanes, rail]), track.astype(np.float32)


def _trees(terrain: Terrain, parcels: Parcels, road: Field) -> Field:
    """Rows of trees on banks, between blocks and along some roads."""
    shape, pixel = terrain.shape, terrain.pixel
    gaps = fractal(SEED + 15, shape, pixel, longest=900, shortest=30, hurst=0.3)
    bank = cover(terrain.to_river - 8 - 14 * np.clip(gaps + 0.3, 0, 2), pixel) * smoothstep(-0.5, 0.1, gaps)
    brook = cover(terrain.to_stream - 7 - 7 * np.clip(gaps, -0.5, 2), pixel) * smoothstep(-1.0, -0.4, gaps)
    hedge = cover(parcels.to_block - 5, pixel) * (parcels.border > 0.78) * smoothstep(-0.6, 0.2, gaps)
    trees = np.maximum.reduce([bank, 0.9 * brook, 0.8 * hedge])
    return (trees * (1 - road)).astype(np.float32)


def _burn(terrain: Terrain, forest: NDArray[np.bool_]) -> Field:
    """A fire on a southern slope that ran uphill with the wind and left islands."""
    shape, pixel = terrain.shape, terrain.pixel
    y, x = (np.mgrid[: shape[0], : shape[1]].astype(np.float32) + 0.5) * np.float32(pixel)
    east, south = 0.66 * SIDE, 0.33 * SIDE
    u, v = (x - east) * 0.8 - (y - south) * 0.6, (x - east) * 0.6 + (y - south) * 0.8
    away = np.hypot(u / 1500, v / 620)
    ragged = fractal(SEED + 16, shape, pixel, longest=900, shortest=25, hurst=0.45)
    patchy = fractal(SEED + 17, shape, pixel, longest=300, shortest=15, hurst=0.3)
    severity = smoothstep(1.06, 0.86, away + 0.2 * ragged) * np.clip(0.8 + 0.22 * patchy, 0.15, 1)
    return (severity * np.where(forest, 1.0, 0.55) * (terrain.water < 0.2)).astype(np.float32)
