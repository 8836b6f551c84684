"""Jobs to descriptors: what the kernels read, packed for a few uploads."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Control, Job, Layer, Pieces, Source, Stretch
from gpu.cuda import colours, descriptors
from gpu.cuda.descriptors import MAX_LAYERS, MAX_OUTPUTS, MAX_VARIABLES, NO_SOURCE, RGB, PixelType, pixel_type
from gpu.cuda.styles import Keep, Put, Style, UnsupportedError, mode_of, reducers_of

Rows = Callable[[Source], tuple[int, int]]
Row = tuple[float | Stretch, ...]
"""Of descriptors.SOURCE."""
BYTES = pixel_type(np.dtype(np.uint8))


@dataclass(slots=True)
class Target:
    """Where a job's result goes on the device; for a stripe of a picture, also which rows are meant."""

    pixels: int = 0
    indices: int = 0
    values: int = 0
    valid: int = 0
    counts: int = 0
    top: int = 0
    rows: int | None = None
    """None: all."""
    fresh: int = 0
    """Rows before this one were counted by the stripe before."""


def check(job: Job, *, shading: bool) -> None:
    """Raises UnsupportedError for what only the CPU does."""
    recipe = job.recipe
    outputs = len(recipe.expressions)
    if len(recipe.variables) > MAX_VARIABLES or not 1 <= outputs <= MAX_OUTPUTS:
        raise UnsupportedError("too many bands or outputs")
    if shading and (outputs not in (1, 3) or job.height < 1 or job.width < 1):
        raise UnsupportedError("a picture has one or three outputs and at least one pixel")
    if len(job.layers) > MAX_LAYERS and "median" in job.reducers:
        raise UnsupportedError("too many layers for a median")
    if shading and recipe.color_formula and mode_of(recipe) == RGB and colours.curves(recipe.color_formula) is None:
        raise UnsupportedError("the colour formula mixes channels")
    for layer in job.layers:
        for source in (*layer.sources, layer.mask):
            if source is not None and pixel_type(source.pixels.dtype).code is None:
                raise UnsupportedError("a pixel type without a kernel")


def common_type(job: Job) -> int | None:
    """The one pixel type of all bands of a job, when there is only one; masks have their own."""
    found = None
    for layer in job.layers:
        for source in layer.sources:
            if source is not None:
                code = pixel_type(source.pixels.dtype).code
                if found is not None and code != found:
                    return None
                found = code
    return found


def is_reduced(job: Job) -> bool:
    """Several layers are mixed in one pixel."""
    return any(reducer not in ("first", "best") for reducer in job.reducers)


