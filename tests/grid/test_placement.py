"""Control rows: polynomials and exact points agree, and places without a polynomial are found all the same."""

from __future__ import annotations

import numpy as np
import pyproj

from tileserver import control, polynomial
from tileserver.file_grid import FileGrid, to_pixel, transformer
from tileserver.grid import place
from tileserver.models import Grid

UTM = FileGrid("EPSG:32633", (10.0, 0.0, 499_980.0, 0.0, -10.0, 5_400_000.0), 4000, 4000, ((4000, 4000),))
TILE = Grid(crs="EPSG:3857", bounds=(1_680_000, 6_200_000, 1_689_784, 6_209_784), width=256, height=256)


def test_polynomials_give_what_points_give() -> None:
    exact = transformer(TILE, UTM, (4000, 4000))
    fitted = polynomial.fit(exact, 256, 256)
    assert fitted is not None
    one = control.positions(polynomial.rows(fitted, 256, 256), 256)
    other = control.positions(control.from_points(exact, 256, 256), 256)
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_rows_are_within_the_tolerance_of_proj() -> None:
    spot = place(TILE, UTM, "nearest")
    assert spot is not None
    xs, ys = control.positions(spot.control, 256)
    step = (TILE.bounds[2] - TILE.bounds[0]) / 256
    columns, rows = np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5)
    project = pyproj.Transformer.from_crs("EPSG:3857", "EPSG:32633", always_xy=True)
    east, north = project.transform(TILE.bounds[0] + columns * step, TILE.bounds[3] - rows * step)
    left, top, _, _ = spot.window
    off = np.abs(xs + left - (east - 499_980) / 10) + np.abs(ys + top - (5_400_000 - north) / 10)
    assert off.max() <= polynomial.TOLERANCE + 1e-6


def test_the_pole_inside_a_picture() -> None:
    """The edges of the picture all lie north of the file, its middle does not."""
    file = FileGrid("EPSG:4326", (0.1, 0.0, -180.0, 0.0, -0.1, -88.0), 3600, 20, ((3600, 20),))
    spot = place(Grid(crs="EPSG:3031", bounds=(-9e5, -9e5, 9e5, 9e5), width=128, height=128), file, "nearest")
    assert spot is not None
    assert spot.window[3] == 20


def test_beyond_the_file_there_is_nothing() -> None:
    far = Grid(crs="EPSG:3857", bounds=(0, 0, 10_000, 10_000), width=64, height=64)
    assert place(far, UTM, "bilinear") is None
    assert to_pixel(UTM, 0.0, 0.0) is None
    assert to_pixel(UTM, 15.001, 48.7) is not None
