"""How wide GDAL's kernels are: output pixels per source pixel, of a picture or of each of its pieces.

GDAL scales a kernel by the source window of what it warps at once. That is a whole picture where all of a file's bands
are read and it adds none of its own; else, without a nodata value (then it adds an alpha band) and where some of the
bands are read, it is one block of the warped picture after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gpu.backend import PIECE, Pieces, Stretch

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


def of_pieces(ends: NDArray[np.float64], size: Size, picture: Size, radius: int) -> tuple[Stretch, Pieces]:
    """The least stretch of a picture, and that of every piece, row by row; nothing where these are alike.

    `ends` (down, across, 4): from x to x and y to y of every piece; NaN: unknown. (1, 1) stands for kernels that do
    not widen.
    """
    high, wide = PIECE
    pieces = tuple(
        tuple(
            _piece(end, size, (min(wide, picture[0] - j * wide), min(high, picture[1] - i * high)), radius)
            for j, end in enumerate(line)
        )
        for i, line in enumerate(ends.tolist())
    )
    every = {piece for line in pieces for piece in line}
    least = min(x for x, _ in every), min(y for _, y in every)
    return least, pieces if len(every) > 1 else ()


def _piece(ends: Sequence[float], size: Size, out: Size, radius: int) -> Stretch:
    if any(map(math.isnan, ends)):
        return 1.0, 1.0
    left, right, top, bottom = map(_snapped, ends)
    x = _axis((left, right), size[0], out[0], radius, margins=False)
    y = _axis((top, bottom), size[1], out[1], radius, margins=False)
    return (1.0, 1.0) if min(x, y) >= WIDE else (x, y)


def _snapped(place: float) -> float:
    """A whole number that is next: a picture that ends where a pixel does, does not touch the next."""
    whole = round(place)
    return float(whole) if abs(place - whole) < 1e-6 else place


def _axis(reach: Range, size: int, out: int, radius: int, *, margins: bool) -> float:
    """GDAL's scale of a kernel along an axis.

    `reach` is the range of the picture in a source of `size` pixels. `margins`: all pixels that GDAL reads count, those
    for the kernel's reach among them, else those under the picture. Near 1 / whole is snapped.
    """
    low, high = reach
    span = max(high - low, 1e-9)
    first, last = int(max(0.0, low)), min(math.ceil(high), size)
    wide = math.ceil(radius / max(out / span, 1e-3)) if out < WIDE * span else radius
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
