"""The short way gives the very picture of the long way; encoders give what other decoders read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gpu.backend import Control, Job, Layer, Picture, Recipe, Source
from gpu.cpu import CpuBackend, color, compose, plain
from gpu.encode import encode
from gpu.expression import parse
from gpu.scanlines import over

SIDE = 24
BACKEND = CpuBackend()


def control(random: np.random.Generator) -> Control:
    """Rows that wander over, and beyond, a source of 20 x 20 or 20 x 30."""
    starts = random.uniform(-4, 8, (SIDE, 2))
    steps = random.uniform(-0.2, 1.4, (SIDE, 2))
    segments = np.column_stack([np.zeros(SIDE), starts[:, 0], steps[:, 0], starts[:, 1] + 3, steps[:, 1]])
    return Control(segments=segments, first=np.arange(SIDE + 1))


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(["uint8", "int8", "uint16", "int16"]))
    limits = np.iinfo(dtype)
    outputs = draw(st.sampled_from(["a; b; c", "a", "c; c; a"]))
    shared = control(random)
    shape, width = (20, draw(st.sampled_from([20, 30]))), draw(st.sampled_from([SIDE, SIDE + 1]))
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        sources: list[Source | None] = []
        alike = draw(st.booleans())
        for _ in range(3):
            data = random.integers(max(limits.min, -300), min(limits.max, 300), shape).astype(dtype)
            rows = shared if alike or draw(st.booleans()) else control(random)
            valid = random.random(shape) < 0.8 if not alike and draw(st.booleans()) else None
            nodata = draw(st.sampled_from([None, 0.0, -7.0, 0.5, 1e9]))
            source = Source(
                pixels=data, valid=valid, nodata=nodata, control=rows,
                scale=draw(st.sampled_from([1.0, 0.01])), offset=draw(st.sampled_from([0.0, -0.5])),
            )  # fmt: skip
            sources.append(source if alike or draw(st.integers(0, 4)) else None)
        layers.append(Layer(sources=tuple(sources)))
    palette = random.integers(0, 256, (256, 4)).astype(np.uint8) if draw(st.booleans()) else None
    formulas = ["", "gamma RGB 1.3", "gamma R 1.2 sigmoidal RGB 4 0.4"] if ";" in outputs else [""]
    recipe = Recipe(
        variables=("a", "b", "c"), expressions=parse(outputs), palette=palette,
        color_formula=draw(st.sampled_from(formulas)),
        rescale=draw(st.sampled_from([(), ((0.0, 2.0),), ((-100.0, 200.0),), ((5.0, 5.0),)])),
        resampling=draw(st.sampled_from(["nearest", "bilinear"])), unscale=draw(st.booleans()),
    )  # fmt: skip
    return Job(layers=tuple(layers), recipe=recipe, height=SIDE, width=width)


@settings(max_examples=150, deadline=None)
@given(jobs())
def test_short_way_is_the_long_way(job: Job) -> None:
    assert plain.fits(job)
    short, long = plain.shade(job), color.paint(compose.compose(job, slice(0, SIDE)), job.recipe)
    np.testing.assert_array_equal(short.rgba(), long.rgba())


@pytest.mark.parametrize("text", ["a; a; a", "a", "a + 1"])
@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("spoilt", ["control", "order", "mask", "size"])
def test_what_would_be_read_beyond_its_end_is_refused(text: str, resampling: str, spoilt: str) -> None:
    rows = control(np.random.default_rng(1))
    order = Control(segments=rows.segments, first=np.arange(SIDE + 1)[::-1].copy())
    short = Control(segments=rows.segments[:-2], first=rows.first[:-2])
    one = Source(
        pixels=np.ones((20, 30), np.uint8), valid=np.ones((3, 3), np.bool_) if spoilt == "mask" else None,
        control={"control": short, "order": order, "size": None}.get(spoilt, rows),
    )  # fmt: skip
    plain_text = "+" not in text
    recipe = Recipe(variables=("a",), expressions=parse(text), plain=plain_text, resampling=resampling)
    job = Job(layers=(Layer(sources=(one,)),), recipe=recipe, height=SIDE, width=SIDE)
    for ask in (BACKEND.shade, BACKEND.values):
        with pytest.raises(ValueError, match=r"control|mask|pixels"):
            ask(job)
    with pytest.raises(ValueError, match=r"control|mask|pixels"):
        BACKEND.warp(one, SIDE, SIDE, resampling)


@pytest.mark.parametrize("spare", [True, False])
@pytest.mark.parametrize("clear", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("colours", [2, 5, 17, 256])
def test_png_is_what_pillow_reads(colours: int, clear: float, spare: bool) -> None:
    """Palettes of 1, 4, 8 bits, full ones with and without a free entry, transparent or not."""
    random = np.random.default_rng(5)
    palette = random.integers(0, 256, (colours, 4)).astype(np.uint8)
    palette[:, 3] = 255
    indices = random.integers(0, colours - spare, (67, 61)).astype(np.uint8)
    alpha = np.where(random.random(indices.shape) < clear, 0, 255).astype(np.uint8)
    picture = Picture(pixels=indices, alpha=alpha, palette=palette)
    encoded = encode(picture, "png", 85, (255, 255, 255))
    image = np.asarray(Image.open(io.BytesIO(encoded.content)).convert("RGBA"))
    visible = alpha > 0
    np.testing.assert_array_equal(image[..., 3], alpha)
    np.testing.assert_array_equal(image[visible], picture.rgba()[visible])
    assert encoded.empty == (clear == 1.0)


@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (1, 9), (33, 40)])
def test_any_transparency(shape: tuple[int, int]) -> None:
    """RGBA in PNG as Pillow reads it; one colour beneath as NumPy mixes it."""
    random = np.random.default_rng(7)
    alpha = random.choice(np.array([0, 1, 128, 254, 255], np.uint8), shape)
    rgb = random.integers(0, 256, (*shape, 3)).astype(np.uint8)
    picture = Picture(pixels=rgb, alpha=alpha)
    content = encode(picture, "png", 85, (0, 0, 0)).content
    image = Image.open(io.BytesIO(content)).convert("RGBA")
    np.testing.assert_array_equal(np.asarray(image), picture.rgba())
    weight, ground = alpha[..., None].astype(int), np.array([250, 3, 77])
    mixed = (rgb * weight + ground * (255 - weight) + 127) // 255
    np.testing.assert_array_equal(over(rgb, alpha, (250, 3, 77)), mixed)


@pytest.mark.parametrize("format", ["jpg", "png", "webp", "auto"])
@pytest.mark.parametrize("holes", [False, True])
def test_formats(format: str, holes: bool) -> None:
    y, x = np.mgrid[:64, :64]
    pixels = np.stack([x * 3, y * 3, x + y], axis=-1).astype(np.uint8)
    alpha = np.full((64, 64), 255, np.uint8)
    if holes:
        alpha[:20] = 0
    encoded = encode(Picture(pixels=pixels, alpha=alpha), format, 90, (10, 200, 30))
    image = np.asarray(Image.open(io.BytesIO(encoded.content)).convert("RGBA")).astype(int)
    assert encoded.format == (format if format != "auto" else "png" if holes else "jpg")
    assert np.abs(image[24:, :, :3] - pixels[24:]).mean() < 4
    if holes and encoded.format == "jpg":
        assert np.abs(image[:12, :, :3] - (10, 200, 30)).mean() < 3
    elif holes:
        assert (image[:20, :, 3] == 0).all()
