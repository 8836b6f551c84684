"""The structs of the kernels as NumPy types. A test compares every offset with the compiler's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

MAX_VARIABLES = 32
MAX_OUTPUTS = 32
MAX_LAYERS = 64

PIXEL_TYPES = {
    np.dtype(name): code
    for code, name in enumerate(("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"))
}
RESAMPLINGS = {"nearest": 0, "bilinear": 1, "cubic": 2, "average": 3}
REDUCERS = {"first": 0, "best": 0, "median": 1, "mean": 2, "max": 3, "min": 4}
RGB, RAMP, CLASSES, INTERVALS = range(4)


def _fields(**types: str) -> list[tuple[str, str]]:
    return [(name, f"<{kind}") for kind, names in types.items() for name in names.split()]


SOURCE = np.dtype(
    [
        *_fields(u8="pixels valid segments first table pieces", i8="pitch"),
        *_fields(f8="nodata scale offset"),
        ("stretch", "<f8", 2),
        *_fields(i4="width height type has_nodata same_place table_low pieces_across unused"),
    ]
)
LAYER = np.dtype(_fields(u8="hidden", i4="first_source mask"))
INSTRUCTION = np.dtype(_fields(f8="operand", i4="code unused"))
JOB = np.dtype(
    [
        *_fields(u8="sources layers program ranges keys palette curves pixels indices values valid counts"),
        *_fields(i4="layer_count variables outputs width height top fresh"),
        *_fields(i4="resampling plain physical reduced mode palette_size"),
        ("reducers", "u1", MAX_OUTPUTS),
        ("program_end", "<i4", MAX_OUTPUTS),
        ("used", "<u4", MAX_OUTPUTS + 1),
    ]
)
IMAGE = np.dtype(
    [
        *_fields(u8="pixels", i4="width height mcus_x mcus_y first_interval intervals"),
        *_fields(u4="background", i4="top"),
    ]
)
REGION = np.dtype(_fields(u8="values inside result", i8="count"))
NO_SOURCE = (*(0,) * 7, *(1.0,) * 3, (1.0, 1.0), *(0,) * 8)
"""A row of SOURCE: nothing here."""


@dataclass(frozen=True, slots=True)
class PixelType:
    """What the kernels know of a NumPy type."""

    dtype: np.dtype[Any]
    """In the machine's byte order."""
    code: int | None
    """Its number in types.cuh; None: no kernel reads it."""
    is_float: bool
    lowest: int
    """The smallest integer that it stores; 0 for floats."""


@lru_cache(maxsize=64)
def pixel_type(dtype: np.dtype[Any]) -> PixelType:
    """The kernels' view of a type, in any byte order."""
    native = dtype.newbyteorder("=")
    lowest = int(np.iinfo(native).min) if native.kind in "iu" else 0
    return PixelType(native, PIXEL_TYPES.get(native), native.kind == "f", lowest)
