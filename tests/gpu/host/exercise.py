"""Every kernel on ordinary and on hostile input, compared with the oracles: python -m tests.gpu.host.exercise [part].

Run under the sanitizers and in every order of threads; exits 1 when an answer is wrong. Parts: jpeg, pixels,
stripes, statistics.
"""

from __future__ import annotations

import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from gpu import jpeg
from gpu.backend import Control, Job, Layer, Source
from gpu.cuda import sources
from gpu.statistics import statistics
from tests.gpu import reference
from tests.gpu.host.guarded import guarded_backend
from tests.gpu.scenes import grid, layer, pixels, recipe


def pillow(image, quality, sampling, interval):
    """libjpeg-turbo's file with the same restart interval."""
    file = io.BytesIO()
    options = {} if sampling == "grey" else {"subsampling": {"420": 2, "444": 0}[sampling]}
    shown = image[..., 0] if sampling == "grey" else image
    Image.fromarray(shown).save(file, "JPEG", quality=quality, restart_marker_blocks=interval, **options)
    return file.getvalue()


def images():
    rng = np.random.default_rng(1)
    yield rng.integers(0, 256, (40, 70, 3), np.uint8)
    yield (rng.integers(0, 2, (33, 100, 3)) * 255).astype(np.uint8)
    for height, width in ((1, 1), (8, 8), (9, 17), (23, 100), (31, 40), (64, 64)):
        base = rng.integers(0, 256, ((height + 7) // 8, (width + 7) // 8, 3))
        noisy = np.kron(base, np.ones((8, 8, 1)))[:height, :width] + rng.normal(0, 9, (height, width, 3))
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def check_jpeg():
    """Several windows of bits, partial intervals, few and many threads."""
    coloured = list(images())
    for sampling, interval, threads, window in (
        ("420", None, 192, 2048), ("420", 16, 64, 64), ("444", 7, 96, 64), ("444", None, 192, 2048), ("grey", None, 192, 100),
    ):  # fmt: skip
        backend = guarded_backend(interval=interval, threads=threads, window=window)
        many = [grey(image) for image in coloured] if sampling == "grey" else coloured
        for quality in (50, 95):
            files = backend.jpeg(many, quality, sampling)
            for image, file in zip(many, files, strict=True):
                same = pillow(image, quality, sampling, interval or jpeg.INTERVALS[sampling])
                assert file == same, f"JPEG {sampling} {interval} {threads} {window} q{quality} {image.shape}"


def grey(image):
    return np.repeat(image[..., :1], 3, axis=2)


def jobs():
    """Small jobs that reach every branch."""
    folded = Control(
        segments=np.array([[0, 1.2, 1.5, 3.3, 0.1], [9, 14.7, -1.5, 4.2, 0.0], [0, np.nan, 0, 0, 0], [5, 3, 1, 2, 1], [0, 1e300, 1e300, -9e9, 1]]),
        first=np.array([0, 2, 3, 4, 5]),
    )  # fmt: skip
    mask = {"mask": Source(pixels=pixels(9, 12, 14, np.uint8, 11), control=grid(9, 18, (0.5, 0.5)))}
    mask["hidden"] = np.arange(65536) % 3 == 0
    valid = np.random.default_rng(2).random((20, 24)) < 0.8
    size = {"height": 9, "width": 18, "source_height": 20, "source_width": 24}
    ramp = np.tile(np.arange(256, dtype=np.uint8)[:, None], (1, 4))
    for method in ("nearest", "bilinear", "cubic", "average"):
        for step in (0.6, 1.8):
            layers = [layer(i, 3, holes=0.3, step=step, **size) for i in range(3)]
            yield Job(
                layers=tuple(layers),
                recipe=recipe("a,b,c", rescale=((0, 9000),), resampling=method),
                height=9,
                width=18,
            )
        folds = Source(pixels=pixels(3, 20, 24, np.float32), valid=valid, control=folded, nodata=7.0)
        yield Job(
            layers=(Layer(sources=(folds,)),),
            recipe=recipe("a", rescale=((0, 9000),), palette=ramp, resampling=method),
            height=4,
            width=18,
        )
    masked = [Layer(sources=layer(i, 2, holes=0.3, **size).sources, **mask) for i in range(4)]
    index = recipe("where(a > b, (a - b) / (a + b), sqrt(-a))", rescale=((-1, 1),), palette=ramp)
    for reducer in ("first", "median", "mean", "max", "min"):
        yield Job(layers=tuple(masked), recipe=index, height=9, width=18, reducers=(reducer,))
    yield Job(
        layers=tuple(masked),
        recipe=recipe("a", classes={i: (i % 255, 1, 2, 255) for i in range(0, 9000, 7)}),
        height=9,
        width=18,
    )
    yield Job(
        layers=tuple(masked),
        recipe=recipe("a", intervals=((0, 4000, (1, 2, 3, 255)), (5000, 6000, (1, 2, 3, 9)))),
        height=9,
        width=18,
    )
    empty = Source(pixels=np.zeros((0, 5), np.uint8), control=grid(9, 18))
    yield Job(layers=(Layer(sources=(empty, None, empty)),), recipe=recipe("a,b,c"), height=9, width=18)
    yield Job(layers=(), recipe=recipe("a,b,c"), height=1, width=1)
    mixed = (
        *layer(1, 1, dtype=np.uint8, high=200, **size).sources,
        *layer(2, 1, dtype=np.float64, **size).sources,
        None,
    )
    yield Job(layers=(Layer(sources=mixed),), recipe=recipe("a,b,c", color_formula="gamma rgb 2"), height=9, width=18)


def check_pixels():
    """Pictures, values and warps against the reference."""
    every = [Job(layers=tuple(Layer(sources=one.sources[: len(j.recipe.variables)], mask=one.mask, hidden=one.hidden) for one in j.layers), recipe=j.recipe, height=j.height, width=j.width, reducers=j.reducers, format="png") for j in jobs()]  # fmt: skip
    for specialise in ("never", "now") if "special" in sys.argv else ("never",):
        backend = guarded_backend(specialise)
        for number, one in enumerate(every):
            expected = reference.shade(one)
            rgba = backend.shade(one).rgba()
            assert np.abs(rgba.astype(int) - expected).max(initial=0) <= 1, f"picture {number}"
            assert np.array_equal(rgba[..., 3] > 0, expected[..., 3] > 0), f"validity {number}"
            if one.layers:
                data, valid = reference.values(one)
                made, known = backend.values(one)
                assert np.array_equal(known, valid), f"validity of values {number}"
                assert np.allclose(made[:, valid], data[:, valid], equal_nan=True), f"values {number}"
        assert len(backend.draw(every)) == len(every)
        counts = [encoded.opaque for encoded in backend.draw(every)]
        assert counts == [bool((reference.shade(one)[..., 3] == 255).all()) for one in every], "counts"
        for dtype in ("int8", "uint32", "int32", "int16"):
            one = Source(pixels=pixels(5, 20, 24, dtype, 100), nodata=3, control=grid(9, 18, (1.3, 0.8), (-1, 2), 0.1))
            expected, valid = reference.warp(one, 9, 18, "bilinear")
            made, known = backend.warp(one, 9, 18, "bilinear")
            assert np.array_equal(known, valid), dtype
            assert np.array_equal(made, expected), dtype


def check_stripes():
    """Every byte of a picture in stripes and in pieces, of bands that are uploaded in the rows that they need."""
    backend = guarded_backend()
    size = {"height": 150, "width": 90, "source_height": 190, "source_width": 120}
    for method, step in (("nearest", 0.7), ("bilinear", 1.2), ("cubic", 1.2), ("average", 1.1)):
        bands = layer(1, 3, holes=0.2, step=step, **size).sources
        one = Job(
            layers=(Layer(sources=tuple(replace(band, pieces=(((0.8, 0.9),), ((0.5, 0.6),))) for band in bands)),),
            recipe=recipe("a,b,c", rescale=((0, 9000),), resampling=method),
            height=150,
            width=90,
            format="jpg",
        )
        pieces = []
        with backend._slot() as slot:
            backend._stripes.draw(slot, one, lambda piece: pieces.append(piece.tobytes()), count=4)  # noqa: B023
        assert len(pieces) == 4
        assert b"".join(pieces) == backend.draw([one])[0].content, f"stripes, {method}"


def check_statistics():
    """Exact ranks, also of equal, negative and few values."""
    backend = guarded_backend()
    rng = np.random.default_rng(3)
    for height, width, holes in ((9, 18, 0.3), (1, 1, 0.0), (40, 30, 0.0), (6, 6, 1.0)):
        data = pixels(4, height, width, np.float64, 100, holes) - 50
        data[: height // 2] = np.round(data[: height // 2], -1)
        one = Job(
            layers=(Layer(sources=(Source(pixels=data, nodata=-50.0),)),),
            recipe=recipe("a"),
            height=height,
            width=width,
        )
        for inside in (None, rng.random((height, width)) < 0.5):
            values = backend.values(one)[0][0]
            made, expected = backend.statistics(one, inside)[0], statistics(values, inside)
            for name in expected.__slots__:
                a, b = getattr(made, name), getattr(expected, name)
                assert np.isclose(a, b, rtol=1e-12, atol=1e-12, equal_nan=True), f"{name}: {a} {b}"


def main() -> None:
    if folder := os.environ.get("EMU_FOLDER"):
        sources.FOLDER = Path(folder)
    parts = {"jpeg": check_jpeg, "pixels": check_pixels, "stripes": check_stripes, "statistics": check_statistics}
    for name in [part for part in parts if part in sys.argv] or parts:
        parts[name]()
    print("every kernel is right")


if __name__ == "__main__":
    main()
