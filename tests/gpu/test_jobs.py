"""Pictures and values of whole jobs on every backend against the reference."""

import io

import numpy as np
import pytest
from PIL import Image

from gpu.backend import Job, Layer, Picture, Source
from gpu.cuda.plan import is_tabled
from gpu.cuda.styles import Styles
from tests.gpu import reference
from tests.gpu.scenes import grid, job, layer, pixels, recipe, source

RAMP = np.stack([np.arange(256), np.arange(256)[::-1], np.arange(256) // 2, np.full(256, 255)], 1).astype(np.uint8)
SOFT = np.where(np.arange(4) == 3, np.arange(256)[:, None], RAMP).astype(np.uint8)
RGB = {"rescale": ((500, 9000),)}


def mosaic(count, bands, **kwargs):
    return [layer(10 * i, bands, holes=0.4, **kwargs) for i in range(count)]


def clouds(seed):
    """A mask of classes 0..11, of which 8 and 9 hide."""
    data = np.random.default_rng(seed).integers(0, 12, (20, 22)).astype(np.uint8)
    hidden = np.zeros(65536, np.bool_)
    hidden[[8, 9]] = True
    return {"mask": Source(pixels=data, control=grid(24, 28, (0.5, 0.5), (0.6, 0.4), 0.01)), "hidden": hidden}


def masked(one, seed):
    return Layer(sources=one.sources, **clouds(seed))


def several_resolutions():
    fine = source(1, control=grid(24, 28, (1.0, 1.0), (1.3, 0.7), 0.02, 3))
    coarse = source(2, control=grid(24, 28, (0.5, 0.5), (0.65, 0.35), 0.01, 2), source_height=20, source_width=22)
    return Layer(sources=(fine, coarse, coarse))


JOBS = {
    "rgb": job([layer(1, 3)], recipe("r,g,b", **RGB)),
    "rgb, one band has holes": job(
        [Layer(sources=(*layer(1, 2).sources, source(9, holes=0.5)))], recipe("r,g,b", **RGB)
    ),
    "rgb, a band is missing": job([Layer(sources=(*layer(1, 2).sources, None))], recipe("r,g,b", **RGB)),
    "three ranges": job([layer(1, 3)], recipe("r,g,b", rescale=((0, 5000), (100, 6000), (50, 9000)))),
    "no range": job([layer(1, 3, high=300)], recipe("r,g,b")),
    "one band three times": job([layer(1, 1)], recipe("r,r,r", rescale=((0, 5000), (100, 6000), (50, 9000)))),
    "grey": job([layer(1, 1)], recipe("r", rescale=((300, 7000),))),
    "gamma and contrast": job([layer(1, 3)], recipe("r,g,b", color_formula="gamma rgb 1.4 sigmoidal rgb 6 0.4", **RGB)),
    "saturation": job([layer(1, 3)], recipe("r,g,b", color_formula="saturation 1.4", **RGB)),
    "scaled": job(
        [Layer(sources=tuple(source(i, scale=1e-4, offset=-0.1) for i in range(3)))],
        recipe("r,g,b", rescale=((0.0, 0.4),)),
    ),
    "scaled but stored values asked": job(
        [Layer(sources=tuple(source(i, scale=1e-4, offset=-0.1) for i in range(3)))],
        recipe("r,g,b", unscale=False, **RGB),
    ),
    "float bands": job([layer(1, 3, dtype=np.float32)], recipe("r,g,b", **RGB)),
    "bytes": job([layer(1, 3, dtype=np.uint8, high=250)], recipe("r,g,b", rescale=((0, 255),))),
    "signed": job([layer(1, 3, dtype=np.int16, nodata=-9999)], recipe("r,g,b", rescale=((-100, 8000),))),
    "mosaic": job(mosaic(4, 3), recipe("r,g,b", **RGB)),
    "mosaic behind clouds": job([masked(one, i) for i, one in enumerate(mosaic(4, 3))], recipe("r,g,b", **RGB)),
    "bands of several resolutions": job([several_resolutions()], recipe("r,g,b", **RGB)),
    "bilinear": job([layer(1, 3, step=1.3, holes=0.1)], recipe("r,g,b", resampling="bilinear", **RGB)),
    "cubic": job([layer(1, 3, step=0.7, holes=0.1)], recipe("r,g,b", resampling="cubic", **RGB)),
    "average": job([layer(1, 3, step=1.9, holes=0.1)], recipe("r,g,b", resampling="average", **RGB)),
    "index": job([layer(1, 2, holes=0.1)], recipe("(a-b)/(a+b)", rescale=((-1, 1),), palette=RAMP)),
    "index of scaled bands, mosaic": job(
        [Layer(sources=(source(i, scale=1e-4, holes=0.3), source(i + 5, offset=-100, scale=0.1))) for i in range(3)],
        recipe("(a-b)/(a+b)", rescale=((-1, 1),), palette=SOFT),
    ),
    "division by zero": job([layer(1, 2, high=2, nodata=None)], recipe("(a-b)/(a-b)", rescale=((-1, 2),))),
    "three expressions": job(
        [layer(1, 3, holes=0.1)], recipe("sqrt(a), where(b>4000, b, c), clip(a*b/c, 0, 9000)", rescale=((0, 9000),))
    ),
    "every operation": job(
        [layer(1, 3)],
        recipe(
            "min(a,b,c)+max(a,b)-abs(a-b)*2/(c+1)+exp(-a/9000)+log(b)+log10(c)+sin(a)+cos(b)+tan(c)+arctan(a)+a**2"
            "-a**3/1e4+a**4/1e9+a**0.3+(a<b)+(a<=b)+(a>b)+(a>=b)+(a==b)+(a!=b)+(a>1 and not b<2 or c==3)-(-a)",
            rescale=((0, 5e7),),
            palette=RAMP,
        ),
    ),
    "constant": job([Layer(sources=())], recipe("42", rescale=((0, 100),))),
    "ramp": job([layer(1, 1, holes=0.3)], recipe("a", rescale=((0, 9000),), palette=RAMP)),
    "classes": job(
        [layer(1, 1, dtype=np.uint8, high=9, holes=0.2)],
        recipe("a", classes={1: (255, 0, 0, 255), 3: (0, 255, 0, 255), 4: (0, 0, 255, 128), 7: (1, 2, 3, 0)}),
    ),
    "classes, none": job([layer(1, 1)], recipe("a", classes={})),
    "many classes": job(
        [layer(1, 1, high=500)], recipe("a", classes={i: (i % 251, i // 251, 7, 255) for i in range(400)})
    ),
    "intervals": job(
        [layer(1, 1)],
        recipe(
            "a", intervals=((0, 2000, (9, 8, 7, 255)), (2000, 2000.5, (1, 1, 1, 255)), (3000, 7000, (0, 99, 0, 200)))
        ),
    ),
    "median": job(mosaic(5, 3), recipe("r,g,b", **RGB), reducers=("median",)),
    "mean behind clouds": job(
        [masked(one, i) for i, one in enumerate(mosaic(4, 3))], recipe("r,g,b", **RGB), reducers=("mean",)
    ),
    "one reducer each": job(mosaic(4, 3), recipe("r,g,b", **RGB), reducers=("max", "min", "first")),
    "maximum of an index": job(mosaic(6, 2), recipe("(a-b)/(a+b)", rescale=((-1, 1),)), reducers=("max",)),
    "best": job(mosaic(3, 3), recipe("r,g,b", **RGB), reducers=("best",)),
    "no layer": job([], recipe("r,g,b", **RGB)),
    "nothing there": job([Layer(sources=(None, None, None))], recipe("r,g,b", **RGB)),
    "all nodata": job([layer(1, 3, holes=1.0)], recipe("r,g,b", **RGB)),
    "no pixels": job(
        [Layer(sources=(Source(pixels=np.zeros((0, 0), np.uint16), control=grid(24, 28)),) * 3)], recipe("r,g,b", **RGB)
    ),
    "one pixel": Job(layers=(layer(1, 3, height=1, width=1),), recipe=recipe("r,g,b", **RGB), height=1, width=1),
    "wide types": job([layer(1, 3, dtype=np.int64)], recipe("r,g,b", **RGB)),
}


SPECIAL = [
    "rgb", "rgb, a band is missing", "one band three times", "scaled", "float bands", "mosaic behind clouds",
    "bands of several resolutions", "cubic", "index", "three expressions", "every operation", "constant", "classes",
    "intervals", "median", "one reducer each", "nothing there",
]  # fmt: skip
TABLED = [
    "rgb", "rgb, one band has holes", "rgb, a band is missing", "three ranges", "no range", "grey",
    "gamma and contrast", "scaled", "bytes", "signed", "mosaic", "mosaic behind clouds",
    "bands of several resolutions", "best", "nothing there", "all nodata", "no pixels", "one pixel",
]  # fmt: skip
"""What goes straight from stored values to bytes."""


@pytest.mark.parametrize("name", JOBS)
def test_picture_equals_reference(backend, name):
    check_picture(backend, JOBS[name])


@pytest.mark.parametrize("name", SPECIAL)
def test_special_kernels_draw_the_same(specialised, name):
    check_picture(specialised, JOBS[name])


@pytest.mark.parametrize("name", TABLED)
def test_stored_values_straight_to_bytes(specialised, emulated, name):
    """To the bit what the general kernel draws."""
    one = JOBS[name]
    style = Styles().of(one.recipe)
    assert style.variant("shade", 2, reduced=False, tabled=is_tabled(one)).bands
    check_picture(specialised, one)
    np.testing.assert_array_equal(specialised.shade(one).rgba(), emulated.shade(one).rgba())


@pytest.mark.parametrize("name", ["index", "float bands", "bilinear", "median", "ramp", "one band three times"])
def test_what_does_not(name):
    one = JOBS[name]
    style = Styles().of(one.recipe)
    assert not style.variant("shade", 2, reduced=name == "median", tabled=is_tabled(one)).bands


def check_picture(backend, one):
    expected = reference.shade(one)
    made = backend.shade(one)
    rgba = made.rgba()
    np.testing.assert_array_equal(rgba[..., 3] > 0, expected[..., 3] > 0)
    assert np.abs(rgba.astype(int) - expected).max() <= 1
    assert (rgba == expected).mean() > 0.999


@pytest.mark.parametrize("name", JOBS)
def test_values_equal_reference(backend, name):
    one = JOBS[name]
    if not one.layers:
        return
    expected, valid = reference.values(one)
    made, known = backend.values(one)
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_allclose(made[:, valid], expected[:, valid], rtol=1e-12, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("format", ["jpg", "png", "auto", "webp"])
def test_draw_encodes_what_shade_shows(backend, format):
    names = [
        "rgb",
        "mosaic",
        "classes",
        "intervals",
        "ramp",
        "grey",
        "index of scaled bands, mosaic",
        "all nodata",
        "no layer",
    ]
    jobs = [
        Job(layers=j.layers, recipe=j.recipe, height=j.height, width=j.width, format=format, background=(200, 30, 90))
        for j in (JOBS[name] for name in names)
    ]
    for name, one, encoded in zip(names, jobs, backend.draw(jobs), strict=True):
        picture = backend.shade(one)
        rgba = picture.rgba()
        opaque = bool((picture.alpha == 255).all())
        assert encoded.empty == (not picture.alpha.any())
        assert encoded.opaque == opaque
        if format == "auto":
            discrete = picture.palette is not None and len(picture.palette) < 256
            assert encoded.format == ("jpg" if opaque and not discrete else "png"), name
        else:
            assert encoded.format == format
        image = Image.open(io.BytesIO(encoded.content))
        assert image.size == (one.width, one.height)
        if encoded.format == "png":
            np.testing.assert_array_equal(clean(np.asarray(image.convert("RGBA"))), clean(rgba), err_msg=name)
        if encoded.format == "jpg":
            np.testing.assert_array_equal(
                np.asarray(image.convert("RGB")), decoded(picture, (200, 30, 90)), err_msg=name
            )


def clean(rgba):
    return np.where(rgba[..., 3:] > 0, rgba, 0)


def decoded(picture: Picture, background):
    """libjpeg-turbo's JPEG of a flattened picture, decoded again."""
    rgba = picture.rgba().astype(np.uint16)
    weight = rgba[..., 3:]
    flat = ((rgba[..., :3] * weight + np.array(background) * (255 - weight) + 127) // 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(flat).save(file, "JPEG", quality=85, subsampling=2)
    return np.asarray(Image.open(file))


def test_jobs_of_many_kinds_in_one_batch(backend):
    """Order is kept, and each picture is what it is alone."""
    jobs = [one for name, one in JOBS.items() if name != "no pixels"] * 2
    batch = backend.draw(jobs)
    for one, encoded in zip(jobs[: len(jobs) // 2], batch, strict=False):
        assert backend.draw([one])[0].content == encoded.content


def test_pixels_with_a_key_may_stay(backend):
    """The key is the identity: what it named the first time is what is drawn."""
    data = pixels(1)
    one = Source(pixels=data, nodata=0, control=grid(24, 28), key=("item", 1))
    first = backend.draw([job([Layer(sources=(one,))], recipe("a", rescale=((0, 9000),)))])[0]
    second = backend.draw([job([Layer(sources=(one,))], recipe("a", rescale=((0, 9000),)))])[0]
    assert first.content == second.content
