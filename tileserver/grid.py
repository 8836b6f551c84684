"""From an output grid to source pixels: overview, window, the place of every pixel."""

from __future__ import annotations

import math
import threading
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cachetools import LRUCache
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import calculate_default_transform
from rasterio.windows import from_bounds

from gpu.backend import PIECE, Control, Pieces, Stretch
from tileserver import cells, control, edges, polynomial, stretches, unwarped
from tileserver.errors import SourceUnreadable
from tileserver.file_grid import Affine, FileGrid, transformer, turn
from tileserver.models import Grid, Resampling
from tileserver.projection import UNDRAWABLE, is_geographic, parsed, same_crs

RADIUS: dict[Resampling, int] = {"nearest": 0, "bilinear": 1, "cubic": 2, "average": 0}
PLACEMENT_BYTES = 8 << 20
MERCATOR_LATITUDE = 85.06
MAX_VIEW = 4096
"""Widest picture that is made at an overview's resolution first."""


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """What a picture needs of a file."""

    level: int
    window: tuple[int, int, int, int]
    """Left, top, right, bottom in pixels of the level, right and bottom beyond the last."""
    control: Control
    """In pixels of the window."""
    stretch: Stretch
    """Of the whole picture; the least of its pieces."""
    pieces: Pieces = ()
    """As in Source."""
    view: tuple[int, int] | None = None
    """Width and height of the finer picture that all this describes, which is smoothed once more onto the grid."""
    edge: unwarped.Edge = ""
    """How GDAL reads a picture in the file's own projection that reaches beyond the file."""


_placements: LRUCache[Any, tuple[Placement | None, int]] = LRUCache(PLACEMENT_BYTES, getsizeof=lambda entry: entry[1])
_lock = threading.Lock()


def place(
    grid: Grid, file: FileGrid, resampling: Resampling, *, some: bool = False, nodata: bool = True, lone: bool = True
) -> Placement | None:
    """As `placed`, which is remembered."""
    key = (grid, file, resampling, some, nodata, lone)
    with _lock:
        known = _placements.get(key)
    if known is None:
        made = placed(grid, file, resampling, some=some, nodata=nodata, lone=lone)
        size = 512 if made is None else 512 + made.control.segments.nbytes + made.control.first.nbytes
        known = (made, size)
        with _lock:
            if size <= PLACEMENT_BYTES // 4:
                _placements[key] = known
    return known[0]


def placed(
    grid: Grid, file: FileGrid, resampling: Resampling, *, some: bool = False, nodata: bool = True, lone: bool = True
) -> Placement | None:
    """Overview, window and control rows of a picture; None where the file does not touch it.

    `nodata`: the file has a value that means nothing, or an alpha band. Else, and with `some`, GDAL warps in pieces.
    `some` of the file's bands are wanted, not all: then GDAL warps at the overview's resolution first, and takes the
    nearest of these pixels or smooths them onto the grid.
    `lone`: one of the file's bands is wanted, which matters in the file's own projection.
    """
    if same_crs(grid.crs, file.crs):
        return _unwarped(grid, file, resampling, lone=lone)
    return _warped(grid, file, resampling, some=some, nodata=nodata)


def _warped(grid: Grid, file: FileGrid, resampling: Resampling, *, some: bool, nodata: bool) -> Placement | None:
    level, view = best_level(grid, file, nearest=resampling == "nearest", some=some)
    size = file.levels[level]
    wanted = (grid.width, grid.height)
    twice = some and view != wanted and max(view) <= MAX_VIEW  # beyond, GDAL takes minutes for a tile
    width, height = view if twice else wanted
    split = some or not nodata  # then GDAL warps in pieces
    piece = PIECE[1] if split else width
    picture = replace(grid, width=width, height=height)
    exact = transformer(picture, file, size)
    shared = cells.fitted(picture, file, size) if resampling == "nearest" else None  # smooth ones show more
    fitted = polynomial.fit(exact, width, height) if shared is None else shared
    reach = control.extent(exact, width, height) if fitted is None else polynomial.reach(fitted)
    if fitted is None:
        rows = control.from_points(exact, width, height, piece)
    elif reach and _beyond(reach, size):
        return None
    else:
        rows = polynomial.rows(fitted, width, height, piece)
    if reach is None or _meets_edge(reach, size):
        rows = edges.settled(rows, exact, width, size)
    stretch: Stretch = (1.0, 1.0)
    pieces: Pieces = ()
    if split and RADIUS[resampling]:
        ends = control.extents(exact, width, height) if fitted is None else polynomial.reaches(fitted, width, height)
        stretch, pieces = stretches.of_pieces(ends, size, (width, height), RADIUS[resampling])
    elif reach is not None and resampling == "average":
        stretch = stretches.of_average(reach, wanted)
    elif reach is not None and RADIUS[resampling]:
        stretch = stretches.of_picture(reach, size, wanted, RADIUS[resampling])
    reserve = 1 if resampling == "average" else RADIUS[resampling]
    if twice and resampling == "nearest":
        rows, twice = control.resampled(rows, view, wanted), False
    spot = _windowed(rows, width if twice else grid.width, size, level, stretch, reserve, pieces)
    return replace(spot, view=view) if spot and twice else spot


