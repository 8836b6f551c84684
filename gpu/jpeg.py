"""JPEG tables and headers, laid out as libjpeg-turbo writes them, so that files are equal to the byte.

Numbers are from ITU-T T.81, annex K; quality scales them as libjpeg does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Sampling = Literal["444", "420", "grey"]

SAMPLINGS: dict[Sampling, int] = {"444": 0, "420": 1, "grey": 2}
"""Number of each sampling in kernels/jpeg.cuh."""
INTERVALS: dict[Sampling, int] = {"444": 32, "420": 16, "grey": 96}
"""MCUs of a restart interval: 96 blocks each, what one thread block codes in shared memory."""
LIMIT = 65500
"""Width and height beyond which libjpeg cannot go."""

ZIGZAG = np.array([
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14,
    21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53,
    60, 61, 54, 47, 55, 62, 63,
])  # fmt: skip
"""Natural position of each zigzag position."""

_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22,
    29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103,
    121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66,
    *(99,) * 38,
)  # fmt: skip

Huffman = tuple[bytes, bytes]
"""Number of codes of each length 1..16, and the symbols in code order."""

_DC_LUMA: Huffman = (bytes.fromhex("00010501010101010100000000000000"), bytes(range(12)))
_DC_CHROMA: Huffman = (bytes.fromhex("00030101010101010101010000000000"), bytes(range(12)))
_AC_LUMA: Huffman = (
    bytes.fromhex("0002010303020403050504040000017d"),
    bytes.fromhex(
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a2526"
        "2728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485"
        "868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6"
        "d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
)
_AC_CHROMA: Huffman = (
    bytes.fromhex("00020102040403040705040400010277"),
    bytes.fromhex(
        "0001020311040521310612415107617113223281081442 91a1b1c109233352f0156272d10a162434e125f1171819"
        "1a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a8283"
        "8485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4"
        "d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
    ),
)
_HUFFMAN = ((0x00, _DC_LUMA), (0x10, _AC_LUMA), (0x01, _DC_CHROMA), (0x11, _AC_CHROMA))
"""In the order of the file, by class and number."""

TABLES = np.dtype(
    [
        ("reciprocal", "<u4", (2, 64)),
        ("correction", "<u4", (2, 64)),
        ("shift", "<u4", (2, 64)),
        ("ac", "<u4", (2, 256)),
        ("dc", "<u4", (2, 16)),
        ("zigzag", "u1", 64),
    ],
    align=True,
)
"""struct JpegTables of kernels/jpeg.cuh."""


def quantisation(quality: int) -> NDArray[np.int64]:
    """(2, 64): luma and chroma divisors of a quality 1..100, natural order."""
    if not 1 <= quality <= 100:
        raise ValueError(f"JPEG quality is 1 to 100, got {quality}")
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    divisors: NDArray[np.int64] = np.clip((np.array([_LUMA, _CHROMA]) * scale + 50) // 100, 1, 255)
    return divisors


def codes(table: Huffman) -> dict[int, tuple[int, int]]:
    """Symbol to (code, length): canonical, as annex C derives them."""
    found, code, position = {}, 0, 0
    for length, count in enumerate(table[0], start=1):
        for symbol in table[1][position : position + count]:
            found[symbol] = (code, length)
            code += 1
        position += count
        code <<= 1
    return found


def reciprocal(divisor: int) -> tuple[int, int, int]:
    """(factor, correction, shift): (x + correction) * factor >> shift is x / divisor rounded, for 16 bits.

    The exact scheme of libjpeg-turbo's quantiser (jcdctmgr.c), after Agner Fog's division by constants.
    """
    bits = divisor.bit_length() - 1
    shift = 16 + bits
    factor, rest = divmod(1 << shift, divisor)
    correction = divisor // 2
    if rest == 0:
        factor >>= 1
        shift -= 1
    elif rest <= divisor // 2:
        correction += 1
    else:
        factor += 1
    return factor, correction, shift


@lru_cache(maxsize=256)
def tables(quality: int) -> NDArray[Any]:
    """(1,) of TABLES for the encoder. Divisors are times 8, the scale of the DCT."""
    out = np.zeros(1, TABLES)
    for component, divisors in enumerate(quantisation(quality)):
        for n, divisor in enumerate(divisors):
            factor, correction, shift = reciprocal(int(divisor) * 8)
            out["reciprocal"][0, component, n] = factor
            out["correction"][0, component, n] = correction * factor
            out["shift"][0, component, n] = shift
    for name, component, table in (
        ("dc", 0, _DC_LUMA), ("ac", 0, _AC_LUMA), ("dc", 1, _DC_CHROMA), ("ac", 1, _AC_CHROMA),
    ):  # fmt: skip
        for symbol, (code, length) in codes(table).items():
            out[name][0, component, symbol] = code << 8 | length
    out["zigzag"][0, ZIGZAG] = np.arange(64)
    return out


@lru_cache(maxsize=256)
def header(quality: int, sampling: Sampling, interval: int) -> tuple[bytes, int]:
    """SOI to SOS with a frame of size 0 x 0, and the position of its height (2 bytes) and width (2 bytes)."""
    components = 1 if sampling == "grey" else 3
    out = b"\xff\xd8" + _segment(0xE0, b"JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    for number, divisors in enumerate(quantisation(quality)[: min(components, 2)]):
        out += _segment(0xDB, bytes([number]) + bytes(divisors[ZIGZAG].astype(np.uint8)))
    size_at = len(out) + 5
    first = b"\x01\x22\x00" if sampling == "420" else b"\x01\x11\x00"
    frame = (first + b"\x02\x11\x01\x03\x11\x01")[: 3 * components]
    out += _segment(0xC0, b"\x08\0\0\0\0" + bytes([components]) + frame)
    for number, (counts, symbols) in _HUFFMAN[: 2 if components == 1 else 4]:
        out += _segment(0xC4, bytes([number]) + counts + symbols)
    if interval:
        out += _segment(0xDD, interval.to_bytes(2, "big"))
    scan = b"\x01\x00\x02\x11\x03\x11"[: 2 * components]
    return out + _segment(0xDA, bytes([components]) + scan + b"\x00\x3f\x00"), size_at


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body
