"""Seams: what the upper parts need of the lower ones. Small Protocols, easy to fake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gpu.backend import Source
from tileserver.models import Asset, Band, Bbox, Collection, Grid, Item, Resampling

Interval = tuple[datetime | None, datetime | None]
"""Start and end, both inclusive, UTC; None is open."""


class Catalog(Protocol):
    """Collections and items. Every method is thread-safe. Unknown names raise NotFound."""

    uri: str
    """Where it is, without credentials; tells catalogs apart in caches."""
    local: bool
    """Looks things up in microseconds. False: it asks over a network, so never from an event loop."""

    def collections(self) -> list[Collection]:
        """In the operator's order, else by title; extents are up to date."""

    def collection(self, collection_id: str) -> Collection:
        """One collection; raises NotFound."""

    def items(
        self,
        collection_id: str,
        *,
        bbox: Bbox | None = None,
        interval: Interval | None = None,
        limit: int | None = None,
        undated: bool = True,
    ) -> list[Item]:
        """Items whose bbox meets `bbox` and whose time meets `interval`, newest first, undated ones last.

        `limit` counts after sorting. `undated=False` leaves undated items out.
        """

    def item(self, collection_id: str, item_id: str) -> Item:
        """One item; raises NotFound."""

    def count(self, collection_id: str) -> int:
        """Number of items."""

    def iterate(self, collection_id: str) -> Iterator[Item]:
        """All items in time order without holding them in memory."""

    def moments(self, collection_id: str) -> list[tuple[datetime, Bbox]]:
        """When and where of every dated item, in time order; far cheaper than the items themselves."""

    def revision(self, collection_id: str) -> str:
        """Changes whenever the collection or any of its items does; cheap."""

    def put_collection(self, collection: Collection) -> None:
        """Add or replace."""

    def put_items(self, items: Iterable[Item]) -> int:
        """Add or replace; returns how many were new or changed."""

    def remove_items(self, collection_id: str, item_ids: Iterable[str]) -> int:
        """Remove; returns how many there were."""

    def remove_collection(self, collection_id: str) -> None:
        """Remove with all its items."""

    def remember(self, collection_id: str, item_id: str, key: str, value: Any) -> None:
        """Keep a small derived fact (JSON) with an item until the item changes."""

    def recall(self, collection_id: str, item_ids: Sequence[str], key: str) -> dict[str, Any]:
        """The remembered facts, by item id; missing ones are left out."""

    def close(self) -> None:
        """Free what is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a raster file says of itself."""

    driver: str
    """GDAL's short name: GTiff, COG is GTiff, JP2OpenJPEG, …"""
    crs: str
    transform: tuple[float, float, float, float, float, float]
    width: int
    height: int
    dtype: str
    bands: int
    nodata: float | None
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    descriptions: tuple[str, ...]
    units: tuple[str, ...]
    overviews: tuple[int, ...]
    """Decimation factors."""
    block: tuple[int, int]
    """(height, width)."""
    colormap: dict[int, tuple[int, int, int, int]] | None
    tags: dict[str, str]
    masked: bool
    """Has an alpha band or an internal mask."""


class NotAtHand(Exception):
    """A file or a block would have to be read first."""


Read = Callable[[Sequence[tuple[Asset, Band]], Grid, Resampling], list[Source | None]]
"""What `Reader.sources` does."""


class Reader(Protocol):
    """Pixels of assets. Thread-safe. Failures raise SourceUnreadable (item and asset are filled in by the caller)."""

    def header(self, asset: Asset) -> Header:
        """The file's own description, cached."""

    def sources(
        self, bands: Sequence[tuple[Asset, Band]], grid: Grid, resampling: Resampling, *, at_hand: bool = False
    ) -> list[Source | None]:
        """One Source for each band: pixels, and where each pixel of `grid` lies in them; None where the file
        does not touch the grid. Overviews are chosen as GDAL does. Decoding may run in parallel.

        `at_hand`: only what is decoded already; raises NotAtHand where that is not all.
        """

    def together(self, grids: Sequence[Grid]) -> Read:
        """`sources` of these grids, which lie side by side, cheaper than one after the other."""

    def open_ahead(self, assets: Sequence[Asset]) -> None:
        """Open local files that will be read; those that cannot be opened say so when they are read."""

    def point(self, bands: Sequence[tuple[Asset, Band]], lon: float, lat: float) -> list[float | None]:
        """Physical values (scale and offset applied) of the native pixels that contain the point; None where
        outside or nodata.
        """


class TileCache(Protocol):
    """Rendered answers by key."""

    def get(self, key: str) -> tuple[bytes, dict[str, str]] | None:
        """Content and its metadata (media type and headers), or None."""

    def set(self, key: str, content: bytes, metadata: dict[str, str]) -> None:
        """Keep it, within the budget."""
