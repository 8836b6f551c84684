"""LZW as TIFF has it, decoded within given memory.

Written after section 13 of the TIFF 6.0 specification: codes of 9 to 12 bits, the highest bit first, one bit wider a
code early. Every string of the table is a piece of what is decoded already, so the table holds places, not strings.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN202

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

CLEAR, END, FIRST = 256, 257, 258
ENTRIES = 4096
BROKEN = -1

jit = numba.njit(nogil=True, cache=True)


@jit
def _decode(data, out):
    """How many bytes came out, or BROKEN."""
    starts, lengths = np.empty(ENTRIES, np.int64), np.empty(ENTRIES, np.int64)
    bits, held, at = 0, 0, 0
    width, entries = 9, FIRST
    filled, before, length = 0, 0, 0
    while filled < out.shape[0]:
        while held < width:
            if at == data.shape[0]:
                return filled
            bits = (bits << 8 | data[at]) & 0xFFFFFF
            at += 1
            held += 8
        held -= width
        code = bits >> held & ((1 << width) - 1)
        if code == END:
            return filled
        if code == CLEAR:
            width, entries, length = 9, FIRST, 0
            continue
        if length > 0 and entries < ENTRIES:  # the string before and the first byte of this one, which comes next
            starts[entries], lengths[entries] = before, length + 1
            entries += 1
            if entries + 1 == 1 << width and width < 12:
                width += 1
        before = filled
        if code < CLEAR:
            out[filled] = code
            length = 1
        elif code < entries:
            start, length = starts[code], min(lengths[code], out.shape[0] - filled)
            for i in range(length):
                out[filled + i] = out[start + i]
        else:
            return BROKEN
        filled += length
    return filled


def lzw_decode(data: bytes, *, out: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The start of `out`, as far as the data go. Raises ValueError for codes that no table has.

    So does the form from before TIFF 6.0, lowest bit first, which begins with a byte of zero.
    """
    if data[:1] == b"\0" and data[1:2] != b"" and data[1] & 1:
        raise ValueError("codes of an old form")
    count = _decode(np.frombuffer(data, np.uint8), out)
    if count == BROKEN:
        raise ValueError("a code that is in no table")
    return out[:count]


def warm() -> None:
    """Compile or load the loop."""
    lzw_decode(b"\x80\x00", out=np.empty(1, np.uint8))
