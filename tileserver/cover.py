"""How much of a view an item fills, and how much of that is cloud: counted once, answered from memory.

Each item's own bbox is divided into CELLS x CELLS cells. From a small picture of the mask (SCL, QA, CLM; an
overview in practice) each cell gets its share with data and its share with cloud. Any view is then a sum over
cells. The cells are kept with the item in the catalog until the item changes.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import affine_transform, translate
from shapely.geometry.base import BaseGeometry

from gpu.backend import Backend
from tileserver.errors import SourceUnreadable
from tileserver.models import Asset, Band, Bbox, Collection, Grid, Item
from tileserver.polygon import pixel_weights
from tileserver.ports import Reader
from tileserver.selection import footprint
from tileserver.styles import variables

T = TypeVar("T")
CELLS = 64
FULL = 255
"""What a cell holds when all of it has data."""
_SAMPLES, _MORE_SAMPLES = 512, 1024
"""Samples along each side of an item."""
_OVERVIEWED = range(600, 1200)
"""Files of so many pixels get more samples, which spares them their first overview: those made by mode or average
judge clouds two percent wrong. Larger files are read from an overview in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """What one item shows, in cells of its bbox, north-west first."""

    seen: NDArray[np.uint8]
    """(CELLS, CELLS): share with data, 0 to FULL."""
    cloud: NDArray[np.uint8] | None
    """(CELLS, CELLS): share with cloud, at most `seen`; None where nobody can tell."""

    def to_json(self) -> dict[str, str]:
        """A small JSON value for the catalog."""
        packed = {"seen": _packed(self.seen)}
        return packed if self.cloud is None else {**packed, "cloud": _packed(self.cloud)}

    @classmethod
    def from_json(cls, value: dict[str, str]) -> Cells:
        """Read what `to_json` wrote."""
        cloud = value.get("cloud")
        return cls(seen=_unpacked(value["seen"]), cloud=_unpacked(cloud) if cloud is not None else None)


def _packed(counts: NDArray[np.uint8]) -> str:
    return base64.b64encode(zlib.compress(counts.tobytes(), 6)).decode()


def _unpacked(text: str) -> NDArray[np.uint8]:
    raw = zlib.decompress(base64.b64decode(text), bufsize=CELLS * CELLS)
    return np.frombuffer(raw, np.uint8).reshape(CELLS, CELLS)


def cells_key(collection: Collection) -> str:
    """Under which name the cells are remembered; another mask is another count."""
    digest = hashlib.blake2b(repr(collection.mask).encode(), digest_size=6).hexdigest()
    return f"cells:{CELLS}:{digest}"


def count_cells(reader: Reader, backend: Backend, collection: Collection, item: Item) -> Cells | None:
    """Read an item's mask, or where there is none its first band. None where it has neither.

    Raises SourceUnreadable naming item and asset.
    """
    mask = collection.mask
    clouds = item.band(mask.asset) if mask else None
    data = _first_band(collection, item)
    if mask is None or clouds is None:
        return Cells(seen=_counted(_sampled(reader, backend, data, item, _SAMPLES)[1]), cloud=None) if data else None
    header = _named(item, clouds, lambda: reader.header(clouds[0]))
    size = _MORE_SAMPLES if max(header.width, header.height) in _OVERVIEWED else _SAMPLES
    values, valid = _sampled(reader, backend, clouds, item, size)
    # Scene classes and quality bits know where there is no image; plain cloud masks say "clear" there.
    nodata = header.nodata if clouds[1].nodata is None else clouds[1].nodata
    if data and not mask.bits and nodata != 0:
        valid &= _sampled(reader, backend, data, item, size)[1]
    classes = np.clip(np.nan_to_num(values), 0, 65535).astype(np.int64)
    return Cells(seen=_counted(valid), cloud=_counted(valid & mask.cloud_table()[classes]))


def _first_band(collection: Collection, item: Item) -> tuple[Asset, Band] | None:
    """A band that some style shows, else the first there is."""
    for style in collection.styles:
        for name in variables(style):
            if found := item.band(name):
                return found
    return next(((asset, asset.bands[0]) for asset in item.assets.values() if asset.bands), None)


def _named(item: Item, band: tuple[Asset, Band], read: Callable[[], T]) -> T:
    try:
        return read()
    except SourceUnreadable as error:
        raise error.named(item=item.id, asset=band[0].key) from error


