"""Loads (or, the first time on a machine, compiles) every kernel, so that no request waits for a compiler."""

from __future__ import annotations

from functools import cache
from threading import Thread

import numpy as np

from gpu.backend import Control, Job, Layer, Recipe, Source
from gpu.cpu import plain
from gpu.cpu.warp import KERNEL_TYPES, WORDS, warp
from gpu.expression import parse

SIDE = 4


@cache
def start() -> Thread:
    """Warms once per process beside what else a start has to do."""
    thread = Thread(target=warm, name="warm-kernels")
    thread.start()
    return thread


def warm() -> None:
    """Every kernel for every type of pixels."""
    rows = np.arange(SIDE)
    segments = np.column_stack([rows * 0.0, rows * 0.0 + 0.5, rows * 0.0 + 1.0, rows + 0.5, rows * 0.0])
    control = Control(segments=segments, first=np.arange(SIDE + 1))
    for word in WORDS.values():
        warp(_source(np.dtype(word).name, control), SIDE, slice(0, SIDE), "nearest")
    for name in KERNEL_TYPES:
        for resampling in ("bilinear", "average"):
            warp(_source(name, control), SIDE, slice(0, SIDE), resampling)
    bands = ("a", "b", "c")
    for outputs in (parse("a; b; c"), parse("a")):
        for name in ("uint8", "uint16"):
            recipe = Recipe(variables=bands, expressions=outputs, rescale=((0.0, 1.0),))
            layer = Layer(sources=tuple(_source(name, control) for _ in bands))
            plain.shade(Job(layers=(layer,), recipe=recipe, height=SIDE, width=SIDE))
    mixed = Layer(sources=(_source("uint8", control), None, None))
    plain.shade(
        Job(layers=(mixed,), recipe=Recipe(variables=bands, expressions=parse("a; b; c")), height=SIDE, width=SIDE)
    )


def _source(name: str, control: Control) -> Source:
    return Source(pixels=np.ones((SIDE, SIDE), name), nodata=0.0, control=control)
