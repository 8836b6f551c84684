"""The structs of kernels/types.cuh and kernels/jpeg.cuh as bytes. A test compares every offset with the compiler's."""

from __future__ import annotations

import struct

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

SOURCE = struct.Struct("<5Qq5d6i")
"""pixels, valid, segments, first, table, pitch, nodata, scale, offset, stretch_x, stretch_y, width, height, type,
has_nodata, same_place, table_low."""
LAYER = struct.Struct("<Qii")
"""hidden, first_source, mask."""
INSTRUCTION = np.dtype([("operand", "<f8"), ("code", "<i4"), ("unused", "<i4")])
JOB = struct.Struct(f"<12Q11i{MAX_OUTPUTS}s{MAX_OUTPUTS}i{MAX_OUTPUTS + 1}I")
"""sources, layers, program, ranges, keys, palette, curves, pixels, indices, values, valid, counts; layer_count,
variables, outputs, width, height, resampling, plain, physical, reduced, mode, palette_size; reducers, program_end,
used."""
IMAGE = struct.Struct("<Q6iIi")
"""pixels, width, height, mcus_x, mcus_y, first_interval, intervals, background, unused."""
REGION = struct.Struct("<3Qq")
"""values, inside, result, count."""
NO_SOURCE = SOURCE.pack(*(0,) * 6, *(1.0,) * 5, *(0,) * 6)
