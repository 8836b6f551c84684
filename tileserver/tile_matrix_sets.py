"""Tile matrix sets: OGC's own, ours for Central Europe and France, the operator's from a folder.

The sets in `tms/` were computed for satellite pixels: a corner on a whole multiple of 60 m, and cell sizes
20480, 10240, … 20, 10, 5 … m, so that the 10 m and 20 m pixels of a UTM granule are the tiles' own pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import morecantile
from morecantile import TileMatrixSet
from morecantile.models import TileMatrix
from pydantic import ValidationError
from pyproj import CRS, Transformer
from pyproj._crs import Axis

from tileserver.errors import NotFound
from tileserver.models import Bbox, Grid

WELL_KNOWN = ("WebMercatorQuad", "WorldCRS84Quad", "WGS1984Quad", "EuropeanETRS89_LAEAQuad")
SHIPPED = Path(__file__).parent / "tms"
_METRES_AT_ZOOM_0 = 2 * math.pi * 6378137 / 256


class TileMatrixSets(Mapping[str, TileMatrixSet]):
    """The sets that this server offers, by identifier. Frozen."""

    def __init__(self, sets: Mapping[str, TileMatrixSet]) -> None:
        self._sets = dict(sets)

    def __getitem__(self, key: str) -> TileMatrixSet:
        """One set; "EPSG:5514" finds "EPSG5514". Raises NotFound."""
        try:
            return self._sets[key.replace("EPSG:", "EPSG")]
        except KeyError:
            raise NotFound("tile matrix set", key, self._sets) from None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.replace("EPSG:", "EPSG") in self._sets

    def __iter__(self) -> Iterator[str]:
        return iter(self._sets)

    def __len__(self) -> int:
        return len(self._sets)


def load_tile_matrix_sets(folder: Path | None = None) -> TileMatrixSets:
    """All sets; those in `folder` (one OGC TMS 2.0 JSON file each) come last and may replace others.

    Raises ValueError naming the file that is no tile matrix set.
    """
    sets = {name: morecantile.tms.get(name) for name in WELL_KNOWN}
    files = sorted(SHIPPED.glob("*.json")) + (sorted(folder.glob("*.json")) if folder else [])
    for file in files:
        try:
            tms = TileMatrixSet.model_validate_json(file.read_bytes())
        except (ValidationError, ValueError, morecantile.errors.MorecantileError) as error:
            raise ValueError(f"{file.name} is no OGC tile matrix set: {error}") from error
        name = tms.id or file.stem
        sets[name] = tms if tms.id else tms.model_copy(update={"id": name})
    return TileMatrixSets(sets)


@dataclass(frozen=True, slots=True)
class Limits:
    """The tiles of one matrix that may hold data; all four numbers are inclusive."""

    matrix: str
    min_row: int
    max_row: int
    min_col: int
    max_col: int


def crs_code(tms: TileMatrixSet) -> str:
    """Authority and code, EPSG:3857 or OGC:CRS84; WKT where the CRS has none."""
    authority = tms.crs.srs.rstrip("/").rsplit("/", 3)
    if tms.crs.srs.startswith("http") and len(authority) == 4:
        return f"{authority[1]}:{authority[3]}"
    return tms.crs.to_wkt()


def grid_crs(tms: TileMatrixSet) -> str:
    """The CRS for a Grid, where x always comes before y: OGC:CRS84 is EPSG:4326 there."""
    code = crs_code(tms)
    return "EPSG:4326" if code == "OGC:CRS84" else code


def matrix_of(tms: TileMatrixSet, zoom: int) -> TileMatrix:
    """The matrix of a zoom that the set really has. Raises NotFound."""
    if not tms.minzoom <= zoom <= tms.maxzoom:
        raise NotFound(f"tile matrix of {tms.id}", zoom, map(str, range(tms.minzoom, tms.maxzoom + 1)))
    return tms.matrix(zoom)


def tile_grid(tms: TileMatrixSet, zoom: int, col: int, row: int, *, scale: int = 1) -> Grid:
    """The pixels of a tile, `scale` times as many per side. Raises NotFound beyond the matrix."""
    matrix = matrix_of(tms, zoom)
    if not (0 <= col < matrix.matrixWidth and 0 <= row < matrix.matrixHeight):
        raise NotFound("tile", f"{zoom}/{col}/{row}")
    bounds = tms.xy_bounds(morecantile.Tile(col, row, zoom))
    return Grid(
        crs=crs_code(tms),  # not EPSG:4326 for OGC:CRS84: rio-tiler warps files of the one onto grids of the other
        bounds=(bounds.left, bounds.bottom, bounds.right, bounds.top),
        width=matrix.tileWidth * scale,
        height=matrix.tileHeight * scale,
    )


@lru_cache(maxsize=64)
def _place(crs: str, frame: tuple[float, float, float, float]) -> tuple[Transformer, Bbox]:
    """The way from degrees to a CRS, and a frame of that CRS in degrees."""
    left, bottom, right, top = frame
    back = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    area = back.transform_bounds(left, bottom, right, top, densify_pts=21)
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True), area


def project(bbox: Bbox, tms: TileMatrixSet) -> tuple[float, float, float, float] | None:
    """The part of a bbox that the set covers, as left, bottom, right, top of its CRS; None if nothing.

    A bbox across the antimeridian takes the full width.
    """
    west, south, east, north = bbox
    if west > east:
        west, east = -180.0, 180.0
    frame = tms.xy_bbox
    to_crs, area = _place(grid_crs(tms), (frame.left, frame.bottom, frame.right, frame.top))
    if all(math.isfinite(value) for value in area) and area[0] < area[2]:
        west, south = max(west, area[0]), max(south, area[1])
        east, north = min(east, area[2]), min(north, area[3])
    if west > east or south > north:
        return None
    left, bottom, right, top = to_crs.transform_bounds(west, south, east, north, densify_pts=21)
    if not all(math.isfinite(value) for value in (left, bottom, right, top)):
        return frame.left, frame.bottom, frame.right, frame.top
    left, bottom = max(left, frame.left), max(bottom, frame.bottom)
    right, top = min(right, frame.right), min(top, frame.top)
    return (left, bottom, right, top) if left <= right and bottom <= top else None


@lru_cache(maxsize=64)
def _first_axis(crs: str) -> Axis:
    return CRS.from_user_input(crs).axis_info[0]


def native_zoom(tms: TileMatrixSet, bbox: Bbox, maxzoom: int) -> int:
    """The zoom whose cells are about as large as WebMercatorQuad's at `maxzoom` in the middle of the bbox."""
    if tms.id == "WebMercatorQuad":
        return min(maxzoom, tms.maxzoom)
    latitude = math.radians(max(-85.0, min(85.0, (bbox[1] + bbox[3]) / 2)))
    metres = _METRES_AT_ZOOM_0 / 2**maxzoom
    axis = _first_axis(grid_crs(tms))
    if axis.unit_name == "degree":
        unit = math.radians(1) * 6378137  # the denominators of OGC's scales: metres along the equator
    else:
        unit = axis.unit_conversion_factor or 1.0
        metres *= math.cos(latitude)
    nearest = min(tms.tileMatrices, key=lambda matrix: abs(math.log2(matrix.cellSize * unit / metres)))
    return int(nearest.id)