def _unwarped(grid: Grid, file: FileGrid, resampling: Resampling, *, lone: bool) -> Placement | None:
    """A picture in the file's own projection."""
    left, bottom, right, top = grid.bounds
    turned = turn(grid, file)
    bounds = (left + turned, bottom, right + turned, top)
    axes = unwarped.window(bounds, file.transform, (file.width, file.height), (grid.width, grid.height))
    part = unwarped.part(axes, file.levels, nearest=resampling == "nearest", lone=lone)
    if part is None:
        return None
    size, reserve = file.levels[part.level], 1 if resampling == "average" else RADIUS[resampling]
    spot = _windowed(part.rows, grid.width, size, part.level, part.stretch, reserve)
    return None if spot is None else replace(spot, edge=part.edge)


def _beyond(reach: polynomial.Reach, size: tuple[int, int]) -> bool:
    """Does a picture lie wholly outside a source."""
    (left, right), (top, bottom) = reach
    return left > size[0] or right < 0 or top > size[1] or bottom < 0


def _meets_edge(reach: polynomial.Reach, size: tuple[int, int]) -> bool:
    """Does a picture come within a pixel of a source's edges."""
    return any(low < 1 or high > whole - 1 for (low, high), whole in zip(reach, size, strict=True))


def _windowed(
    rows: Control,
    columns: int,
    size: tuple[int, int],
    level: int,
    stretch: Stretch,
    radius: int,
    pieces: Pieces = (),
) -> Placement | None:
    """Cuts the source window around all places and shifts the control rows to it."""
    low_places, high_places = control.bounds(rows, columns)
    window = []
    for axis in (0, 1):
        if low_places[axis] > high_places[axis]:
            return None
        pad = math.ceil(radius / min(stretch[axis], 1.0)) + 1 if radius else 0
        low = max(0, math.floor(max(low_places[axis], -2.0)) - pad)
        high = min(size[axis], math.floor(min(high_places[axis], size[axis] + 2.0)) + 1 + pad)
        if high <= low:
            return None
        window += [low, high]
    left, right, top, bottom = window
    shifted = rows.segments.copy()
    shifted[:, 1] -= left
    shifted[:, 3] -= top
    return Placement(level, (left, top, right, bottom), Control(segments=shifted, first=rows.first), stretch, pieces)


def best_level(grid: Grid, file: FileGrid, *, nearest: bool, some: bool) -> tuple[int, tuple[int, int]]:
    """The overview that rio-tiler's view and GDAL's RasterIO choose (0: full resolution), and the view's size.

    Nearest takes a level up to 1.2 times too coarse, the others one just as coarse; with a tolerance of 0.1, which
    nearest of `some` of the file's bands has for the first overview only.
    """
    left, bottom, right, top = grid.bounds
    native = native_resolution(file, grid.crs)
    x_span = (right - left) / min(native[0], (right - left) / grid.width)
    y_span = (top - bottom) / min(native[1], (top - bottom) / grid.height)
    x_span, y_span = view = max(1, round(x_span)), max(1, round(y_span))
    wanted = min(x_span / grid.width, y_span / grid.height)
    if wanted <= 1.0:
        return 0, view
    limit = wanted * (1.2 if nearest else 1.0)
    best, best_factor, best_view = 0, 0.0, view
    for index, (width, _) in enumerate(file.levels[1:], 1):
        # GDAL takes the ratio of widths for both axes and rounds to whole pixels
        size = [max(1, int(span * width / file.width + 0.5)) for span in (x_span, y_span)]
        factor = min(x_span / size[0], y_span / size[1])
        if best_factor < factor < limit + (0.0 if nearest and some and best else 0.1):
            best, best_factor = index, factor
            best_view = size[0], size[1]
    return best, best_view


@lru_cache(4096)
def native_resolution(file: FileGrid, crs: str) -> tuple[float, float]:
    """Width and height of a file's pixel in units of a CRS, as GDAL suggests for the whole file."""
    a, _, c, _, e, f = file.transform
    source, target = parsed(file.crs), parsed(crs)
    width, height = file.width, file.height
    bounds = [c, f + e * height, c + a * width, f]
    if is_geographic(file.crs) and target == CRS.from_epsg(3857):
        low, high = -MERCATOR_LATITUDE, MERCATOR_LATITUDE
        if bounds[1] < high and bounds[3] > low and (bounds[1] < low or bounds[3] > high):
            bounds[1], bounds[3] = max(bounds[1], low), min(bounds[3], high)
            cut = from_bounds(*bounds, transform=_rasterio_affine(file.transform))
            width, height = max(1, round(cut.width)), max(1, round(cut.height))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            transform, _, _ = calculate_default_transform(source, target, width, height, *bounds)
    except (RasterioError, CPLE_BaseError, ValueError) as error:
        raise SourceUnreadable(UNDRAWABLE) from error
    size = abs(transform.a), abs(transform.e)
    if not all(0 < side < math.inf for side in size):
        raise SourceUnreadable(UNDRAWABLE)
    return size


def _rasterio_affine(transform: Affine) -> Any:
    from affine import Affine as RasterioAffine

    return RasterioAffine(*transform)
