"""Items to pixels to bytes: the one drawing that tiles, maps, WMS, films and seeding share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Backend, Encoded, Format, Job, Layer, Picture, Source
from gpu.encode import WEBP_LIMIT
from gpu.jpeg import LIMIT as JPEG_LIMIT
from tileserver.errors import SourceUnreadable, TooLarge
from tileserver.models import Asset, Band, Bbox, Collection, Grid, Image, Item, Reducer, Resampling, Style
from tileserver.ports import Catalog, NotAtHand, Read, Reader
from tileserver.prepared import digest, prepared
from tileserver.selection import Nearby, Selection, select
from tileserver.settings import Settings
from tileserver.styles import color_from_hex
from tileserver.times import Time

MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
LONGEST_SIDE = {"jpg": JPEG_LIMIT, "webp": WEBP_LIMIT}
# Most tiles are full after the top item; a day's mosaic rarely needs more than four.
_STEPS = (1, 4)
_QUICK = 512 * 512
"""Pixels, by the effort that one takes, that are drawn within about a millisecond."""
_EFFORT: dict[Resampling, int] = {"nearest": 1, "bilinear": 4, "cubic": 8, "average": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRequest:
    """Everything that a client decides about a picture, and when it was asked."""

    collection: Collection
    style: Style
    time: Time
    grid: Grid
    bbox: Bbox
    """The grid's extent in degrees."""
    format: Format = "auto"
    reducer: Reducer | None = None
    """How several dates become one picture; None: as the style says, else the latest on top."""
    strict: bool = False
    """Only the time asked, no earlier image instead."""
    unscale: bool = True
    """Apply scale and offset."""
    masked: bool | None = None
    """Leave clouds out; None: composites do, single dates do not."""
    revision: str = ""
    """The collection's revision from before anything else was read; "" if it was not asked for."""

    @property
    def reducers(self) -> tuple[Reducer, ...]:
        """One, or one for each output of the style."""
        return (self.reducer,) if self.reducer else self.style.reducers or ("first",)