def limits(tms: TileMatrixSet, bbox: Bbox, maxzoom: int) -> tuple[Limits, ...]:
    """Which tiles of each matrix, from the coarsest to the native one, touch the bbox; empty: none at all."""
    area = project(bbox, tms)
    if area is None:
        return ()
    deepest = native_zoom(tms, bbox, maxzoom)
    return tuple(_limits(tms, matrix, area) for matrix in tms.tileMatrices if int(matrix.id) <= deepest)


def _limits(tms: TileMatrixSet, matrix: TileMatrix, area: tuple[float, float, float, float]) -> Limits:
    frame = tms.xy_bounds(morecantile.Tile(0, 0, int(matrix.id)))
    width, height = matrix.cellSize * matrix.tileWidth, matrix.cellSize * matrix.tileHeight
    left, bottom, right, top = area
    cols = (left - frame.left) / width, (right - frame.left) / width
    if matrix.cornerOfOrigin == "topLeft":
        rows = (frame.top - top) / height, (frame.top - bottom) / height
    else:
        rows = (bottom - frame.bottom) / height, (top - frame.bottom) / height
    min_row, max_row = _span(rows, matrix.matrixHeight)
    min_col, max_col = _span(cols, matrix.matrixWidth)
    return Limits(matrix.id, min_row, max_row, min_col, max_col)


def _span(ends: tuple[float, float], count: int) -> tuple[int, int]:
    """First and last tile between two positions in tiles; a position on an edge opens no further tile."""
    first = max(0, min(count - 1, math.floor(ends[0] + 1e-9)))
    last = max(first, min(count - 1, math.ceil(ends[1] - 1e-9) - 1))
    return first, last