@dataclass(slots=True)
class Plan:
    """Descriptors of a batch in the making. `put` copies an array up, `keep` does so once for each key."""

    put: Put
    keep: Keep
    rows: Rows | None = None
    """Which rows of a source without a key are needed; None: all."""
    controls: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Addresses of the controls that are up already, by id."""
    _styles: dict[int, NDArray[Any]] = field(default_factory=dict)
    _tables: dict[Hashable, int] = field(default_factory=dict)
    _pieces: dict[Pieces, int] = field(default_factory=dict)
    _sources: list[Row] = field(default_factory=list)
    _layers: list[tuple[int, int, int]] = field(default_factory=list)

    def jobs(self, jobs: Sequence[Job], styles: Sequence[Style], targets: Sequence[Target]) -> int:
        """The address of the packed array of Job."""
        self._sources.clear()
        self._layers.clear()
        every = list(zip(jobs, styles, targets, strict=True))
        rows = self._rows(styles)
        first, states = [], []
        for i, (job, style, target) in enumerate(every):
            first.append(len(self._layers))
            reduced = is_reduced(job)
            intervals = None if target.values or reduced or not is_tabled(job) else style.intervals
            for layer in job.layers:
                self._layer(layer, style, intervals)
            states.append((len(job.layers), reduced, intervals is None and style.recipe.unscale))
            if reduced:
                rows[i]["reducers"] = np.frombuffer(reducers_of(job.reducers, len(style.recipe.expressions)), np.uint8)
        rows["layer_count"], rows["reduced"], rows["physical"] = zip(*states, strict=True)
        rows["sources"] = self.put(np.array(self._sources or [NO_SOURCE], descriptors.SOURCE))
        rows["layers"] = self.put(np.array(self._layers or [(0, 0, 0)], descriptors.LAYER))
        rows["layers"] += np.array(first, np.uint64) * np.uint64(descriptors.LAYER.itemsize)
        for name in ("pixels", "indices", "values", "valid", "counts", "top", "fresh"):
            rows[name] = [getattr(target, name) for target in targets]
        rows["width"] = [job.width for job in jobs]
        rows["height"] = [job.height if target.rows is None else target.rows for job, _, target in every]
        return self.put(rows)

    def source(self, source: Source) -> int:
        """The address of one Source, as stored."""
        row = self._source(source, pixel_type(source.pixels.dtype), 0, 0)
        return self.put(np.array([row], descriptors.SOURCE))

    def _rows(self, styles: Sequence[Style]) -> NDArray[Any]:
        """Descriptors with what the recipes decide."""
        for style in styles:
            if id(style) not in self._styles:
                self._styles[id(style)] = style.row(self.put, self.keep)
        if styles[0] is styles[-1] and all(style is styles[0] for style in styles):
            return np.repeat(self._styles[id(styles[0])], len(styles))
        return np.concatenate([self._styles[id(style)] for style in styles])

    def _layer(self, layer: Layer, style: Style, intervals: list[tuple[float, float]] | None) -> None:
        first = len(self._sources)
        before: Control | None = None
        for variable, source in enumerate(layer.sources):
            if source is None:
                self._sources.append(NO_SOURCE)
                continue
            kind = pixel_type(source.pixels.dtype)
            table = 0 if intervals is None else self._table(source, kind, style, intervals[variable])
            same = before is not None and source.control is before
            self._sources.append(self._source(source, kind, table, int(same)))
            before = source.control
        if layer.mask is None or layer.hidden is None:
            self._layers.append((0, first, 0))
            return
        hidden = np.zeros(65536, np.uint8)
        hidden[: len(layer.hidden)] = layer.hidden[:65536]
        hidden[len(layer.hidden) :] = hidden[len(layer.hidden) - 1]
        address = self.keep(("hidden", hidden.tobytes()), hidden)
        self._layers.append((address, first, len(self._sources)))
        self._sources.append(self._source(layer.mask, pixel_type(layer.mask.pixels.dtype), 0, 0))

    def _source(self, source: Source, kind: PixelType, table: int, same_place: int) -> Row:
        """A row of descriptors.SOURCE; `table`: the address of colour bytes."""
        pixels = source.pixels
        height, width = pixels.shape
        if height == 0 or width == 0 or kind.code is None:
            return NO_SOURCE
        nodata = source.nodata
        if nodata is not None:
            if kind.is_float and math.isfinite(nodata):
                nodata = float(kind.dtype.type(nodata))
            elif math.isnan(nodata):
                nodata = None
        segments, first = (0, 0) if source.control is None else self._control(source.control)
        return (
            self._pixels("pixels", source, pixels, kind),
            0 if source.valid is None else self._pixels("valid", source, source.valid.view(np.uint8), BYTES),
            segments,
            first,
            table,
            self._stretches(source.pieces),
            width * kind.dtype.itemsize,
            0.0 if nodata is None else nodata,
            source.scale,
            source.offset,
            _sane(source.stretch),
            width,
            height,
            kind.code,
            nodata is not None,
            same_place,
            kind.lowest if table else 0,
            len(source.pieces[0]) if source.pieces else 0,
            0,
        )

    def _pixels(self, name: str, source: Source, data: NDArray[Any], kind: PixelType) -> int:
        """The address of row 0, also where only some rows are on the device."""
        if data.dtype != kind.dtype:
            data = data.astype(kind.dtype)  # the other byte order
        if source.key is not None:
            return self.keep((name, source.key, data.shape, kind.code), data)
        top, bottom = (0, data.shape[0]) if self.rows is None else self.rows(source)
        address = self.put(data[top:bottom])
        return (address - top * data.shape[1] * kind.dtype.itemsize) % (1 << 64)

    def _control(self, control: Control) -> tuple[int, int]:
        found = self.controls.get(id(control))
        if found is None:
            found = (
                self.put(np.asarray(control.segments, np.float64)),
                self.put(np.asarray(control.first, np.int64)),
            )
            self.controls[id(control)] = found
        return found

    def _stretches(self, pieces: Pieces) -> int:
        """The address of (down, across, 2) stretches, 0 without pieces."""
        if not pieces:
            return 0
        found = self._pieces.get(pieces)
        if found is None:
            found = self._pieces[pieces] = self.put(np.array([[_sane(one) for one in line] for line in pieces]))
        return found

    def _table(self, source: Source, kind: PixelType, style: Style, interval: tuple[float, float]) -> int:
        scale, offset = (source.scale, source.offset) if style.recipe.unscale else (1.0, 0.0)
        key = (kind.code, scale, offset, *interval)
        found = self._tables.get(key)
        if found is None:
            table = colours.table(kind.dtype, scale, offset, *interval)
            found = self._tables[key] = self.keep(("table", key), table)
        return found


def is_tabled(job: Job) -> bool:
    """Every band has few enough values for a table of all of them."""
    return all(
        source is None or pixel_type(source.pixels.dtype).dtype in colours.TABLE_TYPES
        for layer in job.layers
        for source in layer.sources
    )


def _sane(stretch: Stretch) -> Stretch:
    """Output pixels per source pixel, kept where a kernel ends in finite time."""
    x, y = stretch
    return stretch if 1e-5 <= x <= 1e5 and 1e-5 <= y <= 1e5 else (_clipped(x), _clipped(y))


def _clipped(axis: float) -> float:
    return min(max(axis, 1e-5), 1e5) if math.isfinite(axis) and axis > 0 else 1.0
