"""Physical values of single pixels: at a point, or of all pixels of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Backend, Source
from gpu.expression import Expression
from tileserver.errors import SourceUnreadable
from tileserver.models import Asset, Band, CloudMask, Item
from tileserver.ports import Header, Reader
from tileserver.site import Site

T = TypeVar("T")
BandOf = tuple[Asset, Band]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """What was read."""

    values: NDArray[np.float64]
    """(n,) anything where not valid."""
    valid: NDArray[np.bool_]
    """(n,)."""
    hidden: NDArray[np.bool_]
    """(n,) valid, but the cloud mask hides it."""

    def under(self, top: Pixels) -> Pixels:
        """These seen through the gaps and clouds of others."""
        mine = self.valid & (~top.valid | (top.hidden & ~self.hidden))
        return Pixels(
            values=np.where(mine, self.values, top.values),
            valid=self.valid | top.valid,
            hidden=np.where(mine, self.hidden, top.hidden),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What to read of an item."""

    expression: Expression
    mask: CloudMask | None = None
    nodata: float | None = None
    """Instead of the bands' own."""
    unscale: bool = True
    """False: stored values."""

    def bands(self, item: Item) -> list[BandOf]:
        """Assets and bands in the expression's order; the item has them all."""
        found = [item.band(name) for name in self.expression.bands]
        return [(pair[0], self._asked(pair[1])) for pair in found if pair]

    def _asked(self, band: Band) -> Band:
        band = band if self.nodata is None else replace(band, nodata=self.nodata)
        return band if self.unscale else band.stored()

    def cloud(self, item: Item) -> list[BandOf]:
        """The mask's asset and band, if there is a mask and the item has it."""
        found = item.band(self.mask.asset) if self.mask else None
        return [found] if found else []


class PixelReader:
    """Reads measures. Raises SourceUnreadable naming item and asset."""

    def __init__(self, reader: Reader, backend: Backend) -> None:
        self._reader = reader
        self._backend = backend

    def header(self, measure: Measure, item: Item) -> Header:
        """Of the band with the finest pixels."""
        headers = [self._header(item, asset) for asset, _ in measure.bands(item)]
        return min(headers, key=lambda header: abs(header.transform[0]))

    def _header(self, item: Item, asset: Asset) -> Header:
        return _named(item, asset, lambda: self._reader.header(asset))

    def open_ahead(self, measure: Measure, items: Iterable[Item]) -> None:
        """Open the files of several items, which is faster before any of them is read."""
        bands = (pair for item in items for pair in (*measure.bands(item), *measure.cloud(item)))
        self._reader.open_ahead([asset for asset, _ in bands])

    def at(self, measure: Measure, item: Item, lon: float, lat: float) -> Pixels:
        """The one pixel at a point."""
        bands = [*measure.bands(item), *measure.cloud(item)]
        found = _named(item, bands[0][0], lambda: self._reader.point(bands, lon, lat))
        names = measure.expression.bands
        environment = {
            name: np.array([np.nan if value is None else value])
            for name, value in zip(names, found[: len(names)], strict=True)
        }
        values = measure.expression.numpy(environment)
        valid = np.isfinite(values) & all(value is not None for value in found[: len(names)])
        cloud = found[-1] if len(found) > len(names) else None
        hidden = valid & _hides(measure.mask, np.array([-1.0 if cloud is None else cloud]))
        return Pixels(values=values, valid=valid, hidden=hidden)

    def on(self, measure: Measure, item: Item, site: Site) -> Pixels:
        """All pixels of a site; bands with other pixels lie on it by nearest neighbour."""
        environment = {}
        valid = np.ones(len(site.chosen), np.bool_)
        for name, band in zip(measure.expression.bands, measure.bands(item), strict=True):
            stored, there, source = self._stored(item, band, site)
            environment[name] = stored.astype(np.float64) * source.scale + source.offset
            valid &= there
        values = measure.expression.numpy(environment)
        valid &= np.isfinite(values)
        hidden = np.zeros(len(site.chosen), np.bool_)
        for band in measure.cloud(item):
            classes, there, _ = self._stored(item, band, site)
            hidden = valid & there & _hides(measure.mask, classes)
        return Pixels(values=values, valid=valid, hidden=hidden)

    def _stored(self, item: Item, band: BandOf, site: Site) -> tuple[NDArray[np.float64], NDArray[np.bool_], Source]:
        """(n,) stored values and validity, and the source that they are from."""
        grid = site.grid
        source = _named(item, band[0], lambda: self._reader.sources([band], grid, "nearest"))[0]
        if source is None:
            nothing = np.zeros(len(site.chosen))
            return nothing, nothing.astype(np.bool_), Source(pixels=np.zeros((1, 1)))
        stored, valid = self._backend.warp(source, grid.height, grid.width, "nearest")
        return stored.ravel()[site.chosen], valid.ravel()[site.chosen], source


def _hides(mask: CloudMask | None, classes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where class values or quality bits hide a pixel; what is no class hides nothing."""
    if mask is None:
        return np.zeros(classes.shape, np.bool_)
    known = (classes >= 0) & (classes < 65536)
    return known & mask.table()[np.where(known, classes, 0).astype(np.int64)]


def _named(item: Item, asset: Asset, read: Callable[[], T]) -> T:
    try:
        return read()
    except SourceUnreadable as error:
        raise error.named(item=item.id, asset=error.asset or asset.key) from error


def together(pixels: Sequence[Pixels]) -> Pixels:
    """Several pictures of one place, top first, as one."""
    seen = pixels[0]
    for below in pixels[1:]:
        seen = below.under(seen)
    return seen
