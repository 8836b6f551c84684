"""Fractal noise by filtering white noise in the frequency domain: no lattice, no visible repetition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""(height, width), rows from the north."""

MARGIN = 1.25
"""The spectrum's own period is this much longer than the picture, so that opposite edges do not match."""


def fractal(
    seed: int,
    shape: tuple[int, int],
    pixel: float,
    *,
    longest: float,
    shortest: float = 0.0,
    hurst: float = 0.8,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Field:
    """Noise of mean 0 and standard deviation 1.

    Args:
        seed: the same seed gives the same picture.
        shape: (height, width) in pixels.
        pixel: metres.
        longest: wavelength in metres above which there is no further power.
        shortest: wavelength in metres below which power fades out.
        hurst: 1 is smooth, 0 is rough; amplitude falls with frequency to the power of -(hurst + 1).
        stretch: how much longer structures are along `angle` (radians, from east towards south).
    """
    height, width = (_even(n * MARGIN) for n in shape)
    white = np.random.default_rng(seed).standard_normal((height, width // 2 + 1, 2), dtype=np.float32)
    fy = np.fft.fftfreq(height, pixel).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(width, pixel).astype(np.float32)[None, :]
    along = (fx * np.float32(np.cos(angle)) + fy * np.float32(np.sin(angle))) * np.float32(stretch)
    across = fy * np.float32(np.cos(angle)) - fx * np.float32(np.sin(angle))
    square = along * along + across * across
    gain = (square + np.float32(1 / longest**2)) ** np.float32(-(hurst + 1) / 2)
    if shortest > 0:
        gain *= np.exp(-square * np.float32(shortest**2))
    gain[0, 0] = 0
    field = np.fft.irfft2(white.view(np.complex64)[..., 0] * gain, s=(height, width))
    field = field[: shape[0], : shape[1]]
    return ((field - field.mean()) / field.std()).astype(np.float32)


def _even(size: float) -> int:
    """The next multiple of 16, which transforms fast."""
    return int(np.ceil(size / 16)) * 16


def smoothstep(low: float, high: float, value: Field) -> Field:
    """0 below `low`, 1 above `high`, a soft ramp between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
