"""Impossible and extreme sizes: a defined answer on every backend."""

import io

import numpy as np
import pytest
from PIL import Image

from gpu.backend import Job, Layer, Source
from tests.gpu.scenes import pixels, recipe

GREY = recipe("a", rescale=((0, 10000),))


def line(length):
    """A picture of one row, 65 536 pixels long or so, from a source as long."""
    data = np.tile(pixels(1, 1, 64), (1, -(-length // 64)))[:, :length]
    return (Layer(sources=(Source(pixels=data),)),)


def test_longer_than_a_jpeg(backend):
    auto = backend.draw([Job(layers=line(65536), recipe=GREY, height=1, width=65536)])[0]
    assert auto.format == "png"
    assert Image.open(io.BytesIO(auto.content)).size == (65536, 1)
    with pytest.raises(ValueError, match="65500"):
        backend.draw([Job(layers=line(65536), recipe=GREY, height=1, width=65536, format="jpg")])


def test_one_bad_job_does_not_spoil_the_others(backend):
    """The good one is drawn when it comes alone again."""
    good = Job(layers=line(100), recipe=GREY, height=1, width=100, format="jpg")
    bad = Job(layers=line(65536), recipe=GREY, height=1, width=65536, format="jpg")
    with pytest.raises(ValueError, match="65500"):
        backend.draw([good, bad])
    assert backend.draw([good])[0].format == "jpg"


def test_no_jobs(backend):
    assert backend.draw([]) == []


def test_more_layers_than_a_median_holds(backend):
    rows = [np.full((2, 3), value, np.uint16) for value in range(1, 101)]
    layers = tuple(Layer(sources=(Source(pixels=row),)) for row in rows)
    values, valid = backend.values(Job(layers=layers, recipe=GREY, height=2, width=3, reducers=("median",)))
    assert valid.all()
    assert (values == 50.5).all()


def test_more_bands_than_a_kernel_takes(backend):
    names = [f"b{i}" for i in range(1, 41)]
    sources = tuple(Source(pixels=np.full((2, 3), i, np.uint8)) for i in range(1, 41))
    many = recipe("+".join(names), rescale=((0, 900),))
    values, valid = backend.values(Job(layers=(Layer(sources=sources),), recipe=many, height=2, width=3))
    assert valid.all()
    assert (values == sum(range(1, 41))).all()


@pytest.mark.parametrize("stretch", [(0.0, 0.0), (float("nan"), 1.0), (1e-300, 1e300), (-1.0, 2.0)])
def test_stretch_that_makes_no_sense(kernels, stretch):
    """An answer in finite time."""
    from tests.gpu.scenes import grid

    for method in ("bilinear", "cubic", "average"):
        one = Source(pixels=pixels(1, 12, 12), control=grid(4, 4), stretch=stretch)
        made, valid = kernels.warp(one, 4, 4, method)
        assert made.shape == valid.shape == (4, 4)


def test_control_of_another_picture(kernels):
    """Refused: reading past its end would lose a GPU for good."""
    from tests.gpu.scenes import layer

    with pytest.raises(ValueError, match="control"):
        kernels.shade(Job(layers=(layer(1, 1),), recipe=GREY, height=600, width=28))
