"""A recipe as the kernels see it, worked out once and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Recipe, Reducer
from gpu.cuda import colours, descriptors
from gpu.cuda.descriptors import CLASSES, INTERVALS, RAMP, REDUCERS, RESAMPLINGS, RGB
from gpu.cuda.kernels import Variant, variant

Put = Callable[[NDArray[Any]], int]
Keep = Callable[[Hashable, NDArray[Any]], int]


class UnsupportedError(ValueError):
    """A job that the kernels do not do; the CPU does it."""


@dataclass(slots=True)
class Style:
    """What the kernels need of a recipe."""

    recipe: Recipe
    mode: int
    palette: NDArray[np.uint8] | None
    """(n, 4) RGBA when a picture is of palette indices."""
    intervals: list[tuple[float, float]] | None
    """Of each variable, when stored values can become colours by tables; None: computed."""
    _variants: dict[tuple[str, int | None, bool, bool], Variant] = field(default_factory=dict)
    _row: NDArray[Any] | None = None
    _data: tuple[NDArray[Any], ...] = ()

    @property
    def discrete(self) -> bool:
        """Classes have fewer than 256 colours; ramps have all."""
        return self.palette is not None and len(self.palette) < 256

    @property
    def tabled(self) -> bool:
        """Stored values may go straight to bytes, up to four in a word."""
        recipe = self.recipe
        few = len(recipe.variables) <= 4 and recipe.resampling == "nearest"
        return few and self.mode == RGB and self.intervals is not None

    def variant(self, kernel: str, pixel: int | None, *, reduced: bool, tabled: bool) -> Variant:
        """The compiled kernel to ask for; `tabled`: every band of the job has a table."""
        tabled = tabled and kernel == "shade" and self.tabled and not reduced
        key = (kernel, pixel, reduced, tabled)
        if key not in self._variants:
            wanted = variant(kernel, self.recipe, pixel, reduced=reduced, mode=self.mode, tabled=tabled)
            self._variants[key] = wanted
        return self._variants[key]

    def row(self, put: Put, keep: Keep) -> NDArray[Any]:
        """(1,) of descriptors.JOB with all that the recipe decides; `put` and `keep` bring its tables up."""
        if self._row is None:
            self._row, self._data = _row(self.recipe, self.mode)
        row = self._row.copy()
        for name, data in zip(("program", "ranges", "keys", "palette"), self._data, strict=True):
            row[name] = put(data)
        if self.recipe.color_formula and self.mode == RGB:
            curves = colours.curves(self.recipe.color_formula)
            row["curves"] = 0 if curves is None else keep(("curves", self.recipe.color_formula), curves)
        return row


class Styles:
    """Styles of the recipes last seen. Not thread-safe: each slot has its own."""

    LIMIT = 128

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Style] = OrderedDict()

    def of(self, recipe: Recipe) -> Style:
        """By content: recipes that came through a pipe are never the same objects."""
        key = _key(recipe)
        style = self._known.get(key)
        if style is None:
            mode = mode_of(recipe)
            style = self._known[key] = Style(recipe, mode, _palette(recipe, mode), _intervals(recipe, mode))
            if len(self._known) > self.LIMIT:
                self._known.popitem(last=False)
        return style


def mode_of(recipe: Recipe) -> int:
    """How a recipe's outputs become colours."""
    if recipe.classes is not None:
        return CLASSES
    if recipe.intervals:
        return INTERVALS
    return RAMP if recipe.palette is not None and len(recipe.expressions) == 1 else RGB


def reducers_of(reducers: Sequence[Reducer], outputs: int) -> bytes:
    """The number of each output's reducer, in a field of MAX_OUTPUTS."""
    if len(reducers) not in (1, outputs):
        raise UnsupportedError("one reducer, or one for each output")
    each = bytes(REDUCERS[reducer] for reducer in reducers)
    return (each * outputs if len(each) == 1 else each).ljust(descriptors.MAX_OUTPUTS, b"\0")


def _key(recipe: Recipe) -> Hashable:
    return (
        recipe.variables,
        recipe.expressions,
        recipe.plain,
        recipe.rescale,
        None if recipe.palette is None else recipe.palette.tobytes(),
        None if recipe.classes is None else tuple(recipe.classes.items()),
        recipe.intervals,
        recipe.color_formula,
        recipe.resampling,
        recipe.unscale,
    )


def _palette(recipe: Recipe, mode: int) -> NDArray[np.uint8] | None:
    if mode in (RGB, RAMP):
        return recipe.palette if mode == RAMP else None
    if mode == CLASSES:
        rgba = colours.classes(recipe)[1]
    else:
        rgba = np.array([colour for _, _, colour in recipe.intervals], np.uint8)
    if len(rgba) > 255:
        return None
    return rgba if len(rgba) else np.zeros((1, 4), np.uint8)


def _intervals(recipe: Recipe, mode: int) -> list[tuple[float, float]] | None:
    """None also where one variable has several."""
    if not recipe.plain or mode not in (RGB, RAMP):
        return None
    found: dict[str, tuple[float, float]] = {}
    for output, expression in enumerate(recipe.expressions):
        wanted = colours.interval(recipe, output)
        if found.setdefault(expression.tree.name, wanted) != wanted:
            return None
    return [found.get(name, (0.0, 255.0)) for name in recipe.variables]


def _row(recipe: Recipe, mode: int) -> tuple[NDArray[Any], tuple[NDArray[Any], ...]]:
    """The recipe's part of descriptors.JOB without addresses, and what is to be put: program, ranges, keys, palette."""
    outputs, variables = len(recipe.expressions), recipe.variables
    program, ends = _program(recipe)
    ranges, keys, palette = _colours(recipe, mode)
    every = (1 << len(variables)) - 1
    places = {name: 1 << i for i, name in enumerate(variables)}
    used = [places[e.tree.name] if recipe.plain else every for e in recipe.expressions]
    row = np.zeros(1, descriptors.JOB)
    row["variables"], row["outputs"] = len(variables), outputs
    row["resampling"], row["plain"] = RESAMPLINGS[recipe.resampling], recipe.plain
    row["mode"], row["palette_size"] = mode, len(palette)
    row["program_end"][0, :outputs] = ends
    row["used"][0, :outputs] = used
    row["used"][0, -1] = every
    return row, (program, ranges, keys, palette)


def _program(recipe: Recipe) -> tuple[NDArray[Any], list[int]]:
    steps, ends = [], []
    for expression in recipe.expressions:
        steps += [(operand, code, 0) for code, operand in expression.program(recipe.variables)]
        ends.append(len(steps))
    return np.array(steps, descriptors.INSTRUCTION), ends


def _colours(recipe: Recipe, mode: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Ranges, keys and palette."""
    none = np.zeros(0, np.float64)
    if mode == CLASSES:
        keys, rgba = colours.classes(recipe)
        return none, keys, colours.rgba_words(rgba)
    if mode == INTERVALS:
        bounds = np.array([(low, high) for low, high, _ in recipe.intervals], np.float64)
        rgba = np.array([colour for _, _, colour in recipe.intervals], np.uint8)
        return bounds, none, colours.rgba_words(rgba)
    ranges = np.array([colours.interval(recipe, o) for o in range(len(recipe.expressions))], np.float64)
    palette = np.zeros(0, np.uint32) if mode == RGB else colours.rgba_words(recipe.palette)  # type: ignore[arg-type]
    return ranges, none, palette
