"""The parts of the GPU benchmark: each states what lies where when the clock starts and when it stops."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import imagecodecs
import numpy as np

from benchmarks import gpu_peers
from benchmarks.gpu_cases import Bench, control, job, rgb
from gpu.backend import Job


def links(bench: Bench) -> None:
    """What the link to the host carries: the floor of all that is not resident."""
    size = 1 << 20 if bench.emulated else 1 << 29
    memory, host, stream = bench.device.allocate(size), bench.device.pinned(size), bench.device.stream()
    host[:] = 1
    for name, copy in (
        ("host to device", lambda: stream.upload(memory.address, host)),
        ("device to host", lambda: stream.download(host, memory.address)),
    ):
        spent = bench.measure(
            f"copy {name}",
            f"{size >> 20} MiB of page-locked memory",
            lambda copy=copy: (copy(), stream.synchronize()),
            pixels=size,
        )
        print(f"    {size / spent / 1e6:.1f} GB/s")


def granules(bench: Bench) -> None:
    """One whole scene to one JPEG."""
    n, where = bench.size, control(bench.size)
    small = [(band >> 4).astype(np.uint8) for band in bench.bands]
    out = "one JPEG in page-locked host memory, in pieces as they come"
    for resampling in ("nearest", "bilinear", "cubic"):
        one = job(bench.bands, where, n, rgb(resampling), key="granule")
        name = "granule, 3 x uint16 resident" + ("" if resampling == "nearest" else f", {resampling}")
        bench.measure(name, f"bands in GPU memory -> {out}", lambda one=one: streamed(bench, one), pixels=n * n)
    one = job(small, where, n, rgb(high=255), key="bytes")
    bench.measure(
        "granule, RGB bytes resident", f"bands in GPU memory -> {out}", lambda: streamed(bench, one), pixels=n * n
    )
    whole = job(bench.bands, where, n, rgb(), key="granule")
    bench.measure(
        "granule, 3 x uint16 resident, one bytes object",
        "bands in GPU memory -> one Python bytes object: copied out of page-locked memory by one core",
        lambda: bench.gpu.draw([whole]),
        pixels=n * n,
    )
    for name, bands, recipe in (("3 x uint16", bench.bands, rgb()), ("RGB bytes", small, rgb(high=255))):
        pinned = []
        for band in bands:
            memory = bench.device.pinned(band.nbytes).view(band.dtype).reshape(band.shape)
            memory[:] = band
            pinned.append(memory)
        passing = job(pinned, where, n, recipe)
        bench.measure(
            f"granule, {name} from pinned memory",
            f"bands in page-locked host memory -> {out}",
            lambda one=passing: streamed(bench, one),
            pixels=n * n,
            runs=max(bench.runs // 2, 1),
        )
    bench.measure(
        "CPU: granule",
        "bands in host memory -> one JPEG in host memory, CPU backend",
        lambda: bench.cpu.draw([whole]),
        pixels=n * n,
        runs=1,
    )


def streamed(bench: Bench, one: Job) -> int:
    """Draw in stripes and look at every piece; returns the size of the file."""
    sizes: list[int] = []
    bench.gpu.stream(one, lambda piece: sizes.append(len(piece)))
    return sum(sizes)


def deflate(bench: Bench) -> None:
    """From the blocks of a COG: inflated by CPU threads, and by nvCOMP where it is installed."""
    n, block = bench.size, min(1024, bench.size)
    edges = range(0, n, block)

    def pack(band: Any, y: int, x: int) -> tuple[int, int, bytes]:
        padded = np.zeros((block, block), np.uint16)  # a COG's blocks are whole, also at its edges
        part = band[y : y + block, x : x + block]
        padded[: part.shape[0], : part.shape[1]] = part
        return y, x, imagecodecs.zlib_encode(padded.tobytes(), level=6)

    buffers = [bench.device.pinned(2 * n * n).view(np.uint16).reshape(n, n) for _ in range(3)]

    def inflate(entry: tuple[int, int, int, bytes]) -> None:
        band, y, x, data = entry
        raw = np.frombuffer(imagecodecs.deflate_decode(data, out=2 * block * block), np.uint16).reshape(block, block)
        buffers[band][y : y + block, x : x + block] = raw[: n - y, : n - x]

    with ThreadPoolExecutor() as threads:
        packed = [[threads.submit(pack, band, y, x) for y in edges for x in edges] for band in bench.bands]
        blocks = [[future.result() for future in band] for band in packed]
        entries = [(i, y, x, data) for i, band in enumerate(blocks) for y, x, data in band]
        print(f"    {sum(len(data) for *_, data in entries):,} bytes deflated")

        def drawn() -> None:
            list(threads.map(inflate, entries))
            streamed(bench, job(buffers, control(n), n, rgb()))

        drawn()
        assert all(np.array_equal(*pair) for pair in zip(buffers, bench.bands, strict=True)), "the pixels differ"
        bench.measure(
            "granule, from deflate blocks by CPU threads",
            f"deflate blocks of {block} pixels in host memory -> CPU threads inflate -> page-locked -> one JPEG there",
            drawn,
            pixels=n * n,
            runs=max(bench.runs // 4, 1),
            warm=False,
        )
    bench.attempt(lambda bench: gpu_peers.nvcomp(bench, blocks, block), "nvCOMP")


def some_tiles(bench: Bench, count: int, resampling: str) -> list[Job]:
    """Tiles at random places, turned a little."""
    places = np.random.default_rng(1).uniform(0, bench.size - 300, (count, 2))
    recipe = rgb(resampling)
    return [job(bench.bands, control(256, x + 8, y, 0.999, 0.02), 256, recipe, key="granule") for x, y in places]


def tiles(bench: Bench) -> None:
    """Batches of 256 pixel tiles, and one alone, from resident bands."""
    for resampling in ("nearest", "bilinear", "cubic"):
        for count in (1, 4) if bench.emulated else (1, 8, 64, 512):
            jobs = some_tiles(bench, count, resampling)
            name = ("one tile's latency" if count == 1 else f"batch of {count} tiles") + (
                "" if resampling == "nearest" else f", {resampling}"
            )
            spent = bench.measure(
                name,
                "bands in GPU memory -> JPEG tiles of 256 pixels in host memory, planned in Python",
                lambda jobs=jobs: bench.gpu.draw(jobs),
                pixels=65536 * count,
                runs=1 if bench.emulated else 60,
            )
            print(f"    {1e3 * count / spent:,.0f} tiles/s")
    count = 4 if bench.emulated else 512
    for part, spents in bench.device_alone(some_tiles(bench, count, "nearest"), 1 if bench.emulated else 20).items():
        name = f"{count} tiles, the device alone" + ("" if part == "both" else f", {part}")
        spent = bench.note(
            name,
            "planned before; bands in GPU memory -> JPEG tiles in page-locked memory",
            spents,
            pixels=65536 * count,
        )
        print(f"    {1e3 * count / spent:,.0f} tiles/s")
    jobs = some_tiles(bench, 4 if bench.emulated else 64, "nearest")
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
    stacks = [[np.roll(band[:n, :n], int(rng.integers(0, 999))) for band in bench.bands] for _ in range(30)]
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
        "CPU: median of 30 dates",
        "the same bands in host memory, CPU backend",
        lambda: bench.cpu.draw([one]),
        pixels=n * n,
        runs=1,
        warm=False,
    )


PARTS = {
    "links": links, "granules": granules, "tiles": tiles, "pyramid": pyramid, "medians": medians, "deflate": deflate,
    "nvJPEG": gpu_peers.nvjpeg,
}  # fmt: skip
"""What matters most comes first."""
