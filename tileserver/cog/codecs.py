"""Compressed blocks to pixels: (bands, height, width) in the machine's byte order.

Nothing here trusts a block: the output's size is fixed before decoding, and images that carry their own size
(JPEG, WebP, LERC) are asked for it first.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from tileserver.cog.lzw import lzw_decode
from tileserver.cog.predictors import undo_difference, undo_float
from tileserver.cog.tiff import Directory

NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS = 1, 5, 7, 8, 32946, 32773
LERC, LZMA, ZSTD, WEBP = 34887, 34925, 50000, 50001
YCBCR = 6
MAX_SCANS = 100
"""Scans of a progressive JPEG; each costs as much time as all pixels, for as little as ten bytes."""
NO_LENGTH = frozenset((0x00, 0x01, *range(0xD0, 0xDA)))
"""JPEG markers without content."""
LERC_TYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")

Bytes = NDArray[np.uint8]
Block = NDArray[Any]


class BlockError(ValueError):
    """A block that cannot be decoded."""


_STREAMS: dict[int, Callable[..., Any]] = {
    LZW: lzw_decode,
    DEFLATE: imagecodecs.deflate_decode,
    OLD_DEFLATE: imagecodecs.deflate_decode,
    PACKBITS: imagecodecs.packbits_decode,
    LZMA: imagecodecs.lzma_decode,
    ZSTD: imagecodecs.zstd_decode,
}


_PLAIN = frozenset((NONE, *_STREAMS))
_DTYPES = frozenset({(kind, bits) for kind in "ui" for bits in (8, 16, 32, 64)} | {("f", 16), ("f", 32), ("f", 64)})


def unsupported(image: Directory) -> str:
    """Why blocks of this image cannot be decoded here; empty if they can."""
    if image.mask and image.bits == 1 and image.bands == 1:
        return "" if image.compression in _PLAIN else f"masks of compression {image.compression}"
    if not image.kind or (image.kind, image.bits) not in _DTYPES:
        return f"pixels of {image.bits} bits"
    if image.compression in _PLAIN:
        floats = image.kind == "f"
        fine = image.predictor == 1 or (image.predictor == 2 and not floats) or (image.predictor == 3 and floats)
        return "" if fine else f"predictor {image.predictor} for this type"
    if image.compression in (JPEG, WEBP):
        return "" if image.bits == 8 and image.samples in (1, 3, 4) else "JPEG or WebP of an odd type"
    if image.compression == LERC:
        return "" if len(image.lerc) >= 2 and image.lerc[1] in (0, 1, 2) else "LERC of an unknown version"
    return f"compression {image.compression}"


def pixel_type(image: Directory) -> np.dtype[Any]:
    """The type of decoded pixels; half floats become float32, as in GDAL."""
    return _pixel_type(image.kind, image.bits)


@lru_cache
def _pixel_type(kind: str, bits: int) -> np.dtype[Any]:
    if bits == 1:
        return np.dtype(np.uint8)
    return np.dtype(f"{kind}{max(bits, 32) // 8 if kind == 'f' else bits // 8}")


def block_height(image: Directory, row: int) -> int:
    """Rows of a block in block row `row`: the last strip of an image may be shorter."""
    if image.tiled:
        return image.block_height
    return min(image.block_height, image.height - row * image.block_height)


def decode(image: Directory, data: bytes, row: int) -> Block:
    """One block of block row `row`."""
    height = block_height(image, row)
    try:
        if image.bits == 1:
            return _bits(image, data, height)
        if image.compression in (JPEG, WEBP):
            return _picture(image, data, height)
        if image.compression == LERC:
            return _lerc(image, data, height)
        return _stream(image, data, height)
    except BlockError:
        raise
    except (RuntimeError, ValueError, struct.error, MemoryError) as error:
        raise BlockError("A block of the file is broken.") from error


def _inflate(compression: int, data: bytes, length: int) -> Bytes:
    """Exactly `length` bytes of a compressed stream."""
    if compression == NONE:
        out = np.frombuffer(data, np.uint8)[:length]
    else:
        out = _STREAMS[compression](data, out=np.empty(length, np.uint8))
    if len(out) != length:
        raise BlockError("A block of the file is too short.")
    return out


def row_bytes(image: Directory) -> int:
    """Length of a row of a block before compression."""
    return image.block_width * image.samples * (image.bits // 8)


def by_rows(image: Directory) -> bool:
    """Can rows be decoded before those below them: a deflate stream of numbers of their final size."""
    half = image.kind == "f" and image.bits == 16
    return image.compression in (DEFLATE, OLD_DEFLATE) and image.bits > 1 and not half


def empty(image: Directory, height: int) -> Block:
    """Room for the stored numbers of a block."""
    return np.empty((image.samples, height, image.block_width), f"{image.kind}{image.bits // 8}")


def unpredict(image: Directory, raw: Bytes, out: Block, start: int) -> None:
    """Rows of a stream into `out` (bands, height, width) from row `start` on. Overwrites `raw` if it may."""
    itemsize = image.bits // 8
    if image.predictor == 3:
        undo_float(raw.reshape(-1, row_bytes(image)), out.view(np.uint8), start, itemsize)
        return
    words = raw.view(f"u{itemsize}").reshape(-1, image.block_width, image.samples)
    if image.big_endian and itemsize > 1:
        words = words.byteswap()
    if image.predictor == 2:
        undo_difference(words, out.view(words.dtype), start)
    else:
        out.view(words.dtype)[:, start : start + len(words)] = np.moveaxis(words, -1, 0)


def _stream(image: Directory, data: bytes, height: int) -> Block:
    out = empty(image, height)
    unpredict(image, _inflate(image.compression, data, height * row_bytes(image)), out, 0)
    return out.astype(np.float32) if out.dtype == np.float16 else out


def _bits(image: Directory, data: bytes, height: int) -> Block:
    """A mask of one bit per pixel: 255 where valid."""
    stride = -(-image.block_width // 8)
    raw = _inflate(image.compression, data, height * stride).reshape(height, stride)
    return (np.unpackbits(raw, axis=1)[:, : image.block_width] * np.uint8(255))[None]


def _picture(image: Directory, data: bytes, height: int) -> Block:
    size = (_jpeg_size if image.compression == JPEG else _webp_size)(data)
    if size[0] > image.block_width or size[1] not in (height, image.block_height):
        raise BlockError("A block of the file has another size than its header says.")
    if image.compression == JPEG:
        pixels = _jpeg(image, data)
    else:
        pixels = imagecodecs.webp_decode(data, hasalpha=image.samples == 4)
    pixels = pixels.reshape(*pixels.shape[:2], -1)[:height]
    if pixels.shape != (height, image.block_width, image.samples):
        raise BlockError("A block of the file has another shape than its header says.")
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def _jpeg(image: Directory, data: bytes) -> Block:
    tables = image.tables or None
    if data[_frame(data) + 4] != 8 or data.count(b"\xff\xda") > MAX_SCANS:
        raise BlockError("A JPEG block of the file is of an odd kind.")
    if image.samples == 3 and image.photometric == YCBCR and _halved(data):
        return _jpeg_by_gdal(image, data)
    if image.samples == 3:
        space = "YCBCR" if image.photometric == YCBCR else "RGB"
        return np.asarray(imagecodecs.jpeg8_decode(data, tables=tables, colorspace=space, outcolorspace="RGB"))
    return np.asarray(imagecodecs.jpeg8_decode(data, tables=tables))


def _jpeg_by_gdal(image: Directory, data: bytes) -> Block:
    """Libraries differ in how they smooth colours of halved resolution: GDAL's own decoder gives GDAL's pixels."""
    whole = image.tables[:-2] + data[2:] if image.tables else data
    try:
        with warnings.catch_warnings(), MemoryFile(whole) as memory:
            warnings.simplefilter("ignore")  # a block has no place on Earth
            with memory.open(driver="JPEG") as dataset:
                if (dataset.width, dataset.height) != _jpeg_size(data):
                    raise BlockError("A block of the file has another size than its header says.")
                return np.moveaxis(dataset.read(), 0, -1)
    except (RasterioError, CPLE_BaseError) as error:
        raise BlockError("A block of the file is broken.") from error


def _halved(data: bytes) -> bool:
    """Are colours stored at a lower resolution than brightness?"""
    at = _frame(data)
    return len(set(data[at + 11 : at + 11 + 3 * data[at + 9] : 3])) > 1


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height in the start of frame."""
    height, width = struct.unpack_from(">HH", data, _frame(data) + 5)
    return width, height


