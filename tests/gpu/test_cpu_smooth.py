"""Bilinear, cubic and average pixels by compiled rows against the rules in plain Python, wherever windows end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.backend import PIECE, Control, Resampling, Source
from gpu.cpu.warp import WIDE, warp
from tests.gpu import reference

HEIGHT, WIDTH = 6, 11
TALL = PIECE[0] + HEIGHT


@st.composite
def sources(draw: st.DrawFn) -> Source:
    """Windows from one pixel to more than any kernel, whole or with holes; rows of two pieces, some of them nowhere."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    dtype = np.dtype(draw(st.sampled_from(["uint8", "uint16", "int16", "int32", "float32", "float64"])))
    data = random.integers(0, 120, (height, width)).astype(dtype)
    if dtype.kind == "f" and draw(st.booleans()):
        data[random.random(data.shape) < 0.05] = np.nan
    starts = [start for _ in range(HEIGHT) for start in (0, int(random.integers(1, WIDTH)))]
    stretch = draw(st.sampled_from([(1.0, 1.0), (1.6, 1.2), (0.94, 1.3), (0.7, 0.6), (0.3, 0.4)]))
    step = 1 / stretch[0]
    rows = [(start, *random.uniform((-2, 0.8 * step, -2, -0.1), (width, 1.2 * step, height, 0.1))) for start in starts]
    segments = np.array(rows)
    if draw(st.booleans()):
        segments[int(random.integers(len(segments))), 1] = np.nan
    return Source(
        pixels=data, valid=random.random(data.shape) < 0.9 if draw(st.booleans()) else None,
        nodata=draw(st.sampled_from([None, 0.0, 0.5])), stretch=stretch,
        control=Control(segments=segments, first=np.arange(HEIGHT + 1) * 2),
    )  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(sources(), st.sampled_from(["bilinear", "cubic", "average"]))
def test_rows_follow_the_rules(source: Source, resampling: Resampling) -> None:
    values, valid = reference.warp(source, HEIGHT, WIDTH, resampling)
    made, known = warp(source, WIDTH, slice(0, HEIGHT), resampling)
    assert made.dtype == values.dtype
    np.testing.assert_array_equal(known, valid)
    difference = np.abs(made[valid].astype(float) - values[valid].astype(float))
    assert difference.max(initial=0) <= (1e-4 if made.dtype.kind == "f" else 1)
    assert (difference > 1e-4).mean() < 0.05 if difference.size > 20 else True  # halves round either way


@pytest.mark.parametrize("resampling", ["bilinear", "cubic"])
@pytest.mark.parametrize("top", [0, 3, PIECE[0] - 1, PIECE[0]])
def test_rows_across_pieces(top: int, resampling: Resampling) -> None:
    """Some rows of a picture in pieces are what all of them are."""
    random = np.random.default_rng(4)
    rows = np.arange(TALL)
    starts = random.uniform(0, 4, TALL)
    segments = np.column_stack([rows * 0.0, starts, rows * 0 + 1.3, rows * 0.1 + 0.2, rows * 0 + 0.05])
    one = Source(
        pixels=random.integers(1, 200, (20, 20)).astype(np.uint8), pieces=(((0.4, 0.6),), ((1.0, 1.0),)),
        valid=random.random((20, 20)) < 0.9, control=Control(segments=segments, first=np.arange(TALL + 1)),
    )  # fmt: skip
    expected, known = reference.warp(one, TALL, WIDTH, resampling)
    made, valid = warp(one, WIDTH, slice(top, TALL - 2), resampling)
    np.testing.assert_array_equal(valid, known[top : TALL - 2])
    difference = np.abs(made[valid].astype(int) - expected[top : TALL - 2][valid])
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_a_large_window_in_single_precision() -> None:
    """Gives the bytes of the same pixels in a small window."""
    side = 40
    data = np.random.default_rng(3).integers(0, 65536, (side, side)).astype(np.uint16)
    large = np.zeros((side, WIDE // side + 1), np.uint16)
    large[:, :side] = data
    rows = np.arange(HEIGHT) * 3.3 + 5.2
    segments = np.column_stack([rows * 0, rows * 0 + 4.4, rows * 0 + 1.37, rows, rows * 0 + 0.01])
    control = Control(segments=segments, first=np.arange(HEIGHT + 1))
    for resampling in ("bilinear", "cubic", "average"):
        one, two = (Source(pixels=pixels, control=control, stretch=(0.73, 0.3)) for pixels in (data, large))
        np.testing.assert_array_equal(
            warp(one, WIDTH, slice(0, HEIGHT), resampling)[0], warp(two, WIDTH, slice(0, HEIGHT), resampling)[0]
        )
