"""NVIDIA's own parts on the same data: nvImageCodec (nvJPEG) and nvCOMP. A missing wheel costs its row."""

from __future__ import annotations

import importlib
import io
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.gpu_cases import Bench

ALIGN = 16
"""Bytes that nvCOMP wants compressed blocks aligned to."""


class Missing(RuntimeError):
    """A wheel that is not installed."""


def installed(name: str, wheel: str) -> Any:
    """A module, or Missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Missing(f"pip install {wheel}") from error


def nvjpeg(bench: Bench) -> None:
    """The granule and a batch of tiles as interleaved RGB, which it wants."""
    codec = installed("nvidia.nvimgcodec", "nvidia-nvimgcodec-cu13 nvidia-nvjpeg")
    cupy = installed("cupy", "cupy-cuda13x")
    n = bench.size
    host = np.stack([(band >> 4).astype(np.uint8) for band in bench.bands], -1)
    params = codec.EncodeParams(
        quality_type=codec.QualityType.QUALITY, quality_value=85, chroma_subsampling=codec.ChromaSubsampling.CSS_420
    )
    encoder = codec.Encoder()
    picture = codec.as_image(cupy.asarray(host))
    made = encoder.encode(picture, "jpeg", params=params)
    if made is None:
        raise RuntimeError("nvImageCodec did not encode: is nvidia-nvjpeg installed?")
    shown = np.asarray(Image.open(io.BytesIO(memoryview(made))))
    error = np.abs(shown[:512, :512].astype(int) - host[:512, :512]).mean()
    assert error < 12, f"its picture is another one (mean difference {error:.1f})"
    print(f"    nvImageCodec {codec.__version__}, file of {made.size:,} bytes")
    bench.measure(
        "nvJPEG: granule, RGB bytes resident",
        "interleaved RGB in GPU memory -> one JPEG in host memory",
        lambda: encoder.encode(picture, "jpeg", params=params),
        pixels=n * n,
    )
    side = min(256, n)
    tiles = [
        codec.as_image(cupy.asarray(np.ascontiguousarray(host[y : y + side, x : x + side])))
        for y, x in np.random.default_rng(1).integers(0, n - side + 1, (64, 2))
    ]
    spent = bench.measure(
        "nvJPEG: 64 tiles",
        "interleaved RGB tiles of 256 pixels in GPU memory -> JPEG tiles in host memory; nothing is warped",
        lambda: encoder.encode(tiles, "jpeg", params=params),
        pixels=side * side * 64,
    )
    print(f"    {1e3 * 64 / spent:,.0f} tiles/s")


def nvcomp(bench: Bench, blocks: list[list[tuple[int, int, bytes]]], block: int) -> None:
    """Blocks of a COG, inflated on the GPU and put in order there; `blocks`: of each band (row, column, zlib)."""
    library = installed("nvidia.nvcomp", "nvidia-nvcomp-cu13")
    cupy = installed("cupy", "cupy-cuda13x")
    n, across = bench.size, -(-bench.size // block)
    entries = [data[2:-4] for band in blocks for _, _, data in band]  # without zlib's frame
    offsets = np.concatenate([[0], np.cumsum([-(-len(data) // ALIGN) * ALIGN for data in entries])]).tolist()
    host = bench.device.pinned(offsets[-1])
    for at, data in zip(offsets, entries, strict=False):
        host[at : at + len(data)] = np.frombuffer(data, np.uint8)
    sizes = [len(data) for data in entries]
    stream = cupy.cuda.Stream(non_blocking=True)
    codec = library.Codec(algorithm="Deflate", bitstream_kind=library.BitstreamKind.RAW, cuda_stream=stream.ptr)
    packed = cupy.empty(offsets[-1], cupy.uint8)
    raw = cupy.empty((3, across, across, block, block), cupy.uint16)
    each = 2 * block * block
    ends = [each * i for i in range(len(entries))]
    source = library.as_arrays(packed, offsets[:-1], sizes, stream.ptr)
    target = library.as_arrays(raw.reshape(-1).view(cupy.uint8), ends, [each] * len(entries), stream.ptr)

    def inflate() -> Any:
        with stream:
            packed.set(host, stream=stream)
            codec.decode(source, out=target)
            bands = cupy.ascontiguousarray(raw.transpose(0, 1, 3, 2, 4)).reshape(3, across * block, across * block)
        stream.synchronize()
        return bands

    bands = inflate()
    for i, band in enumerate(bench.bands):
        assert np.array_equal(cupy.asnumpy(bands[i, :n, :n]), band), "nvCOMP: the pixels differ"
    bench.measure(
        "granule, from deflate blocks by nvCOMP",
        f"deflate blocks of {block} pixels in page-locked memory -> GPU inflates -> bands in order in GPU memory"
        " (to a JPEG: add the resident granule)",
        inflate,
        pixels=n * n,
        runs=max(bench.runs // 4, 1),
    )
