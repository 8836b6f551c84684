"""The physical limit: what a tile must cost at least, from its parts measured on this machine and these files.

Inflating by libdeflate, undoing the predictor, one table look-up for each pixel, libjpeg-turbo or ISA-L, an HTTP
answer. Nothing for Python, for choosing items or for the operating system. Computed, not measured end to end.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import mercantile
import numba
import numpy as np
import rasterio
from isal import isal_zlib
from numpy.typing import NDArray
from rasterio.warp import transform_bounds

from benchmarks.granule import CRS, RGB
from benchmarks.peers.floor import BODY
from benchmarks.server import Server, uvicorn
from benchmarks.workloads import Workload

_SAMPLES = 40
_COARSER = 1.2
"""GDAL takes an overview up to this much too coarse."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Milliseconds of CPU; drawing and encoding by pixels a side."""

    block: float
    """A block of 512 x 512 uint16: inflated, predictor undone."""
    inflate: float
    """Of which inflating."""
    draw: dict[int, float]
    jpeg: dict[int, float]
    png: dict[int, float]
    http: float

    def picture(self, workload: Workload) -> float:
        """A tile whose blocks are there."""
        encode = self.png if workload.ndvi else self.jpeg
        return self.draw[workload.size] + encode[workload.size] + self.http


@dataclass(frozen=True, slots=True)
class Blocks:
    """How many blocks tiles need."""

    each: float
    """A tile, on average, when none is kept."""
    rows: float
    """Share of these up to the last row that the tile needs: a stream can be inflated from its start only."""
    once: float
    """A tile, on average, when each block is read once."""


def blocks(path: Path, tiles: Sequence[mercantile.Tile], size: int, bands: int) -> Blocks:
    """Blocks of the overview that GDAL picks, counted from the tiles' bounds."""
    with rasterio.open(path) as dataset:
        place, width, height = ~dataset.transform, dataset.width, dataset.height
        edge, factors = dataset.block_shapes[0][0], [1, *dataset.overviews(1)]
    seen: set[tuple[int, int, int]] = set()
    count, rows = 0, 0.0
    for tile in tiles:
        box = transform_bounds("EPSG:3857", CRS, *mercantile.xy_bounds(tile))
        (left, top), (right, bottom) = place * (box[0], box[3]), place * (box[2], box[1])
        factor = max(each for each in factors if each <= max(1, (right - left) / size * _COARSER))
        x0, x1 = (_clip(value, width) / factor / edge for value in (left, right))
        y0, y1 = (_clip(value, height) / factor / edge for value in (top, bottom))
        for row in range(int(y0), int(y1) + 1):
            across = range(int(x0), int(x1) + 1)
            seen.update((factor, row, column) for column in across)
            count += len(across)
            rows += len(across) * min(1, y1 - row)
    return Blocks(count * bands / len(tiles), rows * bands / len(tiles), len(seen) * bands / len(tiles))


def _clip(value: float, size: int) -> float:
    return min(max(value, 0), size - 1)


def measure(folder: Path, port: int) -> Parts:
    """The parts, from blocks of the folder's own red band."""
    data = _streams(folder / f"{RGB[0]}.tif")
    out = np.empty(512 * 512 * 2, np.uint8)
    words = [imagecodecs.deflate_decode(one, out=np.empty_like(out)).view(np.uint16).reshape(512, 512) for one in data]
    plain = np.empty((512, 512), np.uint16)
    inflate = _each(lambda one: imagecodecs.deflate_decode(one, out=out), data)
    undo = _each(lambda one: imagecodecs.delta_decode(one, axis=-1, out=plain), words)
    bands = [imagecodecs.delta_decode(one, axis=-1) for one in words]
    draw, jpeg, png = {}, {}, {}
    for size in (256, 512):
        tiles = [_drawn(band, size) for band in bands]
        draw[size] = _each(lambda band, size=size: _drawn(band, size), bands)  # type: ignore[misc]
        jpeg[size] = _each(lambda tile: imagecodecs.jpeg8_encode(tile, level=85, subsampling="420"), tiles)
        png[size] = _each(lambda tile: isal_zlib.compress(tile[..., 0].tobytes(), 2), tiles)
    return Parts(inflate + undo, inflate, draw, jpeg, png, _http(port))


def _each(work: Callable[[Any], object], inputs: Sequence[Any]) -> float:
    """Median CPU milliseconds."""
    work(inputs[0])
    spent = []
    for one in inputs:
        start = time.process_time()
        work(one)
        spent.append(time.process_time() - start)
    return statistics.median(spent) * 1000


def _streams(path: Path) -> list[bytes]:
    """Compressed blocks of full resolution, spread over the file."""
    with rasterio.open(path) as dataset, path.open("rb") as file:
        across, down = (-(-size // 512) for size in (dataset.width, dataset.height))
        out = []
        for number in range(_SAMPLES):
            block = number * (across * down) // _SAMPLES
            name = f"{block % across}_{block // across}"
            offset, size = (
                int(dataset.get_tag_item(f"BLOCK_{what}_{name}", "TIFF", bidx=1)) for what in ("OFFSET", "SIZE")
            )
            file.seek(offset)
            out.append(file.read(size))
    return out


def _drawn(band: NDArray[np.uint16], size: int) -> NDArray[np.uint8]:
    """(size, size, 3) from three bands: nearest neighbours through a table."""
    rows = np.linspace(0, 511, size).astype(np.int32)
    out = np.empty((size, size, 3), np.uint8)
    _gather(band, band, band, rows, rows, _table(), out)
    return out


@cache
def _table() -> NDArray[np.uint8]:
    return (np.arange(65536) * 255 // 3000).clip(0, 255).astype(np.uint8)


@numba.njit(nogil=True)  # type: ignore[misc]
def _gather(red: Any, green: Any, blue: Any, rows: Any, columns: Any, table: Any, out: Any) -> None:
    for i in range(len(rows)):
        for j in range(len(columns)):
            out[i, j, 0] = table[red[rows[i], columns[j]]]
            out[i, j, 1] = table[green[rows[i], columns[j]]]
            out[i, j, 2] = table[blue[rows[i], columns[j]]]


def _http(port: int) -> float:
    """CPU of an answer that is there already."""
    with Server(uvicorn("benchmarks.peers.floor:app", port), port, {}) as server:
        paths = [f"/{number}" for number in range(2000)]
        server.ask(paths[:200], 8)
        assert len(server.answers(["/"])[0].body) == len(BODY)
        return statistics.median(server.ask(paths, 8).cpu for _ in range(3))
