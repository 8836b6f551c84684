"""Control rows of pictures that reach beyond their file: places that are none, and places held at the outermost pixel."""

from __future__ import annotations

import numpy as np
import pytest

from gpu.backend import Layer, Source
from tests.gpu.scenes import job, pixels, recipe
from tileserver.unwarped import Axis, part

HEIGHT, WIDTH = 40, 44
PICTURE = 32


def expected(axis: Axis, length: int) -> np.ndarray:
    """The source pixel of every pixel of an axis by GDAL's rule, -1 where it has none."""
    step = axis.length / axis.out
    first, stop = int(max(0.0, -axis.low / step + 1e-3)), int(np.ceil((length - axis.low) / step - 1e-3))
    out = np.full(axis.out, -1)
    for i in range(first, min(stop, axis.out)):
        out[i] = min(max(int(np.floor(axis.low + (i + 0.5) * step + 1e-10)), 0), length - 1)
    return out


@pytest.mark.parametrize(
    ("left", "top", "side"), [(-9.3, -7.7, 31.1), (20.4, 25.9, 30.2), (-3.7, -2.2, 60.0), (3.2, 4.6, 20.0)]
)
@pytest.mark.parametrize("nodata", [None, 0])
def test_every_engine_takes_the_outermost_pixels(backend, left: float, top: float, side: float, nodata: int | None):
    axes = Axis(left, side, WIDTH, PICTURE), Axis(top, side, HEIGHT, PICTURE)
    found = part(axes, [(WIDTH, HEIGHT)], nearest=True, lone=True)
    assert found is not None
    data = pixels(3, HEIGHT, WIDTH, holes=0.1 if nodata == 0 else 0.0)
    source = Source(pixels=data, nodata=nodata, control=found.rows, stretch=found.stretch)
    columns, rows = expected(axes[0], WIDTH), expected(axes[1], HEIGHT)
    there = (rows >= 0)[:, None] & (columns >= 0)
    wanted = np.where(there, data[np.ix_(np.maximum(rows, 0), np.maximum(columns, 0))], 0)
    valid = there & (wanted != 0 if nodata == 0 else True)
    values, ok = backend.warp(source, PICTURE, PICTURE, "nearest")
    np.testing.assert_array_equal(ok, valid)
    np.testing.assert_array_equal(values[ok], wanted[ok])
    shown = backend.shade(job([Layer(sources=(source,))], recipe("b1", rescale=((0, 10000),)), PICTURE, PICTURE))
    np.testing.assert_array_equal(shown.alpha != 0, valid)


def layer_of(source: Source):
    """A layer of one band."""
    from gpu.backend import Layer

    return Layer(sources=(source,))