def _frame(data: bytes) -> int:
    """Where the start of frame is: marker, length (2), precision, height (2), width (2), components, their triples."""
    at = 2
    while at + 10 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in NO_LENGTH:  # decoders skip them, so what follows is no longer what we take it for
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return at
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise BlockError("A JPEG block of the file has no frame.")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of the three kinds of WebP."""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (word,) = struct.unpack_from("<I", data, 21)
        return (word & 0x3FFF) + 1, (word >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    raise BlockError("A WebP block of the file has no frame.")


def _lerc(image: Directory, data: bytes, height: int) -> Block:
    """LERC2, bare or within deflate or ZSTD; GDAL masks what is NaN."""
    dtype = np.dtype(f"{image.kind}{image.bits // 8}")
    most = height * image.block_width * image.samples * dtype.itemsize
    wrapped = image.lerc[1]
    if wrapped:
        data = _unwrapped({1: DEFLATE, 2: ZSTD}[wrapped], data, 2 * most + 4096)
    shape, stored, length = _lerc_header(data)
    if (*shape, stored) != (height, image.block_width, image.samples, dtype):
        raise BlockError("A LERC block of the file has another shape than its header says.")
    pixels, masks = imagecodecs.lerc_decode(data[:length], masks=True)  # another image may follow
    if pixels.dtype != dtype or pixels.size != most // dtype.itemsize:
        raise BlockError("A LERC block of the file has another shape than its header says.")
    if masks is not None and not np.all(masks):
        if dtype.kind != "f":
            raise BlockError("A LERC block of the file has masked pixels.")
        pixels = np.where(np.reshape(masks, pixels.shape), pixels, dtype.type(np.nan))
    pixels = pixels.reshape(height, image.block_width, image.samples)
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def _unwrapped(compression: int, data: bytes, limit: int) -> bytes:
    out = _STREAMS[compression](data, out=np.empty(limit, np.uint8))
    return bytes(out)


def _lerc_header(data: bytes) -> tuple[tuple[int, int, int], np.dtype[Any], int]:
    """Rows, columns and bands of a LERC2 blob, its type, and its length in bytes."""
    if data[:6] != b"Lerc2 ":
        raise BlockError("A LERC block of the file is of an old version.")
    (version,) = struct.unpack_from("<i", data, 6)
    at = 14 if version >= 3 else 10
    rows, columns = struct.unpack_from("<ii", data, at)
    (bands,) = struct.unpack_from("<i", data, at + 8) if version >= 4 else (1,)
    length, kind = struct.unpack_from("<8xii", data, at + (12 if version >= 4 else 8))
    if not (0 <= kind < len(LERC_TYPES) and 0 < length <= len(data)):
        raise BlockError("A LERC block of the file has a header that makes no sense.")
    return (rows, columns, bands), np.dtype(LERC_TYPES[kind]), length
