"""Compiled loops that put pixels as encoders take them: flattened, coloured, filtered."""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gpu.compiled import contiguous, jit

Bytes = NDArray[np.uint8]


def over(rgb: Bytes, alpha: Bytes, background: tuple[int, int, int]) -> Bytes:
    """(height, width, 3) colours over one colour, rounded."""
    out = np.empty(rgb.shape, np.uint8)
    over_kernel(contiguous(rgb), contiguous(alpha), np.array(background, np.uint8), out)
    return out


def coloured(indices: Bytes, palette: Bytes) -> Bytes:
    """(height, width) indices of an (n <= 256, 4) palette as (height, width, 3) colours."""
    colours = np.zeros((256, 4), np.uint8)
    colours[: len(palette)] = palette
    out = np.empty((*indices.shape, 3), np.uint8)
    colour_kernel(contiguous(indices), colours, out)
    return out


def filtered(rgb: Bytes, alpha: Bytes) -> Bytes:
    """(height, 1 + 4 * width) rows of a PNG: RGBA less the left neighbour; 0 in all channels where transparent."""
    rows = np.empty((rgb.shape[0], 1 + 4 * rgb.shape[1]), np.uint8)
    filter_kernel(contiguous(rgb), contiguous(alpha), rows)
    return rows


def used(indices: Bytes, alpha: Bytes) -> NDArray[np.bool_]:
    """(256,) which indices are visible."""
    seen = np.zeros(256, np.bool_)
    used_kernel(contiguous(indices), contiguous(alpha), seen)
    return seen


@jit
def over_kernel(rgb, alpha, background, out):
    """Integers rounded half up, as the kernels of the GPU do."""
    for r in range(rgb.shape[0]):
        line, shown, made = rgb[r], alpha[r], out[r]
        for c in range(rgb.shape[1]):
            weight = np.uint32(shown[c])
            if weight == 255:
                made[c, 0], made[c, 1], made[c, 2] = line[c, 0], line[c, 1], line[c, 2]
                continue
            for channel in range(3):
                ground = np.uint32(background[channel]) * (np.uint32(255) - weight)
                made[c, channel] = (line[c, channel] * weight + ground + np.uint32(127)) // np.uint32(255)


@jit
def colour_kernel(indices, palette, out):
    """`palette` has a colour for every byte."""
    for r in range(indices.shape[0]):
        line, made = indices[r], out[r]
        for c in range(indices.shape[1]):
            for channel in range(3):
                made[c, channel] = palette[line[c], channel]


@jit
def filter_kernel(rgb, alpha, rows):
    """Filter 1 of PNG."""
    for r in range(rgb.shape[0]):
        line, shown, made = rgb[r], alpha[r], rows[r]
        made[0] = 1
        red, green, blue, opacity = np.uint8(0), np.uint8(0), np.uint8(0), np.uint8(0)
        for c in range(rgb.shape[1]):
            there = np.uint8(shown[c] != 0)
            x, y, z, w = line[c, 0] * there, line[c, 1] * there, line[c, 2] * there, shown[c]
            made[4 * c + 1], made[4 * c + 2], made[4 * c + 3] = x - red, y - green, z - blue
            made[4 * c + 4] = w - opacity
            red, green, blue, opacity = np.uint8(x), np.uint8(y), np.uint8(z), w


@jit
def used_kernel(indices, alpha, seen):
    """Marks what is visible."""
    for r in range(indices.shape[0]):
        for c in range(indices.shape[1]):
            if alpha[r, c] != 0:
                seen[indices[r, c]] = True
