"""TIFF predictors undone in compiled code; bands come out apart, (bands, height, width)."""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

jit = numba.njit(nogil=True, cache=True)


@jit
def _sums(words, out, start):
    height, width, bands = words.shape
    for r in range(height):
        for b in range(bands):
            total = words[r, 0, b]
            out[b, start + r, 0] = total
            for c in range(1, width):
                total += words[r, c, b]
                out[b, start + r, c] = total


@jit
def _float_sums(rows, out, start, itemsize):
    """Rows of differenced bytes, the highest bytes of all numbers first."""
    samples, width = out.shape[0], out.shape[2] // itemsize
    numbers = width * samples
    row = np.empty(rows.shape[1], np.uint8)
    for r in range(rows.shape[0]):
        row[:] = rows[r]
        for c in range(samples, row.shape[0]):
            row[c] += row[c - samples]
        for b in range(samples):
            for c in range(width):
                for k in range(itemsize):
                    out[b, start + r, c * itemsize + itemsize - 1 - k] = row[k * numbers + c * samples + b]


def undo_difference(words: NDArray[Any], out: NDArray[Any], start: int) -> None:
    """(height, width, bands) unsigned words differenced along rows, into `out` (bands, …, width) from row `start`."""
    _sums(_fixed(words), out, start)


def undo_float(rows: NDArray[np.uint8], out: NDArray[np.uint8], start: int, itemsize: int) -> None:
    """(height, bytes) of floating-point prediction (Adobe technical note 3) into the bytes of `out` from `start`."""
    _float_sums(_fixed(rows), out, start, itemsize)


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    """Read-only, so that kernels are compiled for one kind of array only."""
    array = array.view()
    array.flags.writeable = False
    return array


def warm() -> None:
    """Compile or load every kernel for every type."""
    for itemsize in (1, 2, 4, 8):
        words = np.zeros((2, 4, 2), f"u{itemsize}")
        undo_difference(words, np.empty((2, 2, 4), words.dtype), 0)
    undo_float(np.zeros((2, 16), np.uint8), np.empty((1, 2, 16), np.uint8), 0, 4)
