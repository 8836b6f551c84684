"""No request waits for a compiler: what warming compiles is all that any job needs."""

from __future__ import annotations

import itertools
from types import ModuleType

import numpy as np
import pytest

from gpu import scanlines
from gpu.backend import Job, Layer, Source
from gpu.cpu import CpuBackend, compose, decimate, interpreter, levels, nearest, smooth, warming
from gpu.cpu.warp import WIDE
from tests.gpu.scenes import grid, layer, pixels, recipe
from tests.gpu.test_jobs import JOBS

MODULES: tuple[ModuleType, ...] = (compose, decimate, interpreter, levels, nearest, scanlines, smooth)


def compiled() -> dict[str, int]:
    """How many variants of each loop there are."""
    return {
        name: len(function.signatures)
        for module in MODULES
        for name, function in vars(module).items()
        if hasattr(function, "signatures")
    }


@pytest.fixture(scope="module")
def backend() -> CpuBackend:
    warming.start().join()
    return CpuBackend()


def read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


LAYOUTS = {
    "read-only": read_only,
    "strided": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "Fortran": np.asfortranarray,
    "other byte order": lambda array: array.astype(array.dtype.newbyteorder()),
}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "int32", ">u2"])
@pytest.mark.parametrize("nodata", [None, 0.0])
def test_bands_from_finer_pictures(backend: CpuBackend, dtype: str, nodata: float | None) -> None:
    before = compiled()
    pixels = np.arange(64).reshape(8, 8).astype(dtype)
    for valid in (np.ones((8, 8), np.bool_), pixels % 3 != 0):
        for resampling in ("bilinear", "cubic"):
            decimate.decimated(pixels, valid, (5, 6), resampling, nodata)
    assert compiled() == before


def test_jobs_of_all_kinds(backend: CpuBackend) -> None:
    before = compiled()
    assert len(before) > 10
    for job in JOBS.values():
        picture = backend.shade(job)
        backend.values(job)
        for kind in ("jpg", "png", "auto"):
            backend.encode(picture, kind, 85, (1, 2, 3))
    assert compiled() == before


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float32", "float64"]
)
@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
def test_types_and_layouts(backend: CpuBackend, dtype: str, resampling: str) -> None:
    """And the layout of the pixels in memory changes nothing that is seen."""
    before = compiled()
    for text, holes in itertools.product(("a", "a; b; a", "(a - b) / (a + b)"), (False, True)):
        made = []
        for change in (lambda array: array, *LAYOUTS.values()):
            data = pixels(3, dtype=dtype, high=100)
            valid = change(data > 30) if holes else None
            sources = (Source(pixels=change(data), valid=valid, nodata=50, control=grid(24, 28, (1.3, 1.2))),) * 2
            made.append(
                backend.shade(
                    Job(
                        layers=(Layer(sources=sources[: 1 + ("b" in text)]),),
                        recipe=recipe(text, rescale=((0, 100),), resampling=resampling), height=24, width=28,
                    )
                )
            )  # fmt: skip
        for one in made[1:]:
            np.testing.assert_array_equal(one.rgba(), made[0].rgba())
    assert compiled() == before


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
def test_large_windows(backend: CpuBackend, resampling: str) -> None:
    before = compiled()
    for dtype in ("uint16", "float32", "float64"):
        wide = Source(pixels=np.ones((1, WIDE + 1), dtype), control=grid(24, 28))
        for text in ("a; a; a", "a + 1"):
            one = Layer(sources=(wide,))
            backend.shade(Job(layers=(one,), recipe=recipe(text, resampling=resampling), height=24, width=28))
    assert compiled() == before


def test_numbers_as_integers(backend: CpuBackend) -> None:
    """A catalog may say scale 1 where a float is meant."""
    before = compiled()
    one = layer(1, 2, scale=2, offset=1)
    backend.shade(Job(layers=(one,), recipe=recipe("a + b", rescale=((0, 30000),)), height=24, width=28))
    assert compiled() == before
