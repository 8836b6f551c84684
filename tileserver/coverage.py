"""Raw values of an area, on the pixels of the file that is on top."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Backend, Source
from tileserver.errors import InvalidParameter, NotFound, SourceUnreadable, TooLarge
from tileserver.extent import Bounds, in_crs, in_degrees
from tileserver.geotiff import Described, write_cog
from tileserver.models import Asset, Band, Bbox, Collection, Grid, Item, Reducer, Style
from tileserver.ports import Header, Reader
from tileserver.render import MapRequest, Renderer
from tileserver.selection import Selection, select
from tileserver.styles import expressions, variables
from tileserver.times import Time

BandOf = tuple[Asset, Band]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRequest:
    """Everything that a client decides about a coverage."""

    collection: Collection
    time: Time
    bbox: Bbox | None
    """In degrees; None: all of the items."""
    bands: tuple[str, ...] = ()
    """Stored values of these bands."""
    computed: Style | None = None
    """Instead: the physical outputs of expressions, as float32."""
    reducer: Reducer | None = None
    strict: bool = False
    coarser: float = 1.0
    """Pixels are so many times as wide as the file's."""


class Coverages:
    """Makes coverages. Thread-safe."""

    def __init__(self, renderer: Renderer, best: Callable[[Sequence[Item], Bbox], Item]) -> None:
        self._renderer = renderer
        self._best = best
        self._reader: Reader = renderer.reader
        self._backend: Backend = renderer.backend
        self._max_pixels = renderer.settings.max_pixels

    def write(self, request: CoverageRequest, path: Path) -> Selection:
        """Write a COG and say what it shows. Raises NotFound where nothing is, TooLarge, SourceUnreadable."""
        names = variables(request.computed) if request.computed else request.bands
        selection = self._select(request, names)
        grid = self._grid(request, selection.items, names)
        count = len(expressions(request.computed)) if request.computed else len(request.bands)
        if grid.width * grid.height * count > self._max_pixels:
            raise TooLarge(
                "Values of the coverage (a larger scale-factor gives fewer)",
                f"{grid.width} x {grid.height} pixels x {count} bands",
                self._max_pixels,
            )
        if request.computed:
            self._computed(request, selection, grid, path)
        else:
            self._stored(request, selection, grid, path)
        return selection

    def _select(self, request: CoverageRequest, names: Sequence[str]) -> Selection:
        selection = select(
            self._renderer.catalog,
            request.collection,
            request.time,
            request.bbox or request.collection.bbox,
            names=names,
            strict=request.strict,
            limit=self._renderer.settings.max_items,
            best=self._best,
        )
        if not selection.items:
            raise NotFound("image there and then", request.time)
        return selection

    def _grid(self, request: CoverageRequest, items: Sequence[Item], names: Sequence[str]) -> Grid:
        """The finest band's pixels of the top item, as far as there are items under the bbox."""
        headers = [self._header(items[0], _band(items[0], name)[0]) for name in names]
        header = min(headers, key=lambda one: abs(one.transform[0]))
        try:
            ground = _union([self._reach(item, names[0], header.crs) for item in items])
            bounds = ground if request.bbox is None else _common(in_crs(request.bbox, header.crs), ground)
        except ValueError:
            raise InvalidParameter("bbox", request.bbox, "an area that the data's projection reaches") from None
        if bounds is None:
            raise NotFound("image in", request.bbox)
        return _snapped(bounds, header, request.coarser)

    def _reach(self, item: Item, name: str, crs: str) -> Bounds:
        """Where an item lies: exactly if its file has this CRS."""
        header = self._header(item, _band(item, name)[0])
        if header.crs != crs:
            return in_crs(item.bbox, crs)
        a, _, c, _, e, f = header.transform
        return c, f + e * header.height, c + a * header.width, f

    def _header(self, item: Item, asset: Asset) -> Header:
        try:
            return self._reader.header(asset)
        except SourceUnreadable as error:
            raise error.named(item=item.id, asset=asset.key) from error

    def _computed(self, request: CoverageRequest, selection: Selection, grid: Grid, path: Path) -> None:
        style = request.computed
        assert style is not None
        wanted = MapRequest(
            collection=request.collection,
            style=style,
            time=request.time,
            grid=grid,
            bbox=in_degrees(grid.bounds, grid.crs),
            reducer=request.reducer,
            strict=request.strict,
        )
        data, valid = self._backend.values(self._renderer.job(wanted, selection))
        values = np.where(valid, data, np.nan).astype(np.float32)
        names = [part.strip() for part in (style.expression or ";".join(style.assets)).split(";")]
        about = Described(nodata=math.nan, names=names, tags=_tags(request, selection))
        write_cog(path, values, grid, about)

    def _stored(self, request: CoverageRequest, selection: Selection, grid: Grid, path: Path) -> None:
        layers = [self._layer(item, request.bands, grid) for item in selection.items]
        tops = [next((layer[i] for layer in layers if layer[i]), None) for i in range(len(request.bands))]
        if not all(tops):
            raise NotFound("image in", request.bbox)
        first = [source for source in tops if source]
        dtype = np.result_type(*(source.pixels.dtype for layer in layers for source in layer if source))
        data = np.zeros((len(first), grid.height, grid.width), dtype)
        valid = np.zeros(data.shape, np.bool_)
        for layer in layers:
            for index, source in enumerate(layer):
                if source is not None:
                    self._fill(data[index], valid[index], source, first[index])
        nodata = next((source.nodata for source in first if source.nodata is not None), None)
        if nodata is None and dtype.kind == "f":
            nodata = math.nan
        if nodata is not None:
            data[~valid] = nodata
        header = self._header(selection.items[0], _band(selection.items[0], request.bands[0])[0])
        about = Described(
            nodata=nodata,
            names=request.bands,
            scales=[source.scale for source in first],
            offsets=[source.offset for source in first],
            units=[_band(selection.items[0], name)[1].unit for name in request.bands],
            colormap=header.colormap if len(first) == 1 else None,
            tags=_tags(request, selection),
        )
        gaps = nodata is None and not valid.all()
        write_cog(path, data, grid, about, np.asarray(valid.any(axis=0)) if gaps else None)

    def _layer(self, item: Item, names: Sequence[str], grid: Grid) -> list[Source | None]:
        bands = [_band(item, name) for name in names]
        try:
            return self._reader.sources(bands, grid, "nearest")
        except SourceUnreadable as error:
            raise error.named(item=item.id, asset=error.asset or bands[0][0].key) from error

    def _fill(self, data: NDArray[Any], valid: NDArray[np.bool_], source: Source, top: Source) -> None:
        """Put a source where nothing is yet; stored values follow the scale and offset of the topmost."""
        stored, there = self._backend.warp(source, data.shape[0], data.shape[1], "nearest")
        gaps = there & ~valid
        values = stored[gaps]
        if (source.scale, source.offset) != (top.scale, top.offset):
            physical = values.astype(np.float64) * source.scale + source.offset
            values = (physical - top.offset) / top.scale
            if data.dtype.kind != "f":
                limits = np.iinfo(data.dtype)
                values = np.clip(np.round(values), limits.min, limits.max)
        data[gaps] = values
        valid |= there