def _sampled(
    reader: Reader, backend: Backend, band: tuple[Asset, Band], item: Item, size: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(size, size) values and validity over an item's bbox. Raises SourceUnreadable."""
    west, south, east, north = item.bbox
    east += 360 if east < west else 0
    values = np.zeros((size, size))
    valid = np.zeros((size, size), np.bool_)
    if east <= west or north <= south:
        return values, valid
    for left, columns in _turns(west, east, size):
        step = (east - west) / size
        bounds = (left, south, left + step * (columns.stop - columns.start), north)
        grid = Grid(crs="EPSG:4326", bounds=bounds, width=columns.stop - columns.start, height=size)
        source = _named(item, band, partial(reader.sources, [band], grid, "nearest"))[0]
        if source is not None:
            part = backend.warp(source, grid.height, grid.width, "nearest")
            values[:, columns], valid[:, columns] = part
    return values, valid


def _turns(west: float, east: float, size: int) -> list[tuple[float, slice]]:
    """The columns west and east of the antimeridian, each with its left edge from -180 to 180."""
    if east <= 180:
        return [(west, slice(0, size))]
    step = (east - west) / size
    split = round((180 - west) / step)
    parts = [(west, slice(0, split)), (west + split * step - 360, slice(split, size))]
    return [(left, columns) for left, columns in parts if columns.stop > columns.start]


def _counted(flags: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(CELLS, CELLS) which share of the samples of each cell is True, 0 to FULL."""
    side = flags.shape[0] // CELLS
    shares = flags.reshape(CELLS, side, CELLS, side).mean(axis=(1, 3), dtype=np.float32)
    return np.round(shares * FULL).astype(np.uint8)


def outline_cells(item: Item) -> Cells:
    """What an item shows if its whole footprint has data."""
    west, south, east, north = item.bbox
    wide, tall = (east - west) % 360 or 360.0, north - south or 1.0
    inside = cast("BaseGeometry", footprint(item))
    if east < west:
        inside = shapely.union_all([inside, translate(inside, 360)])
    scale = (CELLS / wide, 0, 0, -CELLS / tall, -west * CELLS / wide, north * CELLS / tall)
    weights = pixel_weights(affine_transform(inside, scale), CELLS, CELLS)
    return Cells(seen=np.round(weights * FULL).astype(np.uint8), cloud=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a view shows."""

    cover: float
    """Share of the view with data, 0 to 1."""
    cloud: float | None
    """Percent of what is shown; None where nobody can tell."""

    @property
    def clear(self) -> float:
        """Share of the view that is shown without cloud; where nobody can tell half of it is taken to be."""
        return self.cover * (1 - (50.0 if self.cloud is None else self.cloud) / 100)


VIEW = 32
"""A view is looked at in VIEW x VIEW places."""


def share(view: Bbox, layers: Sequence[tuple[Item, Cells]]) -> Share:
    """What a view in degrees shows of items on top of each other, top first.

    Items whose clouds nobody counted have the percentage that their producer says, everywhere.
    """
    open_sky = np.ones((VIEW, VIEW))
    shown, judged, cloudy = 0.0, 0.0, 0.0
    for item, cells in layers:
        rows, columns = _overlaps(view, item.bbox)
        mine = rows @ cells.seen @ columns
        seen = mine * open_sky
        total = float(seen.sum())
        if total == 0:
            continue
        shown += total
        if cells.cloud is not None:
            cloud = rows @ cells.cloud @ columns
            cloudy += float((seen * np.divide(cloud, mine, out=cloud, where=mine > 0)).sum())
            judged += total
        elif item.cloud_cover is not None:
            cloudy += total * item.cloud_cover / 100
            judged += total
        open_sky -= seen
    return Share(cover=min(shown / VIEW**2, 1.0), cloud=min(100 * cloudy / judged, 100.0) if judged else None)


@lru_cache(maxsize=1024)
def _overlaps(view: Bbox, bbox: Bbox) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(VIEW, CELLS) and (CELLS, VIEW): what each place of a view takes of an item's cells, by y and by x."""
    rows = _shares(-view[3], -view[1], -bbox[3], -bbox[1]) / FULL
    width = (bbox[2] - bbox[0]) % 360 or 360.0
    east = view[2] + (360 if view[2] < view[0] else 0)
    turns = [_shares(view[0], east, bbox[0] + turn, bbox[0] + turn + width) for turn in (-360, 0, 360)]
    return rows, np.ascontiguousarray(sum(turns, np.zeros((VIEW, CELLS))).T)


def _shares(low: float, high: float, start: float, end: float) -> NDArray[np.float64]:
    """(VIEW, CELLS): which share of each part of [low, high] lies in each cell of [start, end]."""
    lines = np.linspace(start, end, CELLS + 1)
    if high <= low:  # a line or a point: the cell that holds it
        inside = (lines[:-1] <= low) & (low < lines[1:])
        return np.repeat(inside[None].astype(np.float64), VIEW, axis=0)
    parts = np.linspace(low, high, VIEW + 1)
    lower = np.maximum(parts[:-1, None], lines[None, :-1])
    upper = np.minimum(parts[1:, None], lines[None, 1:])
    overlap: NDArray[np.float64] = np.maximum(upper - lower, 0) / (parts[1] - parts[0])
    return overlap
