"""How wide GDAL's kernels are: output pixels per source pixel, of a picture or of each of its pieces.

GDAL scales a kernel by the source window of what it warps at once. That is a whole picture where all of a file's bands
are read and it adds none of its own; else, without a nodata value (then it adds an alpha band) and where some of the
bands are read, it is one block of the warped picture after the other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gpu.backend import PIECE, Pieces, Stretch
from tileserver.control import EDGES, Evaluate

WIDE = 0.95
"""Stretch below which a kernel widens."""
Size = tuple[int, int]
"""Width and height."""
Range = tuple[float, float]


def of_picture(reach: tuple[Range, Range], size: Size, picture: Size, radius: int) -> Stretch:
    """The stretch of a picture that is warped at once and that reaches from x to x and y to y of a source."""
    x, y = (_axis(*axis, radius, margins=True) for axis in zip(reach, size, picture, strict=True))
    return x, y


def of_average(reach: tuple[Range, Range], picture: Size) -> Stretch:
    """The stretch of a picture whose pixels are averages: just what is under them counts."""
    x, y = (out / max(high - low, 1e-9) for (low, high), out in zip(reach, picture, strict=True))
    return x, y


def of_pieces(evaluate: Evaluate, size: Size, picture: Size, radius: int) -> tuple[Stretch, Pieces]:
    """The least stretch of a picture, and that of every piece, row by row; nothing where these are alike.

    `evaluate` gives the places of the picture's corners and edges; (1, 1) stands for kernels that do not widen.
    """
    width, height = picture
    high, wide = PIECE
    lefts, tops = np.arange(0, width, wide), np.arange(0, height, high)
    rights, bottoms = np.minimum(lefts + wide, width), np.minimum(tops + high, height)
    columns = lefts[:, None] + (rights - lefts)[:, None] * EDGES[0]
    rows = tops[:, None] + (bottoms - tops)[:, None] * EDGES[1]
    shape = len(tops), len(lefts), len(EDGES[0])
    places = evaluate(np.broadcast_to(columns, shape).ravel(), np.broadcast_to(rows[:, None], shape).ravel())
    x, y = (_snapped(axis).reshape(shape) for axis in places)
    ends = np.stack([x.min(axis=2), x.max(axis=2), y.min(axis=2), y.max(axis=2)], axis=2).tolist()
    counts = (bottoms - tops).tolist(), (rights - lefts).tolist()
    pieces = tuple(
        tuple(_piece(end, size, (across, down), radius) for end, across in zip(line, counts[1], strict=True))
        for line, down in zip(ends, counts[0], strict=True)
    )
    every = {piece for line in pieces for piece in line}
    least = min(x for x, _ in every), min(y for _, y in every)
    return least, pieces if len(every) > 1 else ()


def _piece(ends: list[float], size: Size, out: Size, radius: int) -> Stretch:
    if not all(map(math.isfinite, ends)):
        return 1.0, 1.0
    reach = (ends[0], ends[1]), (ends[2], ends[3])
    x, y = (_axis(*axis, radius, margins=False) for axis in zip(reach, size, out, strict=True))
    return (1.0, 1.0) if min(x, y) >= WIDE else (x, y)


def _snapped(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole numbers where they are next to one: a picture that ends where a pixel does, does not touch the next."""
    whole = np.round(places)
    return np.where(np.abs(places - whole) < 1e-6, whole, places)


def _axis(reach: Range, size: int, out: int, radius: int, *, margins: bool) -> float:
    """GDAL's scale of a kernel along an axis.

    `reach` is the range of the picture in a source of `size` pixels. `margins`: all pixels that GDAL reads count, those
    for the kernel's reach among them, else those under the picture. Near 1 / whole is snapped.
    """
    low, high = reach
    span = max(high - low, 1e-9)
    first, last = int(max(0.0, low)), int(min(np.ceil(high), size))
    wide = int(np.ceil(radius / max(out / span, 1e-3))) if out < WIDE * span else radius
    start = max(0, first - wide)
    count: float = size if last - first > 0.9 * size else min(size - start, last - start + wide)
    if not margins:
        under = min(float(size - first), span)
        count = out if count >= out >= under else under
    if count <= 0:
        return 1.0
    scale = out / count
    whole = int(1.0 / scale + 0.5)
    return 1.0 / whole if scale < 1.0 and abs(1.0 / scale - whole) < 0.05 else scale
