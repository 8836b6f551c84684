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
def _sums_in_place(rows):
    for r in range(rows.shape[0]):
        row = rows[r]
        for c in range(1, row.shape[0]):
            row[c] += row[c - 1]


@jit
def _sums_apart(words, out):
    height, width, bands = words.shape
    for r in range(height):
        for b in range(bands):
            total = words[r, 0, b]
            out[b, r, 0] = total
            for c in range(1, width):
                total += words[r, c, b]
                out[b, r, c] = total


@jit
def _float_apart(rows, width, samples, itemsize, out):
    """Rows of differenced bytes, the highest bytes of all numbers first."""
    numbers = width * samples
    for r in range(rows.shape[0]):
        row = rows[r]
        for c in range(samples, row.shape[0]):
            row[c] += row[c - samples]
        for b in range(samples):
            for c in range(width):
                for k in range(itemsize):
                    out[b, r, c * itemsize + itemsize - 1 - k] = row[k * numbers + c * samples + b]


def undo_difference(words: NDArray[Any], *, difference: bool) -> NDArray[Any]:
    """(height, width, bands) unsigned words, differenced along rows or not. May work in place."""
    height, width, bands = words.shape
    if bands == 1:
        if difference:
            _sums_in_place(words.reshape(height, width))
        return words.reshape(1, height, width)
    if not difference:
        return np.ascontiguousarray(np.moveaxis(words, -1, 0))
    out = np.empty((bands, height, width), words.dtype)
    _sums_apart(words, out)
    return out


def undo_float(rows: NDArray[np.uint8], width: int, samples: int, itemsize: int) -> NDArray[Any]:
    """(height, bytes) of floating-point prediction (Adobe technical note 3) to words."""
    out = np.empty((samples, rows.shape[0], width * itemsize), np.uint8)
    _float_apart(rows, width, samples, itemsize, out)
    return out.view(f"u{itemsize}")


def warm() -> None:
    """Compile or load every kernel for every type."""
    for itemsize in (1, 2, 4, 8):
        words = np.zeros((2, 4, 2), f"u{itemsize}")
        undo_difference(words[..., :1].copy(), difference=True)
        undo_difference(words, difference=True)
    undo_float(np.zeros((2, 16), np.uint8), 4, 1, 4)