def _band(item: Item, name: str) -> BandOf:
    found = item.band(name)
    if found is None:  # select() only takes items that have all bands
        raise SourceUnreadable(f"Item has no band '{name}'.", item=item.id, asset=name)
    return found


def _union(boxes: Sequence[Bounds]) -> Bounds:
    left, bottom, right, top = zip(*boxes, strict=True)
    return min(left), min(bottom), max(right), max(top)


def _common(one: Bounds, other: Bounds) -> Bounds | None:
    left, bottom = max(one[0], other[0]), max(one[1], other[1])
    right, top = min(one[2], other[2]), min(one[3], other[3])
    return (left, bottom, right, top) if left < right and bottom < top else None


def _snapped(bounds: Bounds, header: Header, coarser: float) -> Grid:
    """Bounds widened to whole pixels of a file, which may be made coarser."""
    a, _, c, _, e, f = header.transform
    wide, tall = a * coarser, -e * coarser
    slack = 1e-6
    left, right = math.floor((bounds[0] - c) / wide + slack), math.ceil((bounds[2] - c) / wide - slack)
    top, bottom = math.floor((f - bounds[3]) / tall + slack), math.ceil((f - bounds[1]) / tall - slack)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    return Grid(
        crs=header.crs,
        bounds=(c + left * wide, f - bottom * tall, c + right * wide, f - top * tall),
        width=right - left,
        height=bottom - top,
    )


def _tags(request: CoverageRequest, selection: Selection) -> dict[str, str]:
    """What the file says of its origin; TIFF has a tag for one moment, in UTC."""
    moments = [item.datetime for item in selection.items if item.datetime]
    tags = {
        "TIFFTAG_SOFTWARE": "Tilescope",
        "TIFFTAG_COPYRIGHT": request.collection.attribution,
        "TIFFTAG_IMAGEDESCRIPTION": request.collection.title,
        "COLLECTION": request.collection.id,
        "DATETIME": selection.datetime,
        "ITEMS": ",".join(item.id for item in selection.items),
    }
    if moments:
        tags["TIFFTAG_DATETIME"] = moments[0].astimezone(UTC).strftime("%Y:%m:%d %H:%M:%S")
    return {key: value for key, value in tags.items() if value}