class Renderer:
    """Draws map requests. Thread-safe: it keeps no state of its own."""

    def __init__(
        self,
        catalog: Catalog,
        reader: Reader,
        backend: Backend,
        settings: Settings,
        best: Callable[[Sequence[Item], Bbox], Item] | None = None,
    ) -> None:
        self.catalog = catalog
        self.reader = reader
        self.backend = backend
        self.settings = settings
        self._best = best
        self._nearby = Nearby(catalog)
        red, green, blue, _ = color_from_hex(settings.background)
        self._background = (red, green, blue)

    def select(self, request: MapRequest) -> Selection:
        """The items of a request, top first."""
        style = request.style

        def of(time: Time) -> Selection:
            return select(
                self.catalog,
                request.collection,
                time,
                request.bbox,
                names=prepared(style).names,
                only=style.items,
                strict=request.strict,
                limit=self.settings.max_items,
                best=self._best,
                nearby=self._nearby,
                revision=request.revision,
            )

        selection = of(request.time)
        if style.period_days and request.time.kind != "interval" and selection.items:
            newest = max((i.end_datetime or i.datetime for i in selection.items if i.datetime), default=None)
            if newest is not None:
                period = of(Time("interval", newest - timedelta(days=style.period_days), newest))
                return replace(period, exact=selection.exact)
        return selection

    def key(self, request: MapRequest, selection: Selection) -> str:
        """Names the bytes of a picture: equal keys are equal pictures."""
        grid = request.grid
        parts = (
            [(item.id, item.version) for item in selection.items],
            request.collection.id,
            prepared(request.style).fingerprint,
            (grid.crs, grid.bounds, grid.width, grid.height),
            request.format,
            request.reducers,
            request.unscale,
            self._masked(request),
            (self.settings.jpeg_quality, self.settings.webp_quality, self._background),
        )
        return digest(repr(parts))

    def image(self, request: MapRequest) -> Image:
        """Select, draw and encode. Raises SourceUnreadable naming item and asset."""
        return self.draw(request, self.select(request))

    def draw(self, request: MapRequest, selection: Selection) -> Image:
        """Draw and encode items already selected."""
        return self._draw(request, selection, at_hand=False)

    def at_hand(self, request: MapRequest, selection: Selection) -> Image | None:
        """The picture where nothing has to be read for it and it takes about a millisecond; None where not so."""
        style = prepared(request.style)
        effort = _EFFORT[style.physical.resampling] * len(selection.items) * (1 if style.physical.plain else 4)
        quick = request.grid.width * request.grid.height * effort <= _QUICK and request.format != "webp"
        if not (quick and style.brief) or self.backend.name != "cpu" or request.reducers != ("first",):
            return None
        try:
            return self._draw(request, selection, at_hand=True)
        except NotAtHand:
            return None

    def _draw(self, request: MapRequest, selection: Selection, *, at_hand: bool) -> Image:
        read = partial(self.reader.sources, at_hand=True) if at_hand else self.reader.sources
        seconds = {"read": 0.0}
        encoded: Encoded | None = None
        layers: list[Layer] = []
        for count in self._steps(request, selection):
            started = perf_counter()
            layers += self._layers(request, selection.items[len(layers) : count], read)
            seconds["read"] += perf_counter() - started
            job = self._job(request, layers)
            encoded = self.backend.draw([job])[0]
            for stage, spent in encoded.seconds.items():
                seconds[stage] = seconds.get(stage, 0.0) + spent
            if encoded.opaque:
                break
        if encoded is None:
            encoded = self.backend.draw([self._job(request, [])])[0]
        return Image(
            content=encoded.content,
            media_type=MEDIA_TYPES[encoded.format],
            empty=encoded.empty,
            items=tuple(item.id for item in selection.items),
            datetime=selection.datetime,
            exact=selection.exact,
            seconds=seconds,
        )

    def job(self, request: MapRequest, selection: Selection) -> Job:
        """The pixel engine's job for a request with all its items, for batches."""
        return self._job(request, self._layers(request, selection.items, self.reader.sources))

    def jobs(self, requests: Sequence[MapRequest], selection: Selection) -> list[Job]:
        """The jobs of requests that lie side by side and have the same items."""
        read = self.reader.together([request.grid for request in requests])
        return [self._job(request, self._layers(request, selection.items, read)) for request in requests]

    def picture(self, request: MapRequest) -> tuple[Picture, Selection]:
        """Pixels before encoding, for films, legends and layers on top of each other."""
        selection = self.select(request)
        return self.backend.shade(self.job(request, selection)), selection

    def values(self, request: MapRequest) -> tuple[NDArray[np.float64], NDArray[np.bool_], Selection]:
        """The style's physical outputs (outputs, height, width), their validity (height, width) and the items."""
        selection = self.select(request)
        data, valid = self.backend.values(self.job(request, selection))
        return data, valid, selection

    def check_size(self, width: int, height: int, format: Format = "auto") -> None:
        """Raises TooLarge beyond the pixel budget, and beyond the sides that a format can have."""
        longest = LONGEST_SIDE.get(format)
        if longest and max(width, height) > longest:
            raise TooLarge(f"Pixels a side of {format}", max(width, height), longest)
        if width * height > self.settings.max_pixels:
            raise TooLarge("Pixels", f"{width} x {height}", f"{self.settings.max_pixels} (width x height)")

    def _masked(self, request: MapRequest) -> bool:
        if request.masked is not None:
            return request.masked
        return request.style.masked or request.reducers != ("first",)

    def _steps(self, request: MapRequest, selection: Selection) -> list[int]:
        """After how many items to look whether anything is still to be seen through."""
        count = len(selection.items)
        if request.reducers != ("first",):
            return [count] if count else []
        return [step for step in _STEPS if step < count] + ([count] if count else [])

    def _job(self, request: MapRequest, layers: Sequence[Layer]) -> Job:
        webp = request.format == "webp"
        return Job(
            layers=tuple(layers),
            recipe=prepared(request.style).recipe(unscale=request.unscale),
            height=request.grid.height,
            width=request.grid.width,
            reducers=request.reducers,
            format=request.format,
            quality=self.settings.webp_quality if webp else self.settings.jpeg_quality,
            background=self._background,
        )

    def _layers(self, request: MapRequest, items: Sequence[Item], read: Read) -> list[Layer]:
        return [self._layer(request, item, read) for item in items]

    def _layer(self, request: MapRequest, item: Item, read: Read) -> Layer:
        style, recipe = request.style, prepared(request.style).physical
        bands = [self._band(item, name, style) for name in recipe.variables]
        sources = _sources(read, item, bands, request.grid, recipe.resampling)
        mask = request.collection.mask if self._masked(request) and recipe.expressions else None
        found = item.band(mask.asset) if mask else None
        if mask is None or found is None:
            return Layer(sources=tuple(sources))
        return Layer(
            sources=tuple(sources),
            mask=_sources(read, item, [found], request.grid, "nearest")[0],
            hidden=mask.table(),
        )

    def _band(self, item: Item, name: str, style: Style) -> tuple[Asset, Band]:
        found = item.band(name)
        if found is None:  # select() only takes items that have all bands
            raise SourceUnreadable(f"Item has no band '{name}'.", item=item.id, asset=name)
        asset, band = found
        return asset, replace(band, nodata=style.nodata) if style.nodata is not None else band


def _sources(
    read: Read, item: Item, bands: Sequence[tuple[Asset, Band]], grid: Grid, resampling: Resampling
) -> list[Source | None]:
    try:
        return read(bands, grid, resampling)
    except SourceUnreadable as error:
        raise error.named(item=item.id, asset=error.asset or bands[0][0].key) from error


def server_timing(seconds: Mapping[str, float]) -> str:
    """The Server-Timing header of stages in seconds."""
    return ", ".join(f"{stage};dur={spent * 1000:.2f}" for stage, spent in seconds.items())
