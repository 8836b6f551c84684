"""Where a file's pixels lie, and a picture's pixels in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tileserver.models import Grid
from tileserver.polynomial import Evaluate
from tileserver.projection import is_geographic, project, same_crs

Floats = NDArray[np.float64]
Affine = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class FileGrid:
    """Where a file's pixels lie; equal for all files of one grid."""

    crs: str
    transform: Affine
    """North-up: x = a*col + c, y = e*row + f."""
    width: int
    height: int
    levels: tuple[tuple[int, int], ...]
    """(width, height) of full resolution and of every overview."""


@lru_cache(4096)
def same_grid(grid: FileGrid) -> FileGrid:
    """The first value equal to this one: what a picture needs of files on one grid is found by identity."""
    return grid


def transformer(grid: Grid, file: FileGrid, size: tuple[int, int]) -> Evaluate:
    """Columns and rows of the grid to pixels of a level, exactly."""
    left, bottom, right, top = grid.bounds
    a, _, c, _, e, f = file.transform
    x_scale, y_scale = size[0] / file.width / a, size[1] / file.height / e
    dx, dy = (right - left) / grid.width, (top - bottom) / grid.height
    straight = same_crs(grid.crs, file.crs)
    middle = c + a * file.width / 2 if is_geographic(file.crs) and abs(a * file.width) <= 360.0 else None
    if straight:
        left += turn(grid, file)

    def evaluate(columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
        x, y = left + columns * dx, top - rows * dy
        if not straight:
            x, y = project(grid.crs, file.crs, x, y)
            if middle is not None:
                x = x - 360.0 * np.round((x - middle) / 360.0)
        return (x - c) * x_scale, (y - f) * y_scale

    return evaluate


def turn(grid: Grid, file: FileGrid) -> float:
    """Degrees to the turn of the globe on which a file lies: -179.9 and 180.1 are one place."""
    a, _, c, _, _, _ = file.transform
    if not is_geographic(file.crs) or abs(a * file.width) > 360.0:
        return 0.0
    left, _, right, _ = grid.bounds
    return 360.0 * round((c + a * file.width / 2 - (left + right) / 2) / 360.0)


@lru_cache(4096)
def to_pixel(file: FileGrid, lon: float, lat: float) -> tuple[int, int] | None:
    """(row, column) of the full-resolution pixel that contains a place in degrees, None outside."""
    point = Grid(crs="EPSG:4326", bounds=(lon, lat, lon, lat), width=1, height=1)
    xs, ys = transformer(point, file, (file.width, file.height))(np.zeros(1), np.zeros(1))
    x, y = float(xs[0]), float(ys[0])
    if not (0 <= x < file.width and 0 <= y < file.height):
        return None
    return int(y), int(x)
