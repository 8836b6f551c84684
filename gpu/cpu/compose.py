"""Layers to physical outputs: band maths, clouds hidden, one picture of many dates.

Arrays are (outputs, rows, width) float64 with NaN where an output is invalid.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Job, Layer, Recipe
from gpu.cpu.warp import warp

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
    out = np.full((len(recipe.expressions), *shape), np.nan)
    hidden = _hidden(layer, width, rows)
    values, valid = {}, {}
    for name, source in zip(recipe.variables, layer.sources, strict=True):
        if source is None:
            if not recipe.plain:
                return out
            values[name], valid[name] = np.zeros(shape), np.zeros(shape, np.bool_)
            continue
        stored, valid[name] = warp(source, width, rows, recipe.resampling)
        values[name] = stored.astype(np.float64)
        if recipe.unscale and (source.scale, source.offset) != (1.0, 0.0):
            values[name] = values[name] * source.scale + source.offset
    everywhere = np.logical_and.reduce(list(valid.values())) if valid else np.ones(shape, np.bool_)
    for index, expression in enumerate(recipe.expressions):
        result = expression.numpy(values)
        ok = valid[expression.tree.name] if recipe.plain else everywhere
        if hidden is not None:
            ok = ok & ~hidden
        np.copyto(out[index], result, where=ok & np.isfinite(result))
    return out


def _hidden(layer: Layer, width: int, rows: slice) -> NDArray[np.bool_] | None:
    """Where the layer's mask hides a pixel; where the mask has no value nothing is hidden."""
    if layer.mask is None or layer.hidden is None:
        return None
    stored, valid = warp(layer.mask, width, rows, "nearest")
    classes = np.clip(stored, 0, len(layer.hidden) - 1).astype(np.int64)
    hidden: NDArray[np.bool_] = layer.hidden[classes] & valid
    return hidden


def _first(job: Job, rows: slice) -> Floats:
    """The top valid pixel wins; layers below are not even looked at once all is filled."""
    out = np.full((len(job.recipe.expressions), rows.stop - rows.start, job.width), np.nan)
    missing = np.ones(out.shape[1:], np.bool_)
    for layer in job.layers:
        values = outputs(layer, job.recipe, job.width, rows)
        take = missing & validity(values, job.recipe)
        out[:, take] = values[:, take]
        missing &= ~take
        if not missing.any():
            break
    return out


def _top(stack: Floats) -> Floats:
    """Per output the first layer that is not NaN: the layers are the first axis."""
    place = np.argmax(~np.isnan(stack), axis=0)
    top: Floats = np.take_along_axis(stack, place[None], axis=0)[0]
    return top
