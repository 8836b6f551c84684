"""Windows of files in the tiles' own projection."""

from __future__ import annotations

import numpy as np
from affine import Affine
from rasterio.windows import from_bounds

from tileserver.unwarped import window


def test_windows_are_rasterios_to_the_last_bit() -> None:
    random = np.random.default_rng(7)
    for _ in range(3000):
        cell = 10 ** random.uniform(-5, 3)
        left, top, west, north = random.uniform(-2e7, 2e7, 4)
        if random.random() < 0.5:  # on the file's own pixels
            left, top = west + cell * int(random.integers(-300, 300)), north - cell * int(random.integers(-300, 300))
        transform = Affine(cell, 0, west, 0, -cell * random.choice([1.0, 1.3]), north)
        bounds = (left, top - cell * random.uniform(1, 900), left + cell * random.uniform(1, 900), top)
        x, y = window(bounds, tuple(transform)[:6], (700, 650), (256, 256))
        wanted = from_bounds(*bounds, transform=transform)
        assert (x.low, y.low, x.length, y.length) == (wanted.col_off, wanted.row_off, wanted.width, wanted.height)
