"""Jobs to descriptors: what the kernels read, packed for one upload."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Control, Job, Layer, Recipe, Source
from gpu.cuda import colours, descriptors
from gpu.cuda.descriptors import (
    CLASSES,
    INTERVALS,
    MAX_LAYERS,
    MAX_OUTPUTS,
    MAX_VARIABLES,
    PIXEL_TYPES,
    RAMP,
    REDUCERS,
    RESAMPLINGS,
    RGB,
)  # fmt: skip

Put = Callable[[NDArray[Any]], int]
Keep = Callable[[Hashable, NDArray[Any]], int]


class UnsupportedError(ValueError):
    """A job that the kernels do not do; the CPU does it."""


@dataclass(slots=True)
class Target:
    """Where a job's result goes on the device."""

    pixels: int = 0
    indices: int = 0
    values: int = 0
    valid: int = 0
    counts: int = 0


def check(job: Job, *, shading: bool) -> None:
    """Raises UnsupportedError for what only the CPU does."""
    recipe = job.recipe
    outputs = len(recipe.expressions)
    if len(recipe.variables) > MAX_VARIABLES or not 1 <= outputs <= MAX_OUTPUTS:
        raise UnsupportedError("too many bands or outputs")
    if shading and (outputs not in (1, 3) or job.height < 1 or job.width < 1):
        raise UnsupportedError("a picture has one or three outputs and at least one pixel")
    if "median" in job.reducers and len(job.layers) > MAX_LAYERS:
        raise UnsupportedError("too many layers for a median")
    if shading and recipe.color_formula and _mode(recipe) == RGB and colours.curves(recipe.color_formula) is None:
        raise UnsupportedError("the colour formula mixes channels")
    for layer in job.layers:
        for source in (*layer.sources, layer.mask):
            if source is not None and source.pixels.dtype.newbyteorder("=") not in PIXEL_TYPES:
                raise UnsupportedError("a pixel type without a kernel")


def pixel_types(jobs: Sequence[Job]) -> set[int]:
    """The types of all bands of all layers."""
    return {
        PIXEL_TYPES[source.pixels.dtype.newbyteorder("=")]
        for job in jobs
        for layer in job.layers
        for source in (*layer.sources, layer.mask)
        if source is not None
    }


def is_reduced(job: Job) -> bool:
    """Several layers are mixed in one pixel."""
    return any(reducer not in ("first", "best") for reducer in job.reducers)


def _mode(recipe: Recipe) -> int:
    if recipe.classes is not None:
        return CLASSES
    if recipe.intervals:
        return INTERVALS
    return RAMP if recipe.palette is not None and len(recipe.expressions) == 1 else RGB


