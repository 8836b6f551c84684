"""What callers use: arrays in, pictures out. No CRS, no files, no HTTP; the device is nobody's business.

A `Job` is everything that decides a picture. `Backend.draw` turns jobs into encoded pictures; a tile, a map, a
film frame and a whole pyramid are lists of jobs. CPU and GPU give the same picture: identical validity, at most
one grey level apart before JPEG.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gpu.expression import Expression

Resampling = Literal["nearest", "bilinear", "cubic", "average"]
Reducer = Literal["first", "best", "median", "mean", "max", "min"]
Format = Literal["jpg", "png", "webp", "auto"]
"""auto: JPEG when every pixel is opaque, PNG when not."""
Stretch = tuple[float, float]
"""Output pixels per source pixel along x and y."""
PIECE = (128, 512)
"""Rows and columns of the pieces in which GDAL warps a file without a nodata value."""
Pieces = tuple[tuple[Stretch, ...], ...]
"""The stretch of every piece of a picture, row by row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Where each output pixel's centre lies in a source: each output row is a list of linear segments.

    This is GDAL's approximate transformer (error at most 0.125 px): column i of row r belongs to the last segment
    s in `segments[first[r]:first[r + 1]]` whose start is <= i, and lies at x = x0 + dx * (i - start),
    y = y0 + dy * (i - start), in source pixels, where pixel (0, 0) has its centre at (0.5, 0.5).
    """

    segments: NDArray[np.float64]
    """(count, 5): start column, x0, dx, y0, dy. NaN coordinates: the output pixel has no place in the source."""
    first: NDArray[np.int64]
    """(height + 1,): index of the first segment of each row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One band's pixels around a picture."""

    pixels: NDArray[Any]
    """(height, width), any integer or float type, may be a strided view."""
    valid: NDArray[np.bool_] | None = None
    """(height, width) from a mask or alpha; True is valid. None: only nodata decides."""
    nodata: float | None = None
    """Stored value that means nothing is here; NaN is never valid in float data."""
    scale: float = 1.0
    offset: float = 0.0
    """Physical value = stored * scale + offset."""
    control: Control | None = None
    """None: the pixels already lie on the output grid, one to one."""
    stretch: Stretch = (1.0, 1.0)
    """As GDAL computes it; below 1 bilinear and cubic kernels widen."""
    pieces: Pieces = ()
    """For bilinear and cubic, where pieces differ; empty: `stretch` is that of all."""
    key: Hashable = None
    """Identity of the pixels, so that a device may keep them; None: do not keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One item of a mosaic or one date of a stack."""

    sources: tuple[Source | None, ...]
    """One for each of the recipe's variables; None: the item does not reach here (the pixel is invalid)."""
    mask: Source | None = None
    """Scene classes or quality bits, always nearest."""
    hidden: NDArray[np.bool_] | None = None
    """(65536,) True where a value of `mask` hides the pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How values become colours."""

    variables: tuple[str, ...]
    """Band names; the sources of every layer follow this order."""
    expressions: tuple[Expression, ...]
    """One output (grey, ramp or classes) or three (red, green, blue)."""
    plain: bool = True
    """Every expression is just a band: the fast path by look-up table. Validity: an RGB pixel is valid if ANY
    band is; of an expression's pixel ALL bands must be."""
    rescale: tuple[tuple[float, float], ...] = ()
    """Physical (lowest, highest), one for all or one for each output; empty: values are 0..255 already."""
    palette: NDArray[np.uint8] | None = None
    """(256, 4) RGBA for the rescaled single output."""
    classes: Mapping[int, tuple[int, int, int, int]] | None = None
    """RGBA by stored class value; values without entry are transparent."""
    intervals: tuple[tuple[float, float, tuple[int, int, int, int]], ...] = ()
    """(from, to, RGBA) for from <= value < to; elsewhere transparent."""
    color_formula: str = ""
    """rio-color operations (gamma, sigmoidal, saturation) on the rescaled RGB."""
    resampling: Resampling = "nearest"
    unscale: bool = True
    """Apply scale and offset before anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that decides one picture."""

    layers: tuple[Layer, ...]
    """Top first."""
    recipe: Recipe
    height: int
    width: int
    reducers: tuple[Reducer, ...] = ("first",)
    """first: the top valid pixel wins. Others combine all valid, unhidden pixels, once or for each output."""
    format: Format = "auto"
    quality: int = 85
    background: tuple[int, int, int] = (255, 255, 255)
    """What JPEG shows where nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Pixels before encoding."""

    pixels: NDArray[np.uint8]
    """(height, width, 3) RGB, or (height, width) palette indices."""
    alpha: NDArray[np.uint8]
    """(height, width); 0 is transparent."""
    palette: NDArray[np.uint8] | None = None
    """(n <= 256, 4) RGBA when `pixels` are indices; the alpha of entries is already in `alpha`."""

    def rgba(self) -> NDArray[np.uint8]:
        """(height, width, 4), transparent pixels are 0 in every channel."""
        rgb = self.pixels if self.palette is None else self.palette[self.pixels, :3]
        out = np.dstack([rgb, self.alpha])
        out[self.alpha == 0] = 0
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """An encoded picture."""

    content: bytes
    format: Literal["jpg", "png", "webp"]
    empty: bool = False
    """Every pixel is transparent."""
    opaque: bool = False
    """No pixel is transparent: further items below would not show."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Time by stage: warp, encode."""


class Backend(Protocol):
    """Arrays to pictures, on whatever device there is. Thread-safe."""

    name: str

    def warp(
        self, source: Source, height: int, width: int, resampling: Resampling
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Stored values on the output grid (the source's dtype; (height, width)) and their validity."""

    def values(self, job: Job) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The expressions' physical outputs (outputs, height, width) after layers and reducers, before any
        colour, and their validity (height, width).
        """

    def shade(self, job: Job) -> Picture:
        """The picture of a job, not encoded (legends, film frames, WMS with several layers)."""

    def encode(self, picture: Picture, format: Format, quality: int, background: tuple[int, int, int]) -> Encoded:
        """Encode any picture."""

    def draw(self, jobs: Sequence[Job]) -> list[Encoded]:
        """Shade and encode a batch; on a GPU pixels never leave it before they are a file."""
