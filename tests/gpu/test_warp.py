"""Warping on every backend against GDAL and against the reference."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject

from gpu.backend import PIECE, Control, Job, Layer, Source
from tests.gpu import reference
from tests.gpu.scenes import grid, pixels, recipe, source

METHODS = ["nearest", "bilinear", "cubic", "average"]


@pytest.mark.parametrize("step", [0.3, 1.0, 1.03, 1.5, 2.3])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_equals_gdal(backend, method, step, holes):
    data = pixels(1, 64, 64, high=60000, holes=holes)
    n, x, y = int(62 / step), 0.37, 0.21
    expected = np.zeros((n, n), np.uint16)
    reproject(
        data, expected, src_transform=Affine(10, 0, 5e5, 0, -10, 5.5e6), src_crs="EPSG:32633",
        dst_transform=Affine(10 * step, 0, 5e5 + 10 * x, 0, -10 * step, 5.5e6 - 10 * y), dst_crs="EPSG:32633",
        resampling=Resampling[method], src_nodata=0, dst_nodata=0, tolerance=0.0, XSCALE=1 / step, YSCALE=1 / step,
    )  # fmt: skip
    control = grid(n, n, (step, step), (x, y))
    made, valid = backend.warp(
        Source(pixels=data, nodata=0, control=control, stretch=(1 / step, 1 / step)), n, n, method
    )
    np.testing.assert_array_equal(valid, expected != 0)
    difference = np.abs(made.astype(int) - expected)[valid]
    assert difference.max() <= (0 if method == "nearest" else 1)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("method", METHODS)
def test_equals_reference_for_every_type(backend, dtype, method):
    high = {"uint8": 250, "int8": 120}.get(dtype, 30000)
    one = source(3, dtype=dtype, high=high, holes=0.1, step=1.2)
    expected, valid = reference.warp(one, 24, 28, method)
    made, known = backend.warp(one, 24, 28, method)
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_allclose(made[known], expected[known], rtol=1e-6, atol=1 if np.dtype(dtype).kind != "f" else 0)


@pytest.mark.parametrize("method", METHODS)
def test_mask_nan_and_strided_pixels(backend, method):
    data = pixels(4, 80, 44, np.float32)[::2]
    data[5:9, 3:11] = np.nan
    mask = np.random.default_rng(5).random(data.shape) < 0.9
    one = Source(pixels=data, valid=mask, nodata=float("nan"), control=grid(24, 28, (1.1, 0.9), (2, 3), 0.05, 4))
    expected, valid = reference.warp(one, 24, 28, method)
    made, known = backend.warp(one, 24, 28, method)
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_allclose(made[known], expected[known], rtol=1e-6)


def test_pixels_on_the_grid_need_no_control(backend):
    data = pixels(6, 24, 28, holes=0.2)
    made, valid = backend.warp(Source(pixels=data, nodata=0), 24, 28, "cubic")
    np.testing.assert_array_equal(valid, data != 0)
    np.testing.assert_array_equal(made[valid], data[valid])


@pytest.mark.parametrize("method", METHODS)
def test_grid_that_folds_or_leads_nowhere(backend, method):
    """A row that turns back on itself, a row of NaN, rows far outside."""
    segments = np.array([
        [0, 1.2, 1.5, 3.3, 0.0], [14, 22.2, -1.5, 3.3, 0.0],
        [0, np.nan, np.nan, np.nan, np.nan],
        [0, 1e300, 1e300, -1e300, 0.0],
        [0, -1e12, 0.0, 5.0, 0.0],
        [0, 43.9, 0.0, 39.9, 0.0],
    ])  # fmt: skip
    control = Control(segments=segments, first=np.array([0, 2, 3, 4, 5, 6]))
    one = Source(pixels=pixels(7), nodata=0, control=control)
    expected, valid = reference.warp(one, 5, 28, method)
    made, known = backend.warp(one, 5, 28, method)
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_allclose(made[known], expected[known], atol=1)
    assert valid[0].all()
    assert not valid[1:4].any()


@pytest.mark.parametrize("method", ["bilinear", "cubic"])
@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_every_piece_is_warped_with_its_own_kernels(backend, method, holes):
    """As a picture that is warped with these kernels as a whole."""
    height, width = PIECE[0] + 9, PIECE[1] + 14
    one = Source(
        pixels=pixels(8, 60, 300, holes=holes), nodata=0, control=grid(height, width, (0.5, 0.4), (1.5, 1.2), 0.01, 3),
        pieces=(((0.8, 0.9), (1.0, 1.0)), ((0.3, 1.2), (0.8, 0.5))),
    )  # fmt: skip
    made, valid = backend.warp(one, height, width, method)
    for i, line in enumerate(one.pieces):
        for j, stretch in enumerate(line):
            piece = slice(i * PIECE[0], (i + 1) * PIECE[0]), slice(j * PIECE[1], (j + 1) * PIECE[1])
            whole, known = backend.warp(replace(one, pieces=(), stretch=stretch), height, width, method)
            np.testing.assert_array_equal(valid[piece], known[piece])
            np.testing.assert_array_equal(made[piece], whole[piece])
            assert known[piece].any()
    rows = [
        backend.warp(replace(one, pieces=(), stretch=stretch), height, width, method)[0] for stretch in one.pieces[0]
    ]
    assert (rows[0] != rows[1]).mean() > 0.1
    recipe_ = recipe("a", rescale=((0, 10000),), resampling=method)
    shaded = backend.shade(Job(layers=(Layer(sources=(one,)),), recipe=recipe_, height=height, width=width))
    level = np.where(valid, np.clip(made.astype(float), 0, 10000) / 10000 * 255, 0).astype(np.uint8)
    np.testing.assert_array_equal(shaded.rgba()[..., 0], level)


def test_pieces_of_another_picture(backend):
    one = Source(pixels=pixels(1), control=grid(200, 28), pieces=(((1.0, 1.0),),))
    with pytest.raises(ValueError, match="pieces"):
        backend.warp(one, 200, 28, "bilinear")


COORDINATES = st.one_of(
    st.floats(-20, 60), st.sampled_from([math.nan, math.inf, -math.inf, 1e18, -1e18, 0.0, -0.0, 5e-324, 44.0])
)
STEPS = st.one_of(st.floats(-4, 4), st.sampled_from([math.nan, math.inf, 1e300, 0.0, 1.0]))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.tuples(st.integers(0, 8), COORDINATES, STEPS, COORDINATES, STEPS), max_size=3),
        min_size=4,
        max_size=4,
    ),
    method=st.sampled_from(METHODS),
    dtype=st.sampled_from(["uint8", "int16", "float32"]),
    stretch=st.tuples(st.floats(0.2, 3), st.floats(0.2, 3)),
    seed=st.integers(0, 99),
)
def test_any_grid_has_an_answer(kernels, rows, method, dtype, stretch, seed):
    """Wild segments: the very pixels of the reference, and never a read outside."""
    ordered = [sorted(row, key=lambda segment: segment[0]) for row in rows]
    segments = np.array([segment for row in ordered for segment in row], np.float64).reshape(-1, 5)
    first = np.cumsum([0, *(len(row) for row in ordered)])
    data = pixels(seed, 9, 11, dtype, 120, holes=0.2)
    one = Source(pixels=data, nodata=0, control=Control(segments=segments, first=first), stretch=stretch)
    with np.errstate(all="ignore"):
        expected, valid = reference.warp(one, 4, 9, method)
    made, known = kernels.warp(one, 4, 9, method)
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_allclose(made[known].astype(float), expected[known].astype(float), rtol=1e-5, atol=1)
