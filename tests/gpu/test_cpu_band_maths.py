"""Compiled band maths gives the very values and pictures of NumPy, for any expression, source and mosaic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.backend import Control, Job, Layer, Recipe, Source
from gpu.cpu import CpuBackend
from gpu.cpu.interpreter import CHUNK, evaluate, program
from gpu.expression import OPCODES, parse
from tests.gpu import reference
from tests.gpu.test_expression import BANDS, GOOD, TREES

HEIGHT, WIDTH = 7, 9
BACKEND = CpuBackend()
RAMP = np.random.default_rng(1).integers(0, 256, (256, 4)).astype(np.uint8)
INTERVALS = ((-1.0, 0.0, (1, 2, 3, 255)), (0.0, 5.0, (9, 8, 7, 100)))


def control(random: np.random.Generator) -> Control:
    """Rows of two pieces that wander over, and beyond, a source of 10 x 12."""
    starts = [start for _ in range(HEIGHT) for start in (0, int(random.integers(1, WIDTH)))]
    rows = [(start, *random.uniform((-3, -0.4, -3, -0.2), (9, 1.5, 9, 0.5))) for start in starts]
    return Control(segments=np.array(rows), first=np.arange(HEIGHT + 1) * 2)


def band(draw: st.DrawFn, random: np.random.Generator, where: Control) -> Source:
    dtype = np.dtype(draw(st.sampled_from(["uint8", "int16", "uint16", "int32", "float32", "float64"])))
    data = random.integers(0 if dtype.kind == "u" else -9, 40, (10, 12)).astype(dtype)
    if dtype.kind == "f":
        data[random.random(data.shape) < 0.1] = draw(st.sampled_from([np.nan, np.inf, 0.1]))
    return Source(
        pixels=data, valid=random.random(data.shape) < 0.8 if draw(st.booleans()) else None,
        nodata=draw(st.sampled_from([None, 0.0, -9.0, 0.1, np.nan])),
        control=where if draw(st.booleans()) else control(random),
        scale=draw(st.sampled_from([1.0, 0.0001, -3.0])), offset=draw(st.sampled_from([0.0, -0.1])),
    )  # fmt: skip


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    text = "; ".join(draw(st.lists(TREES, min_size=1, max_size=1) | st.lists(TREES, min_size=3, max_size=3)))
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        where = control(random)
        clouds = Source(pixels=random.integers(0, 4, (10, 12)).astype(np.uint8), nodata=2, control=where)
        masked = draw(st.booleans())
        layers.append(
            Layer(
                sources=tuple(band(draw, random, where) if draw(st.integers(0, 9)) else None for _ in BANDS),
                mask=clouds if masked else None, hidden=np.arange(65536) == 3 if masked else None,
            )
        )  # fmt: skip
    single = ";" not in text
    recipe = Recipe(
        variables=BANDS, expressions=parse(text, BANDS), plain=False, unscale=draw(st.booleans()),
        rescale=draw(st.sampled_from([(), ((0.0, 2.0),), ((-9.0, 5.0),), ((3.0, -3.0),)])),
        palette=RAMP if single and draw(st.booleans()) else None,
        intervals=INTERVALS if single and draw(st.booleans()) else (),
        color_formula="" if single or draw(st.booleans()) else "gamma R 1.3 saturation 0.6",
    )  # fmt: skip
    reducers = draw(st.sampled_from([("first",), ("first",), ("median",), ("max",)]))
    return Job(layers=tuple(layers), recipe=recipe, height=HEIGHT, width=WIDTH, reducers=reducers)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::hypothesis.errors.HypothesisWarning")
@settings(max_examples=250, deadline=None)
@given(jobs())
def test_any_job_is_as_numpy_draws_it(job: Job) -> None:
    values, valid = reference.values(job)
    made, known = BACKEND.values(job)
    np.testing.assert_array_equal(made, values)
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_array_equal(BACKEND.shade(job).rgba(), reference.shade(job))


@pytest.mark.parametrize("text", [*GOOD, "B02", "7", "min(B02, B04, B08) + max(B08, B11, 0.5)", "B02 != B04", "!B02"])
@pytest.mark.parametrize("shape", [(1, 1), (1, CHUNK), (3, CHUNK - 1), (5, 777)])
def test_pictures_of_any_size(text: str, shape: tuple[int, int]) -> None:
    """Chunks end where they will."""
    random = np.random.default_rng(4)
    values = random.normal(0, 1, (4, *shape)).round(1)
    values[random.random(values.shape) < 0.1] = np.nan
    valid = random.random(shape) < 0.9
    expression = parse(text, BANDS)[0]
    out = np.full(shape, np.nan)
    evaluate(expression, BANDS, values, valid, out)
    expected = expression.numpy(dict(zip(BANDS, values, strict=True)))
    np.testing.assert_array_equal(out, np.where(valid & np.isfinite(expected), expected, np.nan))


def test_what_is_compiled_and_what_is_not() -> None:
    """Powers, logarithms and the like round as NumPy pleases; all else has a step of its own."""
    left = {"**", "log", "log10", "exp", "sin", "cos", "tan", "arctan"}
    arguments = {"min": "a, b", "max": "a, b", "clip": "a, b, 1", "where": "a, b, 1"}
    names = {"negate": "-a", "!": "!a", "number": "1", "band": "a", "square": "a**2", "cube": "a**3", "fourth": "a**4"}
    for op in OPCODES:
        text = names.get(op) or (f"{op}({arguments.get(op, 'a')})" if op.isalnum() else f"a {op} b")
        assert (program(parse(text)[0], ("a", "b")) is None) == (op in left), op
