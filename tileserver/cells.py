"""The polynomials of pictures that lie in a row, as tiles do: fitted once for a cell of them, cut down to each."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

from cachetools import LRUCache, cached

from tileserver import polynomial
from tileserver.file_grid import FileGrid, Floats, transformer
from tileserver.models import Grid

SIDE = 8
"""Pictures along a cell; projecting so many more places one by one would take longer than all else of placing."""
TOLERANCE = 1e-8
"""Pixels that a cell's polynomials may miss where they are tested: nearest pixels do not show it, smoothed ones do."""
NEAR = 1e-5
"""Of a picture's side: as exactly as the bounds of tiles of the finest zooms tell where these lie."""
FINE = 1e6
"""Parts of a pixel by which cells are told apart: a picture that lies beside the others has its own."""
Name = tuple[str, int, int, float, float, int, int]
LARGEST = 2**31
"""Pictures from the origin; beyond, numbers are not exact enough to say which it is."""


def fitted(grid: Grid, file: FileGrid, size: tuple[int, int]) -> Floats | None:
    """Chebyshev coefficients of a picture's places in a level of a size, as `polynomial.fit` gives them.

    None where the picture does not lie in a row, or a polynomial of the cell would miss.
    """
    found = _cell(grid)
    if found is None:
        return None
    cell, name, column, row = found
    whole = _of_cell(cell, name, file, size)
    return None if whole is None else polynomial.part(whole, column, row, SIDE)


@cached(LRUCache(1024), key=lambda _cell, name, file, size: (name, file, size), lock=Lock())
def _of_cell(cell: Grid, _name: Name, file: FileGrid, size: tuple[int, int]) -> Floats | None:
    return polynomial.fit(transformer(cell, file, size), cell.width, cell.height, TOLERANCE)


def _cell(grid: Grid) -> tuple[Grid, Name, int, int] | None:
    """The cell of a picture, and the picture's column and row in it; None where pictures do not lie in a row.

    Its bounds are those of the picture, continued, so that they are as exact; what it is called by is the same for
    all of its pictures.
    """
    left, bottom, right, top = grid.bounds
    width, height = right - left, top - bottom
    if width <= 0 or height <= 0:
        return None
    columns, rows = left / width, top / height
    if not max(abs(columns), abs(rows)) < LARGEST:
        return None
    x, y = round(columns), round(rows)
    if abs(columns - x) > NEAR or abs(rows - y) > NEAR:
        return None
    column, row = x % SIDE, -y % SIDE
    west, north = left - column * width, top + row * height
    bounds = (west, north - SIDE * height, west + SIDE * width, north)
    cell = replace(grid, bounds=bounds, width=SIDE * grid.width, height=SIDE * grid.height)
    step_x, step_y = (float(f"{step:.9g}") for step in (width / grid.width, height / grid.height))
    name = (
        grid.crs,
        round(west / step_x * FINE),
        round(north / step_y * FINE),
        step_x,
        step_y,
        grid.width,
        grid.height,
    )
    return cell, name, column, row
