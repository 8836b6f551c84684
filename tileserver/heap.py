"""The C library's heap: what a tile frees stays with the process for the next one.

glibc gives large pieces back to the system at once and takes them anew, and the kernel clears every page of them
again: a tenth to a fifth of the time of a tile whose blocks have to be decoded. It also gives threads heaps of their
own, each of which would keep what its largest tile took; here all threads share one, which costs no time that could
be measured: with eight drawing threads a server is 100 MiB smaller.
"""

from __future__ import annotations

import ctypes
from functools import cache

# malloc.h of glibc
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
LARGEST = 32 << 20
"""Pieces up to this come from the heap; glibc allows no more."""
SPARE = 16 << 20
"""Free memory at the end of a heap that is kept."""
HEAPS = 1


@cache
def keep_pages() -> bool:
    """Ask for it, once per process and before it has threads; false where that cannot be asked (macOS, musl)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    wanted = {M_MMAP_THRESHOLD: LARGEST, M_TRIM_THRESHOLD: SPARE, M_ARENA_MAX: HEAPS}
    return all(mallopt(option, value) for option, value in wanted.items())
