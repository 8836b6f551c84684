"""How loops are compiled: without the interpreter's lock, kept on disk, in the very order of operations written."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

jit = numba.njit(nogil=True, cache=True, error_model="numpy")
"""Neither fastmath nor bounds checks: callers check shapes. A file of kernels calls only kernels of its own, since
what is kept on disk is made anew only when the file itself changes."""

EPSILON = 1e-10
"""Added before flooring a coordinate, as GDAL does."""
VALID = 256
"""Bit of a 16-bit level that says that there is a value; the grey level 0..255 is below it."""


def contiguous(array: NDArray[Any]) -> NDArray[Any]:
    """In C order, aligned and writable: the one layout that kernels are compiled for ahead of requests."""
    return array if array.flags.carray else np.array(array, order="C")
