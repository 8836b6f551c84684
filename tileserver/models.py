"""The nouns. Frozen values without I/O; everything else works on them.

Axis order: lon before lat, west-south-east-north; arrays are (bands, height, width), rows from the north.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Bbox = tuple[float, float, float, float]
"""West, south, east, north in degrees. West may exceed east: then it crosses the antimeridian."""

Color = tuple[int, int, int, int]
"""Red, green, blue, alpha, 0 to 255."""

Words = Mapping[str, str]
"""One text in several languages: {"en": …, "cs": …, "de": …, "fr": …}. "en" is always there."""

Resampling = Literal["nearest", "bilinear", "cubic", "average"]
Reducer = Literal["first", "best", "median", "mean", "max", "min"]


def spelled(name: str) -> str:
    """A name of an asset as expressions can write it: `my-band` would be a difference, so it is `my_band`."""
    safe = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{safe}" if safe[:1].isdigit() else safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One band of an asset, as the catalog knows it. None means: as the file itself says."""

    name: str
    """The name in expressions: the asset's name for single-band assets, else "{asset}_b1", …"""
    index: int = 1
    """1-based position in the file."""
    dtype: str | None = None
    nodata: float | None = None
    scale: float | None = None
    offset: float | None = None
    unit: str = ""
    description: str = ""

    def stored(self) -> Band:
        """The same band with its values as they are in the file."""
        return dataclasses.replace(self, scale=1.0, offset=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A raster file of an item."""

    key: str
    href: str
    """An absolute local path or an http(s)/s3 address. Never shown to clients."""
    bands: tuple[Band, ...] = ()
    crs: str = ""
    """Authority code ("EPSG:32633") or WKT; empty: as the file says."""
    transform: tuple[float, float, float, float, float, float] | None = None
    """Affine a, b, c, d, e, f: x = a*col + b*row + c, y = d*col + e*row + f."""
    shape: tuple[int, int] | None = None
    """(height, width) in pixels."""
    title: str = ""
    media_type: str = "image/tiff; application=geotiff; profile=cloud-optimized"
    roles: tuple[str, ...] = ("data",)
    version: str = ""
    """Changes whenever the file does (size and modification time, or an object's ETag)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A STAC item: one acquisition of one place."""

    id: str
    collection: str
    datetime: dt.datetime | None
    """Acquisition in UTC, or the start of a period; None: undated, drawn at any time."""
    end_datetime: dt.datetime | None = None
    """End of the period (inclusive), None for an instant."""
    bbox: Bbox
    geometry: Mapping[str, Any]
    """GeoJSON geometry of the footprint in degrees."""
    assets: Mapping[str, Asset]
    cloud_cover: float | None = None
    """Percent of the whole item, as its producer says."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Further STAC properties."""
    version: str = ""
    """Changes whenever anything of the item does."""

    def band(self, name: str) -> tuple[Asset, Band] | None:
        """The asset and band behind a name of an expression; b1… where there is one asset."""
        for asset in self.assets.values():
            for band in asset.bands:
                if band.name == name:
                    return asset, band
        if name in self.assets and len(self.assets[name].bands) == 1:
            return self.assets[name], self.assets[name].bands[0]
        data = [asset for asset in self.assets.values() if "data" in asset.roles]
        if len(data) == 1 and name[:1] == "b" and name[1:].isdigit():
            for band in data[0].bands:
                if band.index == int(name[1:]):
                    return data[0], band
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendClass:
    """One entry of a legend: a class value or the lower end of an interval."""

    value: float
    color: Color
    words: Words
    end: float | None = None
    """Upper end for intervals [value, end); None for a single class value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A way to look at a collection; the field names are those of STAC's render extension."""

    id: str
    titles: Words
    """Plain title: "Plant health"."""
    expert: str = ""
    """The expert's name: "NDVI"."""
    descriptions: Words = field(default_factory=dict)
    assets: tuple[str, ...] = ()
    """Band names, one (grey, ramp, classes) or three (red, green, blue)."""
    expression: str = ""
    """Band maths over band names, one output or three separated by ';'. Wins over `assets`."""
    rescale: tuple[tuple[float, float], ...] = ()
    """Physical (lowest, highest), one for all outputs or one each."""
    colormap_name: str = ""
    classes: tuple[LegendClass, ...] = ()
    """Discrete classes or intervals; wins over `colormap_name`."""
    color_formula: str = ""
    resampling: Resampling = "bilinear"
    nodata: float | None = None
    unit: str = ""
    ramp: tuple[tuple[float, Color], ...] = ()
    """Colour stops at physical values, interpolated; wins over `colormap_name`, lies within `rescale`."""
    marks: tuple[tuple[float, Words], ...] = ()
    """Words along a ramp: ((0.1, {"en": "bare"}), (0.8, {"en": "dense"}))."""
    reducers: tuple[Reducer, ...] = ()
    """How a period becomes one picture: one reducer, or one for each output."""
    period_days: int | None = None
    """A composite style reaches this many days back from the time asked."""
    masked: bool = False
    """Clouds are left out (composites)."""
    items: tuple[str, ...] = ()
    """Only these items are drawn (a folder of unlike rasters); empty: all that have the bands."""

    @property
    def title(self) -> str:
        """English title with the expert's name: "Plant health (NDVI)"."""
        return f"{self.titles['en']} ({self.expert})" if self.expert else self.titles["en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudMask:
    """Which values of which asset mean cloud (or shadow, or anything else to leave out)."""

    asset: str
    values: tuple[int, ...] = ()
    """Class values that hide a pixel (SCL 3, 8, 9, 10; CLM 1)."""
    bits: tuple[int, ...] = ()
    """Bits that hide a pixel (QA_PIXEL 1, 2, 3, 4)."""
    cloud_values: tuple[int, ...] = ()
    """The subset that counts as cloud for the percentage; empty: the same as `values`."""

    @lru_cache(maxsize=64)  # noqa: B019 - a value, as good as any equal one
    def table(self) -> NDArray[np.bool_]:
        """(65536,) True where the value hides a pixel; not to be written to."""
        value = np.arange(65536)
        hidden = np.isin(value, self.values)
        for bit in self.bits:
            hidden |= (value >> bit & 1).astype(bool)
        return hidden

    def cloud_table(self) -> NDArray[np.bool_]:
        """(65536,) True where the value counts as cloud."""
        if not self.cloud_values:
            return self.table()
        return np.isin(np.arange(65536), self.cloud_values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A STAC collection: items that are looked at in the same ways."""

    id: str
    title: str
    description: str = ""
    license: str = "other"
    attribution: str = ""
    """The credit shown on every map and export."""
    keywords: tuple[str, ...] = ()
    template: str = "generic"
    item_assets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    styles: tuple[Style, ...] = ()
    """In the order shown; the first is the default."""
    mask: CloudMask | None = None
    tolerance_days: int = 10
    """How far back an image is taken when the time asked has none."""
    order: int | None = None
    """The operator's place in the list; None: after the ordered ones, by title."""
    bbox: Bbox = (-180.0, -90.0, 180.0, 90.0)
    interval: tuple[dt.datetime | None, dt.datetime | None] = (None, None)
    maxzoom: int = 14
    """Deepest WebMercatorQuad zoom at native resolution."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further STAC fields (providers, summaries), passed through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where the pixels of a picture lie."""

    crs: str
    """Authority code ("EPSG:3857") or WKT."""
    bounds: tuple[float, float, float, float]
    """Left, bottom, right, top in units of the CRS, x before y."""
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An encoded picture, ready to send."""

    content: bytes
    media_type: str
    empty: bool = False
    """Nothing was drawn: every pixel is nodata."""
    items: tuple[str, ...] = ()
    """What was drawn, top first."""
    datetime: str = ""
    """The time that was served, for X-Tile-Datetime."""
    exact: bool = True
    """The time that was asked, not an earlier one."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Time by stage, for Server-Timing: catalog, read, warp, encode."""
