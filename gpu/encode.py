"""Pictures to files on the CPU: JPEG by libjpeg-turbo, palette and RGBA PNG over ISA-L, WebP by Pillow.

None of the encoders but WebP holds the interpreter's lock.
"""

from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image

from gpu.backend import Encoded, Format, Picture
from gpu.jpeg import LIMIT
from gpu.scanlines import coloured, filtered, over, used

Background = tuple[int, int, int]
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_LEVEL = 2
"""ISA-L's level: 3 is twice as slow and 2 % smaller."""
WEBP_LIMIT = 16383
"""Width and height beyond which WebP cannot go."""


def encode(picture: Picture, format: Format, quality: int, background: Background) -> Encoded:
    """Encode any picture; `auto` takes JPEG for opaque pictures without classes, else PNG."""
    opaque = bool(picture.alpha.min(initial=255) == 255)
    empty = not opaque and not picture.alpha.any()
    chosen = format
    if format == "auto":
        chosen = "jpg" if opaque and not _discrete(picture) and max(picture.alpha.shape) <= LIMIT else "png"
    if chosen == "jpg" and max(picture.alpha.shape) > LIMIT:
        raise ValueError(f"a JPEG has at most {LIMIT} pixels a side")
    if chosen == "jpg":
        return Encoded(
            content=_jpeg(picture, quality, background, opaque=opaque), format="jpg", empty=empty, opaque=opaque
        )
    if chosen == "webp":
        return Encoded(content=_webp(picture, quality, opaque=opaque), format="webp", empty=empty, opaque=opaque)
    return Encoded(content=_png(picture, opaque=opaque), format="png", empty=empty, opaque=opaque)


def jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """(height, width, 3) RGB or (height, width, 4) RGBX to JPEG, 4:2:0.

    libjpeg-turbo's accurate DCT, which the GPU's encoder has too; TurboJPEG's own interface takes a faster,
    different one below a quality of 96.
    """
    height, width, _ = pixels.shape
    rgb = np.ascontiguousarray(pixels[..., :3]).reshape(-1).reshape(height, width, 3)  # plain strides, also of 1 x 1
    return bytes(imagecodecs.jpeg8_encode(rgb, level=quality, subsampling="420", optimize=False))


def png_rgb(pixels: NDArray[np.uint8]) -> bytes:
    """(height, width, 3) to PNG, every row filtered by its left neighbour."""
    height, width, channels = pixels.shape
    rows = np.empty((height, 1 + width * channels), np.uint8)
    rows[:, 0] = 1
    flat = pixels.reshape(height, width * channels)
    rows[:, 1 : 1 + channels] = flat[:, :channels]
    np.subtract(flat[:, channels:], flat[:, :-channels], out=rows[:, 1 + channels :])
    return _png_file(width, height, 8, 2, rows, b"")


def png_rgba(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> bytes:
    """(height, width, 3) and (height, width) to PNG; transparent pixels are 0 in every channel."""
    height, width = alpha.shape
    return _png_file(width, height, 8, 6, filtered(rgb, alpha), b"")


def png_palette(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """(height, width) indices and (n, 4) RGBA to an indexed PNG of as few bits as the palette needs."""
    height, width = indices.shape
    bits = next(bits for bits in (1, 2, 4, 8) if len(palette) <= 1 << bits)
    packed = indices if bits == 8 else _pack(indices, bits)
    rows = np.zeros((height, 1 + packed.shape[1]), np.uint8)
    rows[:, 1:] = packed
    colours = _chunk(b"PLTE", palette[:, :3].tobytes())
    alpha = palette[:, 3]
    if (alpha < 255).any():
        last = int(np.flatnonzero(alpha < 255)[-1])
        colours += _chunk(b"tRNS", alpha[: last + 1].tobytes())
    return _png_file(width, height, bits, 3, rows, colours)


def _discrete(picture: Picture) -> bool:
    """Classes have fewer than 256 colours; ramps have all."""
    return picture.palette is not None and len(picture.palette) < 256


def _rgb(picture: Picture) -> NDArray[np.uint8]:
    return picture.pixels if picture.palette is None else coloured(picture.pixels, picture.palette)


def _jpeg(picture: Picture, quality: int, background: Background, *, opaque: bool) -> bytes:
    rgb = _rgb(picture)
    return jpeg(rgb if opaque else over(rgb, picture.alpha, background), quality)


def _webp(picture: Picture, quality: int, *, opaque: bool) -> bytes:
    image = Image.fromarray(_rgb(picture) if opaque else picture.rgba())
    out = io.BytesIO()
    if _discrete(picture):
        image.save(out, "WEBP", lossless=True, method=1)
    else:
        image.save(out, "WEBP", quality=quality, method=1)
    return out.getvalue()


def _png(picture: Picture, *, opaque: bool) -> bytes:
    if picture.palette is None:
        return png_rgb(picture.pixels) if opaque else png_rgba(picture.pixels, picture.alpha)
    indexed = (picture.pixels, picture.palette) if opaque else _transparent_index(picture)
    return png_palette(*indexed) if indexed else png_rgba(_rgb(picture), picture.alpha)


def _transparent_index(picture: Picture) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Indices and palette with an entry for what is transparent; None where all 256 are in use."""
    assert picture.palette is not None
    clear = picture.alpha == 0
    palette = picture.palette
    if len(palette) < 256:
        spare = len(palette)
        palette = np.vstack([palette, np.zeros((1, 4), np.uint8)])
    else:
        free = np.flatnonzero(~used(picture.pixels, picture.alpha))
        if not len(free):
            return None
        spare = int(free[-1])
        palette = palette.copy()
        palette[spare] = 0
    return np.where(clear, np.uint8(spare), picture.pixels), palette


def _pack(indices: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Several indices in each byte, the first in the highest bits."""
    height, width = indices.shape
    each = 8 // bits
    padded = np.zeros((height, -(-width // each) * each), np.uint8)
    padded[:, :width] = indices
    out = np.zeros((height, padded.shape[1] // each), np.uint8)
    for place in range(each):
        out |= padded[:, place::each] << np.uint8(8 - bits * (place + 1))
    return out


def _png_file(width: int, height: int, bits: int, kind: int, rows: NDArray[np.uint8], colours: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    data = isal_zlib.compress(rows, PNG_LEVEL)
    return b"".join((PNG_SIGNATURE, _chunk(b"IHDR", header), colours, _chunk(b"IDAT", data), _chunk(b"IEND", b"")))


def _chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(tag)))
