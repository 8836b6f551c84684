"""What the GPU does, measured where one is: python -m benchmarks.gpu [--emulate] [--json FILE].

Every case states its boundary: what lies where when the clock starts, and where the answer is when it stops. Times are
medians of wall time around whole calls of the backend, planning in Python and the copy to host memory included. Before
anything is measured, the answers are compared with the CPU backend and with libjpeg-turbo. Without a GPU it says so
and exits 2; --emulate runs the same code small on the host emulation, which proves the script and measures nothing.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from benchmarks.gpu_cases import Bench, control, job, rgb
from gpu.backend import Job
from gpu.cuda.device import Device
from gpu.devices import why_no_cuda


def prove(bench: Bench) -> None:
    """Pictures equal the CPU's, files libjpeg-turbo's to the byte."""
    size = min(bench.size, 700)
    bands = [band[: size + 40, : size + 40] for band in bench.bands]
    for resampling in ("nearest", "bilinear", "cubic", "average"):
        one = job(bands, control(size, 3.3, 2.1, 1.0, 0.01), size, rgb(resampling))
        a, b = bench.gpu.shade(one).rgba(), bench.cpu.shade(one).rgba()
        assert np.array_equal(a[..., 3], b[..., 3]), f"{resampling}: validity differs"
        assert np.abs(a.astype(int) - b).max() <= 1, f"{resampling}: more than one grey level"
        if resampling == "nearest":
            assert np.array_equal(a, b), "nearest differs"
    picture = np.ascontiguousarray(bench.gpu.shade(one).pixels)
    for sampling, code, interval in (("420", 2, 16), ("444", 0, 32)):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=85, subsampling=code, restart_marker_blocks=interval)
        assert bench.gpu.jpeg([picture], 85, sampling)[0] == file.getvalue(), f"JPEG {sampling} differs"  # type: ignore[arg-type]
    print("answers: equal to the CPU backend; JPEG equal to libjpeg-turbo to the byte\n")


def granules(bench: Bench) -> None:
    """One whole scene to one JPEG."""
    n, where = bench.size, control(bench.size)
    pixels = n * n
    for resampling in ("nearest", "bilinear", "cubic"):
        resident = job(bench.bands, where, n, rgb(resampling), key="granule")
        name = "granule, 3 x uint16 resident" + ("" if resampling == "nearest" else f", {resampling}")
        bench.measure(
            name,
            "bands in GPU memory -> one JPEG in host memory",
            lambda one=resident: bench.gpu.draw([one]),
            pixels=pixels,
        )
    small = [(band >> 4).astype(np.uint8) for band in bench.bands]
    resident = job(small, where, n, rgb(high=255), key="bytes")
    bench.measure(
        "granule, RGB bytes resident",
        "bands in GPU memory -> one JPEG in host memory",
        lambda: bench.gpu.draw([resident]),
        pixels=pixels,
    )
    for name, bands, recipe in (("3 x uint16", bench.bands, rgb()), ("RGB bytes", small, rgb(high=255))):
        pinned = []
        for band in bands:
            memory = bench.device.pinned(band.nbytes).view(band.dtype).reshape(band.shape)
            memory[:] = band
            pinned.append(memory)
        one = job(pinned, where, n, recipe)
        bench.measure(
            f"granule, {name} from pinned memory",
            "bands in page-locked host memory -> one JPEG in host memory",
            lambda one=one: bench.gpu.draw([one]),
            pixels=pixels,
            runs=max(bench.runs // 4, 1),
        )
    one = job(bench.bands, where, n, rgb())
    bench.measure(
        "CPU: granule",
        "bands in host memory -> one JPEG in host memory, CPU backend",
        lambda: bench.cpu.draw([one]),
        pixels=pixels,
        runs=1,
    )


def deflate(bench: Bench) -> None:
    """From the blocks of a COG: inflated by CPU threads, and by nvCOMP where it is installed."""
    n, block = bench.size, min(1024, bench.size)
    edges = range(0, n, block)
    packed = [
        [
            (y, x, imagecodecs.zlib_encode(band[y : y + block, x : x + block].tobytes(), level=6))
            for y in edges
            for x in edges
        ]
        for band in bench.bands
    ]
    where = control(n)
    buffers = [bench.device.pinned(2 * n * n).view(np.uint16).reshape(n, n) for _ in range(3)]

    def inflate(entry: tuple[int, int, int, bytes]) -> None:
        band, y, x, data = entry
        height, width = min(block, n - y), min(block, n - x)
        raw = imagecodecs.zlib_decode(data, out=2 * height * width)
        buffers[band][y : y + height, x : x + width] = np.frombuffer(raw, np.uint16).reshape(height, width)

    entries = [(i, y, x, data) for i, blocks in enumerate(packed) for y, x, data in blocks]
    with ThreadPoolExecutor() as threads:
        bench.measure(
            "granule, from deflate blocks",
            f"deflate blocks of {block} pixels in host memory -> CPU threads -> page-locked -> one JPEG in host memory",
            lambda: (list(threads.map(inflate, entries)), bench.gpu.draw([job(buffers, where, n, rgb())])),
            pixels=n * n,
            runs=max(bench.runs // 4, 1),
        )
    nvcomp = installed("nvidia.nvcomp")
    if nvcomp is None:
        print("    nvCOMP is not installed (pip install nvidia-nvcomp-cu13): not compared")
        return
    codec = nvcomp.Codec(algorithm="Deflate", bitstream_kind=nvcomp.BitstreamKind.RAW)
    raw = [nvcomp.as_array(data[2:-4]).cuda() for _, _, _, data in entries]  # without zlib's frame
    bench.measure(
        "nvCOMP: inflate alone",
        "deflate blocks in GPU memory -> decoded blocks in GPU memory",
        lambda: codec.decode(raw),
        pixels=n * n,
    )


def tiles(bench: Bench) -> None:
    """Batches of 256 pixel tiles, and one alone, from resident bands."""
    rng = np.random.default_rng(1)
    span = bench.size - 300

    def some(count: int, resampling: str) -> list[Job]:
        places = rng.uniform(0, span, (count, 2))
        recipe = rgb(resampling)
        return [job(bench.bands, control(256, x + 8, y, 0.999, 0.02), 256, recipe, key="granule") for x, y in places]

    for resampling in ("nearest", "bilinear", "cubic"):
        for count in (1, 4) if bench.emulated else (1, 8, 64, 512):
            jobs = some(count, resampling)
            name = f"batch of {count} tiles" + ("" if resampling == "nearest" else f", {resampling}")
            spent = bench.measure(
                name,
                "bands in GPU memory -> JPEG tiles of 256 pixels in host memory",
                lambda jobs=jobs: bench.gpu.draw(jobs),
                pixels=65536 * count,
            )
            print(f"    {1e3 * count / spent:,.0f} tiles/s")
    jobs = some(4 if bench.emulated else 64, "nearest")
    bench.measure(
        f"CPU: batch of {len(jobs)} tiles",
        "bands in host memory, one core, CPU backend",
        lambda: bench.cpu.draw(jobs),
        pixels=65536 * len(jobs),
        runs=3,
    )


def pyramid(bench: Bench) -> None:
    """Every tile of a granule from native resolution up, overviews by halves."""
    levels = [bench.bands]
    while levels[-1][0].shape[0] > 256:
        levels.append([np.ascontiguousarray(band[::2, ::2]) for band in levels[-1]])
    jobs = [
        job(bands, control(256, x, y), 256, rgb(), key=("level", number))
        for number, bands in enumerate(levels[:7])
        for y in range(0, bands[0].shape[0], 256)
        for x in range(0, bands[0].shape[1], 256)
    ]
    print(f"    {len(jobs)} tiles")
    bench.measure(
        "pyramid z8-z14",
        "bands and overviews in GPU memory -> JPEG tiles of 256 pixels in host memory",
        lambda: bench.gpu.draw(jobs),
        pixels=65536 * len(jobs),
        runs=max(bench.runs // 4, 1),
    )


def medians(bench: Bench) -> None:
    """A cloud-free composite of thirty dates."""
    n = min(bench.size, 2048)
    where = control(n)
    rng = np.random.default_rng(2)
    stacks = [[np.roll(band, int(rng.integers(0, 999)))[:n, :n].copy() for band in bench.bands] for _ in range(30)]
    layers = tuple(
        layer for i, bands in enumerate(stacks) for layer in job(bands, where, n, rgb(), key=("date", i)).layers
    )
    one = Job(layers=layers, recipe=rgb(), height=n, width=n, reducers=("median",), format="jpg")
    bench.measure(
        "median of 30 dates",
        f"30 x 3 bands of {n} pixels in GPU memory -> one JPEG in host memory",
        lambda: bench.gpu.draw([one]),
        pixels=n * n,
    )
    bench.measure(
        "CPU: median of 30 dates", "the same on the CPU backend", lambda: bench.cpu.draw([one]), pixels=n * n, runs=1
    )


def peers(bench: Bench) -> None:
    """NVIDIA's own JPEG encoder on the same picture."""
    codec = installed("nvidia.nvimgcodec")
    if codec is None:
        print("nvImageCodec is not installed (pip install nvidia-nvimgcodec-cu13 nvidia-nvjpeg): not compared")
        return
    import cupy

    n = bench.size
    picture = cupy.asarray(np.stack([(band >> 4).astype(np.uint8) for band in bench.bands], -1))
    encoder, image = codec.Encoder(), codec.as_image(picture)
    settings = codec.EncodeParams(quality_value=85, chroma_subsampling=codec.ChromaSubsampling.CSS_420)
    bench.measure(
        "nvJPEG: granule, RGB bytes resident",
        "interleaved RGB in GPU memory -> one JPEG in host memory",
        lambda: encoder.encode(image, ".jpg", settings),
        pixels=n * n,
    )


