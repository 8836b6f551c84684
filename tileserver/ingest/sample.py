"""A quick look at the values of rasters: enough to choose colours, read from overviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp, Resampling

from tileserver.errors import SourceUnreadable
from tileserver.ingest.raster import opened
from tileserver.models import Asset, Band

_SIDE = 256
_MAX_DISTINCT = 40
RGBA = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What some files of one kind hold in one band."""

    low: float
    """2nd percentile, physical."""
    high: float
    """98th percentile, physical."""
    least: float
    """The lowest of these in any file."""
    most: float
    """The highest of these in any file."""
    distinct: tuple[int, ...] = ()
    """The stored values where there are few different ones, all whole numbers."""
    colors: tuple[tuple[int, RGBA], ...] = ()
    """The file's own colour table: stored value, colour."""
    rgb: bool = False
    """The file says that its first three bands are red, green and blue in 8 bits."""


def look(assets: Sequence[Asset], band_index: int) -> Sample | None:
    """Sample one band of several files of one kind; None where nothing is valid anywhere."""
    found = [one for asset in assets if (one := _look(asset, band_index))]
    if not found:
        return None
    distinct = sorted({value for one in found for value in one.distinct})
    few = all(one.distinct for one in found) and len(distinct) <= _MAX_DISTINCT
    return Sample(
        low=float(np.median([one.low for one in found])),
        high=float(np.median([one.high for one in found])),
        least=min(one.low for one in found),
        most=max(one.high for one in found),
        distinct=tuple(distinct) if few else (),
        colors=next((one.colors for one in found if one.colors), ()),
        rgb=found[0].rgb,
    )


def _look(asset: Asset, index: int) -> Sample | None:
    band = next((one for one in asset.bands if one.index == index), Band(name=asset.key, index=index))
    try:
        with opened(asset.href) as dataset:
            values = _values(dataset, band)
            if values.size == 0:
                return None
            physical = values.astype(np.float64) * (1 if band.scale is None else band.scale) + (band.offset or 0)
            low, high = np.percentile(physical, [2, 98])
            return Sample(
                low=float(low),
                high=float(high),
                least=float(low),
                most=float(high),
                distinct=_distinct(values),
                colors=_colors(dataset, index),
                rgb=_is_rgb(dataset),
            )
    except SourceUnreadable:
        return None


def _values(dataset: Any, band: Band) -> Any:
    """Valid stored values of a band, thinned out: (count,)."""
    factor = max(1, dataset.width // _SIDE, dataset.height // _SIDE)
    shape = (max(1, dataset.height // factor), max(1, dataset.width // factor))
    data = dataset.read(band.index, out_shape=shape, resampling=Resampling.nearest)
    if band.nodata is None:
        valid = dataset.read_masks(band.index, out_shape=shape) != 0
    else:
        valid = data != band.nodata
    if data.dtype.kind == "f":
        valid &= np.isfinite(data)
    return data[valid]


def _distinct(values: Any) -> tuple[int, ...]:
    found = np.unique(values)
    if len(found) > _MAX_DISTINCT or not np.array_equal(found, np.round(found)):
        return ()
    return tuple(int(value) for value in found)


def _colors(dataset: Any, index: int) -> tuple[tuple[int, RGBA], ...]:
    try:
        table: dict[int, RGBA] = dataset.colormap(index)
    except ValueError:
        return ()
    return tuple(sorted(table.items()))


def _is_rgb(dataset: Any) -> bool:
    return (
        dataset.count >= 3
        and set(dataset.dtypes) == {"uint8"}
        and dataset.colorinterp[:3] == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    )