@dataclass(slots=True)
class Plan:
    """Descriptors of a batch in the making. `put` copies an array up, `keep` does so once for each key."""

    put: Put
    keep: Keep
    _controls: dict[int, tuple[int, int]] = field(default_factory=dict)

    def jobs(self, jobs: Sequence[Job], targets: Sequence[Target]) -> int:
        """The address of the packed array of Job."""
        packed = b"".join(self._job(job, target) for job, target in zip(jobs, targets, strict=True))
        return self.put(np.frombuffer(packed, np.uint8))

    def source(self, source: Source) -> int:
        """The address of one Source, as stored."""
        return self.put(np.frombuffer(self._source(source, None, 0), np.uint8))

    def _job(self, job: Job, target: Target) -> bytes:
        recipe = job.recipe
        outputs = len(recipe.expressions)
        mode, reduced = _mode(recipe), is_reduced(job)
        tables = None if target.values else self._tables(job, mode, reduced=reduced)
        sources, layers = self._layers(job, tables)
        program, ends = _program(recipe)
        ranges, keys, palette = self._colours(recipe, mode)
        curves = colours.curves(recipe.color_formula) if recipe.color_formula and mode == RGB else None
        reducers = job.reducers * outputs if len(job.reducers) == 1 else job.reducers
        if len(reducers) != outputs:
            raise UnsupportedError("one reducer, or one for each output")
        every = (1 << len(recipe.variables)) - 1
        places = {name: 1 << i for i, name in enumerate(recipe.variables)}
        used = [places[e.tree.name] if recipe.plain else every for e in recipe.expressions]
        return descriptors.JOB.pack(
            sources,
            layers,
            self.put(program),
            self.put(ranges),
            self.put(keys),
            self.put(palette),
            0 if curves is None else self.keep(("curves", recipe.color_formula), curves),
            target.pixels,
            target.indices,
            target.values,
            target.valid,
            target.counts,
            len(job.layers),
            len(recipe.variables),
            outputs,
            job.width,
            job.height,
            RESAMPLINGS[recipe.resampling],
            recipe.plain,
            recipe.unscale and tables is None,
            reduced,
            mode,
            len(palette),
            bytes(REDUCERS[reducer] for reducer in reducers),
            *_padded(ends, MAX_OUTPUTS),
            *_padded(used, MAX_OUTPUTS),
            every,
        )

    def _tables(self, job: Job, mode: int, *, reduced: bool) -> list[tuple[float, float]] | None:
        """The interval of each variable when stored values become colours by tables; None: computed."""
        recipe = job.recipe
        sources = [source for layer in job.layers for source in layer.sources if source is not None]
        if reduced or not recipe.plain or mode not in (RGB, RAMP):
            return None
        if any(source.pixels.dtype.newbyteorder("=") not in colours.TABLE_TYPES for source in sources):
            return None
        intervals: dict[str, tuple[float, float]] = {}
        for output, expression in enumerate(recipe.expressions):
            wanted = colours.interval(recipe, output)
            if intervals.setdefault(expression.tree.name, wanted) != wanted:
                return None
        return [intervals.get(name, (0.0, 255.0)) for name in recipe.variables]

    def _layers(self, job: Job, tables: list[tuple[float, float]] | None) -> tuple[int, int]:
        sources: list[bytes] = []
        layers = []
        for layer in job.layers:
            first = len(sources)
            before: Control | None = None
            for variable, source in enumerate(layer.sources):
                if source is None:
                    sources.append(descriptors.NO_SOURCE)
                    continue
                table = None if tables is None else self._table(source, job.recipe, tables[variable])
                same = before is not None and source.control is before
                sources.append(self._source(source, table, int(same)))
                before = source.control
            layers.append(self._layer(layer, sources, first))
        empty = np.zeros(1, np.uint8)
        return (
            self.put(np.frombuffer(b"".join(sources), np.uint8) if sources else empty),
            self.put(np.frombuffer(b"".join(layers), np.uint8) if layers else empty),
        )

    def _layer(self, layer: Layer, sources: list[bytes], first: int) -> bytes:
        if layer.mask is None or layer.hidden is None:
            return descriptors.LAYER.pack(0, first, 0)
        hidden = np.zeros(65536, np.uint8)
        hidden[: len(layer.hidden)] = layer.hidden[:65536]
        hidden[len(layer.hidden) :] = hidden[len(layer.hidden) - 1]
        sources.append(self._source(layer.mask, None, 0))
        address = self.keep(("hidden", hidden.tobytes()), hidden)
        return descriptors.LAYER.pack(address, first, len(sources) - 1)

    def _source(self, source: Source, table: int | None, same_place: int) -> bytes:
        pixels = source.pixels
        height, width = pixels.shape
        if pixels.size == 0:
            return descriptors.NO_SOURCE
        dtype = pixels.dtype.newbyteorder("=")
        pixels = np.ascontiguousarray(pixels, dtype)
        segments, first = self._control(source.control)
        nodata = source.nodata
        if nodata is not None and dtype.kind == "f" and math.isfinite(nodata):
            nodata = float(dtype.type(nodata))
        has_nodata = nodata is not None and not math.isnan(nodata)
        valid = None if source.valid is None else np.ascontiguousarray(source.valid).view(np.uint8)
        low = 0 if dtype.kind == "f" else int(np.iinfo(dtype).min)
        return descriptors.SOURCE.pack(
            self._pixels("pixels", source.key, pixels),
            0 if valid is None else self._pixels("valid", source.key, valid),
            segments,
            first,
            table or 0,
            pixels.strides[0],
            nodata if nodata is not None and has_nodata else 0.0,
            source.scale,
            source.offset,
            *(_sane(stretch) for stretch in source.stretch),
            width,
            height,
            PIXEL_TYPES[dtype],
            has_nodata,
            same_place,
            low if table else 0,
        )

    def _pixels(self, kind: str, key: Hashable, data: NDArray[Any]) -> int:
        return self.put(data) if key is None else self.keep((kind, key, data.shape, data.dtype.str), data)

    def _control(self, control: Control | None) -> tuple[int, int]:
        if control is None:
            return 0, 0
        found = self._controls.get(id(control))
        if found is None:
            found = (
                self.put(np.asarray(control.segments, np.float64)),
                self.put(np.asarray(control.first, np.int64)),
            )
            self._controls[id(control)] = found
        return found

    def _table(self, source: Source, recipe: Recipe, interval: tuple[float, float]) -> int:
        dtype = source.pixels.dtype.newbyteorder("=")
        scale, offset = (source.scale, source.offset) if recipe.unscale else (1.0, 0.0)
        key = (dtype, scale, offset, *interval)
        return self.keep(("table", key), colours.table(*key))

    def _colours(self, recipe: Recipe, mode: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
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


def palette_of(recipe: Recipe) -> NDArray[np.uint8] | None:
    """(n, 4) RGBA when a picture is of palette indices."""
    mode = _mode(recipe)
    if mode == RGB:
        return None
    if mode == RAMP:
        return recipe.palette
    if mode == CLASSES:
        rgba = colours.classes(recipe)[1]
    else:
        rgba = np.array([colour for _, _, colour in recipe.intervals], np.uint8)
    if len(rgba) > 255:
        return None
    return rgba if len(rgba) else np.zeros((1, 4), np.uint8)


def _program(recipe: Recipe) -> tuple[NDArray[Any], list[int]]:
    steps, ends = [], []
    for expression in recipe.expressions:
        steps += [(operand, code, 0) for code, operand in expression.program(recipe.variables)]
        ends.append(len(steps))
    return np.array(steps, descriptors.INSTRUCTION), ends


def _padded(values: Sequence[int], count: int) -> list[int]:
    return [*values, *(0,) * (count - len(values))]


def _sane(stretch: float) -> float:
    """Output pixels per source pixel, kept where a kernel ends in finite time."""
    return min(max(stretch, 1e-5), 1e5) if math.isfinite(stretch) and stretch > 0 else 1.0