def installed(name: str) -> Any:
    """A module, None where it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def describe() -> str:
    """Name, driver, clocks and link of the GPU."""
    clocks, link = "clocks.sm,clocks.max.sm,clocks.mem,power.limit", "pcie.link.gen.current,pcie.link.width.current"
    asked = f"name,driver_version,{clocks},{link}"
    try:
        done = subprocess.run(
            ["nvidia-smi", f"--query-gpu={asked}", "--format=csv"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "nvidia-smi does not answer: driver and clocks are unknown"
    return done.stdout.strip()


def open_device(*, emulate: bool) -> Device:
    """The GPU, or its emulation."""
    if emulate:
        from tests.gpu.host.device import HostDevice

        return HostDevice()
    from gpu.cuda.cupy_device import CupyDevice

    return CupyDevice()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulate", action="store_true", help="run the same code small on the CPU")
    parser.add_argument("--json", type=Path, help="also write the numbers to a file")
    options = parser.parse_args()
    reason = why_no_cuda()
    if reason and not options.emulate:
        print(f"No GPU to measure: {reason}. --emulate runs the same code on the CPU.")
        return 2
    device = open_device(emulate=options.emulate)
    print(device.name, "(emulated: times mean nothing)" if options.emulate else f"\n{describe()}")
    small = options.emulate
    bench = Bench(device, size=600 if small else 10980, runs=1 if small else 20, emulated=small)
    Image.MAX_IMAGE_PIXELS = None
    prove(bench)
    for part in (granules, deflate, tiles, pyramid, medians, peers):
        part(bench)
    if not options.emulate:
        print(describe())
    if options.json:
        options.json.write_text(json.dumps({"device": device.name, "smi": describe(), "rows": bench.rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
