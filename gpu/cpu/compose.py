"""Layers to physical outputs: band maths, clouds hidden, one picture of many dates.

Arrays are (outputs, rows, width) float64 with NaN where an output is invalid.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Job, Layer, Recipe, Source
from gpu.compiled import jit
from gpu.cpu.interpreter import evaluate
from gpu.cpu.warp import physical, warp

Floats = NDArray[np.float64]

_REDUCERS: dict[str, Callable[..., Any]] = {
    "median": np.nanmedian,
    "mean": np.nanmean,
    "max": np.nanmax,
    "min": np.nanmin,
}


def compose(job: Job, rows: slice) -> Floats:
    """The recipe's outputs of some rows after layers and reducers."""
    reducers = job.reducers * len(job.recipe.expressions) if len(job.reducers) == 1 else job.reducers
    if not job.layers or all(reducer in ("first", "best") for reducer in reducers):
        return _first(job, rows)
    stack = np.stack([outputs(layer, job.recipe, job.width, rows) for layer in job.layers])
    top = _top(stack) if any(reducer in ("first", "best") for reducer in reducers) else stack[0]
    out = np.empty_like(stack[0])
    for index, reducer in enumerate(reducers):
        if reducer in ("first", "best"):
            out[index] = top[index]
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # columns without any value give NaN
                out[index] = _REDUCERS[reducer](stack[:, index], axis=0)
    return cast("Floats", out)


def validity(values: Floats, recipe: Recipe) -> NDArray[np.bool_]:
    """(rows, width): plain pictures need one valid output, expressions all."""
    known = ~np.isnan(values)
    ok: NDArray[np.bool_] = np.logical_or.reduce(known) if recipe.plain else np.logical_and.reduce(known)
    return ok


def outputs(layer: Layer, recipe: Recipe, width: int, rows: slice) -> Floats:
    """One layer's outputs, NaN where invalid or hidden."""
    shape = (rows.stop - rows.start, width)
    shown = _shown(layer, width, rows)
    bands = dict(zip(recipe.variables, layer.sources, strict=True))
    out = np.full((len(recipe.expressions), *shape), np.nan)
    if recipe.plain:
        for index, expression in enumerate(recipe.expressions):
            names = (expression.tree.name,)
            if bands[names[0]] is not None:
                evaluate(expression, names, *_values(bands, names, recipe, rows, shown.copy()), out[index])
    elif all(source is not None for source in layer.sources):
        values, valid = _values(bands, recipe.variables, recipe, rows, shown)
        for index, expression in enumerate(recipe.expressions):
            evaluate(expression, recipe.variables, values, valid, out[index])
    return out


def _values(
    bands: Mapping[str, Source | None], names: tuple[str, ...], recipe: Recipe, rows: slice, shown: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    """(names, rows, width) physical values; `shown` stays where all are valid."""
    values = np.empty((len(names), *shown.shape))
    for name, plane in zip(names, values, strict=True):
        source = bands[name]
        if source is not None:
            physical(source, rows, recipe.resampling, unscale=recipe.unscale, values=plane, valid=shown)
    return values, shown


def _shown(layer: Layer, width: int, rows: slice) -> NDArray[np.bool_]:
    """Where the layer's mask hides nothing; where the mask has no value nothing is hidden."""
    if layer.mask is None or layer.hidden is None:
        return np.ones((rows.stop - rows.start, width), np.bool_)
    stored, valid = warp(layer.mask, width, rows, "nearest")
    if stored.dtype.kind == "f":
        stored = np.clip(stored, 0, len(layer.hidden) - 1).astype(np.int64)
    hidden: NDArray[np.bool_] = np.take(layer.hidden, stored, mode="clip") & valid
    return ~hidden


def _first(job: Job, rows: slice) -> Floats:
    """The top valid pixel wins; layers below are not even looked at once all is filled."""
    recipe = job.recipe
    if len(job.layers) == 1 and (recipe.plain or len(recipe.expressions) == 1):
        return outputs(job.layers[0], recipe, job.width, rows)
    out = np.full((len(recipe.expressions), rows.stop - rows.start, job.width), np.nan)
    for layer in job.layers:
        if fill_kernel(outputs(layer, recipe, job.width, rows), not recipe.plain, out) == 0:
            break
    return out


@jit  # type: ignore[untyped-decorator]
def fill_kernel(values: Floats, every: bool, out: Floats) -> int:  # noqa: FBT001
    """Moves pixels to where all outputs are still NaN; returns how many stay so.

    `every`: only pixels that have all outputs, else those that have any.
    """
    outputs, height, width = out.shape
    missing = 0
    for r in range(height):
        for c in range(width):
            filled, known = 0, 0
            for output in range(outputs):
                filled += not np.isnan(out[output, r, c])
                known += not np.isnan(values[output, r, c])
            if filled > 0:
                continue
            if known == outputs or (known > 0 and not every):
                out[:, r, c] = values[:, r, c]
            else:
                missing += 1
    return missing


def _top(stack: Floats) -> Floats:
    """Per output the first layer that is not NaN: the layers are the first axis."""
    place = np.argmax(~np.isnan(stack), axis=0)
    top: Floats = np.take_along_axis(stack, place[None], axis=0)[0]
    return top
