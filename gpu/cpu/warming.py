"""Loads (or, the first time on a machine, compiles) every kernel, so that no request waits for a compiler."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from threading import Thread

import numpy as np

from gpu.backend import Control, Format, Job, Layer, Picture, Recipe, Resampling, Source
from gpu.cpu import color, compose, plain
from gpu.cpu.decimate import smoothed_twice
from gpu.cpu.warp import KERNEL_TYPES, WIDE, WORDS, warp
from gpu.encode import encode
from gpu.expression import parse

SIDE = 4
SMOOTH: tuple[Resampling, ...] = ("bilinear", "average")
FORMATS: tuple[Format, ...] = ("jpg", "png")
RAMP = np.full((256, 4), 255, np.uint8)


@cache
def start() -> Thread:
    """Warms once per process beside what else a start has to do."""
    thread = Thread(target=warm, name="warm-kernels")
    thread.start()
    return thread


def warm() -> None:
    """Every kernel for every type of pixels."""
    for word in WORDS.values():
        warp(_source(word, nodata=None), SIDE, slice(0, SIDE), "nearest")
    for name in KERNEL_TYPES:
        _sums(name)
    large = replace(_source("uint8"), pixels=np.ones((1, WIDE + 1), np.uint8))
    for source in (_source("uint8"), large):
        for resampling in SMOOTH:
            warp(source, SIDE, slice(0, SIDE), resampling)
    smoothed_twice(_source("uint8"), (SIDE, SIDE), (SIDE - 1, SIDE - 1), "bilinear")
    for name in ("uint8", "uint16"):
        whole, masked = _source(name), replace(_source(name), valid=np.ones((SIDE, SIDE), np.bool_))
        _plain("a; b; c", "nearest", whole, whole, whole)
        _plain("a; b; c", "bilinear", whole, whole, whole)
        _plain("a; b; c", "nearest", whole, masked, None)
        _plain("a", "nearest", whole, None, None)
    _encoders()


def _plain(text: str, resampling: Resampling, *sources: Source | None) -> None:
    """Bands as they are, by tables."""
    recipe = Recipe(variables=("a", "b", "c"), expressions=parse(text), palette=RAMP, resampling=resampling)
    for width in (SIDE, SIDE + 1):  # with and without a loop for words of four pixels
        plain.shade(Job(layers=(Layer(sources=sources),), recipe=recipe, height=SIDE, width=width))


def _sums(name: str) -> None:
    """Band maths of two layers, in grey and with a ramp."""
    layer = Layer(sources=(_source(name), _source(name)))
    for text, palette in (("a + b", RAMP), ("a + b", None), ("a; b; a + b", None)):
        recipe = Recipe(variables=("a", "b"), expressions=parse(text), plain=False, palette=palette)
        job = Job(layers=(layer, layer), recipe=recipe, height=SIDE, width=SIDE)
        color.paint(compose.compose(job, slice(0, SIDE)), recipe)


def _encoders() -> None:
    """Pictures that are not opaque, with and without a ramp."""
    shape = (SIDE, SIDE)
    alpha = np.arange(SIDE * SIDE, dtype=np.uint8).reshape(shape)
    indices = Picture(pixels=np.zeros(shape, np.uint8), alpha=alpha, palette=RAMP)
    for picture in (indices, Picture(pixels=np.zeros((*shape, 3), np.uint8), alpha=alpha)):
        for kind in FORMATS:
            encode(picture, kind, 85, (255, 255, 255))


def _source(kind: type | str, nodata: float | None = 0.0) -> Source:
    rows = np.arange(SIDE)
    segments = np.column_stack([rows * 0.0, rows * 0.0 + 0.5, rows * 0.0 + 1.0, rows + 0.5, rows * 0.0])
    control = Control(segments=segments, first=np.arange(SIDE + 1))
    return Source(pixels=np.ones((SIDE, SIDE), kind), nodata=nodata, control=control)
