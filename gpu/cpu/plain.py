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

from gpu.backend import Job, Picture, Recipe, Source
from gpu.compiled import VALID, contiguous
from gpu.cpu.color import formula
from gpu.cpu.levels import Levels, interval, look_up_kernel, paint_kernel, picture, table_kernel
from gpu.cpu.nearest import first_rgb_kernel, level_kernel, rgb_kernel
from gpu.cpu.warp import LARGEST, warp, warp_alike

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
    dtype, size = source.pixels.dtype, source.pixels.size
    return dtype.kind in "iu" and dtype.itemsize <= 2 and dtype.isnative and 0 < size <= LARGEST


def shade(job: Job) -> Picture:
    """The picture of a job that fits and that `check_job` has passed."""
    bands = [job.recipe.variables.index(output.bands[0]) for output in job.recipe.expressions]
    if len(bands) == 1:
        return _single(job, bands[0])
    shape = (job.height, job.width)
    pixels, alpha = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
    for number, layer in enumerate(job.layers):
        if _paint([layer.sources[band] for band in bands], job, pixels, alpha, top=number == 0) == 0:
            break
    return Picture(pixels=pixels, alpha=alpha)


def _paint(sources: list[Source | None], job: Job, pixels: Bytes, alpha: Bytes, *, top: bool) -> int:
    """Three bands of a layer into what is still empty, all of it for the `top` one; returns how many pixels stay so."""
    recipe, alike = job.recipe, _alike(sources)
    if alike is not None and recipe.resampling == "nearest":
        tables = [table_of(source, recipe, index) for index, source in enumerate(alike)]
        windows = [_words(source.pixels) for source in alike]
        control = alike[0].control
        assert control is not None
        if top and job.width % 4 == 0 and windows[0].size <= job.height * job.width:
            words = pixels.reshape(job.height, -1).view(np.uint32), alpha.view(np.uint32)
            return int(first_rgb_kernel(*windows, *tables, control.segments, control.first, *words))
        return int(rgb_kernel(*windows, *tables, control.segments, control.first, pixels, alpha))
    if alike is not None:
        tables = [table_of(replace(source, nodata=None), recipe, index) for index, source in enumerate(alike)]
        stored, valid = zip(*warp_alike(alike, job.width, slice(0, job.height), recipe.resampling), strict=True)
        return int(look_up_kernel(*map(_words, stored), *map(contiguous, valid), *tables, pixels, alpha))
    levels = np.zeros((3, job.height, job.width), np.uint16)
    for index, source in enumerate(sources):
        _fill(source, job, index, levels[index])
    return int(paint_kernel(*levels, pixels, alpha))


def _alike(sources: list[Source | None]) -> list[Source] | None:
    """Three sources without masks that differ in their values only; None where they are not."""
    first = sources[0]
    if first is None or first.control is None:
        return None
    found = [
        source for source in sources
        if source is not None and source.control is first.control and source.valid is None
        and source.pixels.shape == first.pixels.shape and source.pixels.dtype == first.pixels.dtype
        and source.stretch == first.stretch and source.pieces == first.pieces
    ]  # fmt: skip
    return found if len(found) == len(sources) else None


def _single(job: Job, band: int) -> Picture:
    """One band as indices of a ramp, or grey."""
    levels = np.zeros((1, job.height, job.width), np.uint16)
    for layer in job.layers:
        if _fill(layer.sources[band], job, 0, levels[0]) == 0:
            break
    return picture(levels, job.recipe)


def _fill(source: Source | None, job: Job, index: int, levels: Levels) -> int:
    """Levels of an output where there is none yet; returns how many are still missing."""
    if source is None:
        return levels.size
    recipe, control = job.recipe, source.control
    if recipe.resampling == "nearest" and control is not None and source.valid is None:
        table = table_of(source, recipe, index)
        return int(level_kernel(_words(source.pixels), table, control.segments, control.first, levels))
    stored, valid = warp(source, job.width, slice(0, job.height), recipe.resampling)
    # between valid pixels the value that means nodata is as good as any
    table = table_of(replace(source, nodata=None), recipe, index)
    return int(table_kernel(_words(stored), contiguous(valid), table, levels))


def _words(pixels: NDArray[Any]) -> NDArray[Any]:
    """Contiguous, so that kernels are compiled for one layout only; unsigned, to index a table."""
    return contiguous(pixels).view(np.uint8 if pixels.dtype.itemsize == 1 else np.uint16)


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
