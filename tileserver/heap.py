"""The C library's heap: what a tile frees stays with the process for the next one.

glibc gives large pieces back to the system at once and takes them anew, and the kernel clears every page of them
again: a tenth to a fifth of the time of a tile whose blocks have to be decoded.
"""

from __future__ import annotations

import ctypes
from functools import cache

# malloc.h of glibc
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST = 32 << 20
"""Pieces up to this come from the heap; glibc allows no more."""
SPARE = 16 << 20
"""Free memory at the end of a heap that is kept."""


@cache
def keep_pages() -> bool:
    """Ask for it, once per process; false where the C library cannot be asked (macOS, musl)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST)) and bool(mallopt(M_TRIM_THRESHOLD, SPARE))
