"""The short way for 8 and 16 bit bands that are shown as they are: one table from stored value to grey level.

Most tiles of a map are this. Gives the very picture that `compose` and `color` give.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Job, Layer, Picture, Recipe, Source
from gpu.cpu.color import formula, interval
from gpu.cpu.kernels import level_kernel, paint_kernel, rgb_kernel
from gpu.cpu.warp import warp

VALID = 256
"""Bit of a table's entry that says that the stored value means something; the level is below it."""
Levels = NDArray[np.uint16]
Bytes = NDArray[np.uint8]


def fits(job: Job) -> bool:
    """Can this job go the short way."""
    recipe = job.recipe
    simple = recipe.plain and recipe.classes is None and not recipe.intervals
    if recipe.color_formula and (len(recipe.expressions) != 3 or curves(recipe.color_formula) is None):
        return False
    if not simple or len(recipe.expressions) not in (1, 3) or not set(job.reducers) <= {"first", "best"}:
        return False
    sources = [source for layer in job.layers for source in layer.sources if source is not None]
    return all(layer.mask is None for layer in job.layers) and all(_small(source) for source in sources)


def _small(source: Source) -> bool:
    dtype = source.pixels.dtype
    return dtype.kind in "iu" and dtype.itemsize <= 2 and dtype.isnative and 0 not in source.pixels.shape


def shade(job: Job) -> Picture:
    """The picture of a job that fits."""
    shape = (job.height, job.width)
    bands = [job.recipe.variables.index(output.bands[0]) for output in job.recipe.expressions]
    if len(bands) == 1:
        return _single(job, bands[0])
    pixels, alpha = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
    for layer in job.layers:
        if _paint(layer, bands, job, pixels, alpha) == 0:
            break
    return Picture(pixels=pixels, alpha=alpha)


def _paint(layer: Layer, bands: list[int], job: Job, pixels: Bytes, alpha: Bytes) -> int:
    """Three bands of a layer into what is still empty; returns how many pixels stay so."""
    sources = [layer.sources[band] for band in bands]
    red, green, blue = sources
    if job.recipe.resampling == "nearest" and red is not None and green is not None and blue is not None:
        control = red.control
        alike = all(
            source.control is control and source.valid is None and source.pixels.shape == red.pixels.shape
            and source.pixels.dtype.itemsize == red.pixels.dtype.itemsize
            for source in (red, green, blue)
        )  # fmt: skip
        if alike and control is not None:
            tables = [table_of(source, job.recipe, index) for index, source in enumerate((red, green, blue))]
            windows = [_words(source.pixels) for source in (red, green, blue)]
            return int(rgb_kernel(*windows, *tables, control.segments, control.first, pixels, alpha))
    levels = [_levels(source, job, index) for index, source in enumerate(sources)]
    return int(paint_kernel(*levels, pixels, alpha))


def _single(job: Job, band: int) -> Picture:
    """One band as indices of a ramp, or grey."""
    recipe = job.recipe
    out = np.zeros((job.height, job.width), np.uint16)
    for layer in job.layers:
        levels = _levels(layer.sources[band], job, 0)
        out = np.where(out & VALID, out, levels) if out.any() else levels
        if (out >= VALID).all():
            break
    pixels, valid = out.astype(np.uint8), out >= VALID
    if recipe.palette is not None:
        alpha = np.where(valid, recipe.palette[pixels, 3], np.uint8(0))
        return Picture(pixels=pixels, alpha=alpha, palette=recipe.palette)
    return Picture(pixels=np.repeat(pixels[..., None], 3, axis=2), alpha=valid.astype(np.uint8) * np.uint8(255))


def _levels(source: Source | None, job: Job, index: int) -> Levels:
    """Level and VALID of one band on the output grid."""
    shape = (job.height, job.width)
    if source is None:
        return np.zeros(shape, np.uint16)
    if job.recipe.resampling == "nearest" and source.control is not None and source.valid is None:
        table = table_of(source, job.recipe, index)
        out = np.empty(shape, np.uint16)
        control = source.control
        level_kernel(_words(source.pixels), table, control.segments, control.first, out)
        return out
    stored, valid = warp(source, job.width, slice(0, job.height), job.recipe.resampling)
    # between valid pixels the value that means nodata is as good as any
    table = table_of(replace(source, nodata=None), job.recipe, index)
    return np.where(valid, np.take(table, _words(stored)), np.uint16(0))


def _words(pixels: NDArray[Any]) -> NDArray[Any]:
    """Contiguous, so that kernels are compiled for one layout only; unsigned, to index a table."""
    return np.ascontiguousarray(pixels).view(np.uint8 if pixels.dtype.itemsize == 1 else np.uint16)


def table_of(source: Source, recipe: Recipe, index: int) -> Levels:
    """The table of a band; signed values are at their two's complement."""
    low, high = interval(recipe, index)
    scale, offset = (source.scale, source.offset) if recipe.unscale else (1.0, 0.0)
    bend = (recipe.color_formula, index) if recipe.color_formula else None
    return _table(source.pixels.dtype.str, source.nodata, scale, offset, low, high, bend)


@lru_cache(128)
def curves(text: str) -> Bytes | None:
    """(3, 256): what a colour formula makes of each level of each channel; None when it mixes channels.

    Every operation rounds to 8 bits, so a table of levels is exact.
    """
    if "sat" in text.lower():
        return None
    return formula(np.broadcast_to(np.arange(256, dtype=np.uint8), (3, 1, 256)).copy(), text)[:, 0]


@lru_cache(256)
def _table(
    dtype: str, nodata: float | None, scale: float, offset: float, low: float, high: float, bend: tuple[str, int] | None
) -> Levels:
    kind = np.dtype(dtype)
    count = 1 << 8 * kind.itemsize
    stored = np.arange(count).astype(f"u{kind.itemsize}").view(kind)
    value = stored.astype(np.float64)
    if (scale, offset) != (1.0, 0.0):
        value = value * scale + offset
    known = np.isfinite(value)
    if nodata is not None and not math.isnan(nodata):
        known &= stored != nodata
    with np.errstate(invalid="ignore"):
        level = (np.clip(value, low, high) - low) / (high - low) * 255.0
    bytes_of = np.nan_to_num(level, nan=0.0).astype(np.uint8)
    if bend is not None and (bent := curves(bend[0])) is not None:
        bytes_of = bent[bend[1]][bytes_of]
    return np.where(known, bytes_of + np.uint16(VALID), 0).astype(np.uint16)
