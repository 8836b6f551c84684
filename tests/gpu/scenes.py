"""Small sources, layers and jobs for the tests."""

from __future__ import annotations

import numpy as np

from gpu.backend import Control, Job, Layer, Recipe, Source
from gpu.expression import parse


def grid(height, width, step=(1.0, 1.0), origin=(0.0, 0.0), turn=0.0, pieces=1):
    """Control of a plane: output pixel (row, column) lies at origin + step * (column + 0.5, row + 0.5), turned.

    Rows are cut into `pieces` segments, all on one line.
    """
    rows = []
    for row in range(height):
        for piece in range(pieces):
            start = piece * width // pieces
            x = origin[0] + step[0] * (start + 0.5) - turn * row
            y = origin[1] + step[1] * (row + 0.5) + turn * start
            rows.append((start, x, step[0], y, turn))
    segments = np.array(rows, np.float64).reshape(-1, 5)
    return Control(segments=segments, first=np.arange(height + 1, dtype=np.int64) * pieces)


def pixels(seed, height=40, width=44, dtype=np.uint16, high=10000, holes=0.0):
    """Smooth hills with noise; `holes` is the share of zeros."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0.1, 0.9, (height // 8 + 1, width // 8 + 1))
    data = np.kron(coarse, np.ones((8, 8)))[:height, :width] + rng.uniform(-0.1, 0.1, (height, width))
    data = data * high + 1
    data[rng.random((height, width)) < holes] = 0
    return data.astype(dtype)


def source(seed, height=24, width=28, step=1.0, **kwargs):
    """A band warped on a slightly turned grid that leaves the source on the right."""
    holes, dtype = kwargs.pop("holes", 0.0), kwargs.pop("dtype", np.uint16)
    high = kwargs.pop("high", 10000)
    size = (kwargs.pop("source_height", 40), kwargs.pop("source_width", 44))
    data = pixels(seed, *size, dtype=dtype, high=high, holes=holes)
    control = kwargs.pop("control", None) or grid(height, width, (step, step), (1.3, 0.7), 0.02, 3)
    return Source(pixels=data, nodata=kwargs.pop("nodata", 0), control=control, stretch=(1 / step, 1 / step), **kwargs)


def recipe(text, **kwargs):
    """A recipe of an expression's text."""
    expressions = parse(text)
    variables = tuple(dict.fromkeys(band for e in expressions for band in e.bands))
    plain = all(e.is_band for e in expressions)
    return Recipe(variables=variables, expressions=expressions, plain=plain, **kwargs)


def job(layers, recipe, height=24, width=28, **kwargs):
    """A job on the grid of `source`."""
    return Job(layers=tuple(layers), recipe=recipe, height=height, width=width, **kwargs)


def layer(seed, count, **kwargs):
    """A layer of `count` bands on one grid."""
    control = grid(
        kwargs.get("height", 24), kwargs.get("width", 28), (kwargs.get("step", 1.0),) * 2, (1.3, 0.7), 0.02, 3
    )
    return Layer(sources=tuple(source(seed + i, control=control, **kwargs) for i in range(count)))
