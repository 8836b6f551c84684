"""JPEG files to the byte as libjpeg-turbo writes them (Pillow with the same restart interval), and decodable by all."""

import io

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gpu import jpeg
from gpu.backend import Picture
from gpu.encode import encode
from tests.gpu.host.exercise import grey, images, pillow

SAMPLINGS = ["420", "444", "grey"]


@pytest.fixture(scope="module")
def encoder(kernels):
    return kernels


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("quality", [1, 10, 50, 75, 85, 95, 100])
def test_bytes_are_libjpeg_turbos(encoder, sampling, quality):
    many = [grey(image) if sampling == "grey" else image for image in images()]
    for image, file in zip(many, encoder.jpeg(many, quality, sampling), strict=True):
        assert file == pillow(image, quality, sampling, jpeg.INTERVALS[sampling])
        assert simplejpeg.decode_jpeg(file, strict=True).shape == image.shape


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 50),
    width=st.integers(1, 50),
    quality=st.integers(1, 100),
    sampling=st.sampled_from(SAMPLINGS),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([1, 40, 256]),
)
def test_any_size_and_content(encoder, height, width, quality, sampling, seed, spread):
    image = np.random.default_rng(seed).integers(0, spread, (height, width, 3)).astype(np.uint8)
    image = grey(image) if sampling == "grey" else image
    assert encoder.jpeg([image], quality, sampling) == [pillow(image, quality, sampling, jpeg.INTERVALS[sampling])]


def test_transparent_pixels_show_the_background(encoder):
    """As the CPU's encoder flattens, also half transparent ones."""
    rng = np.random.default_rng(2)
    rgba = rng.integers(0, 256, (30, 40, 4)).astype(np.uint8)
    rgba[:10, :, 3], rgba[10:20, :, 3] = 0, 255
    made = encoder.jpeg([rgba], 90, "420", (10, 200, 30))[0]
    picture = Picture(pixels=rgba[..., :3].copy(), alpha=rgba[..., 3].copy())
    expected = encode(picture, "jpg", 90, (10, 200, 30)).content
    np.testing.assert_array_equal(decoded(made), decoded(expected))


def test_decodes_to_the_pixels_of_the_cpus_file(encoder):
    """Restart markers change bytes, never pixels."""
    for image in images():
        picture = Picture(pixels=image, alpha=np.full(image.shape[:2], 255, np.uint8))
        for quality in (30, 85):
            expected = encode(picture, "jpg", quality, (0, 0, 0)).content
            np.testing.assert_array_equal(decoded(encoder.jpeg([image], quality)[0]), decoded(expected))


def test_files_beyond_the_first_guess_of_memory(encoder):
    """Noise at the highest quality overflows every buffer once; the answer is the same."""
    image = np.random.default_rng(4).integers(0, 256, (900, 1000, 3)).astype(np.uint8)
    assert encoder.jpeg([image], 100)[0] == pillow(image, 100, "420", 16)


@pytest.mark.parametrize("size", [(1, jpeg.LIMIT), (jpeg.LIMIT, 1)])
def test_longest_sides(encoder, size):
    image = np.random.default_rng(5).integers(0, 256, (*size, 3)).astype(np.uint8)
    assert encoder.jpeg([image], 60)[0] == pillow(image, 60, "420", 16)


def test_impossible_quality():
    with pytest.raises(ValueError, match="1 to 100"):
        jpeg.tables(0)


@pytest.mark.slow
def test_a_large_picture(encoder):
    """Several megapixels: restart markers wrap many times."""
    rng = np.random.default_rng(6)
    image = np.kron(rng.integers(0, 256, (128, 160, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    image ^= rng.integers(0, 16, image.shape).astype(np.uint8)
    assert encoder.jpeg([image], 85)[0] == pillow(image, 85, "420", 16)


def decoded(content):
    return np.asarray(Image.open(io.BytesIO(content)))
