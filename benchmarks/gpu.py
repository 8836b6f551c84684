"""What the GPU does, measured where one is: python -m benchmarks.gpu [--emulate] [--json FILE].

Every case states its boundary: what lies where when the clock starts, and where the answer is when it stops. Times are
medians of wall time around whole calls of the backend, planning in Python and the copy to host memory included; only
the rows of "the device alone" repeat launches that were planned before. Before anything is measured, the answers are
compared with the CPU backend and with libjpeg-turbo. A peer that is not installed costs its row. Without a GPU it says
so and exits 2; --emulate runs the same code small on the host emulation, which proves the script and measures nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.gpu_cases import Bench, control, job, rgb
from benchmarks.gpu_parts import PARTS, some_tiles
from gpu.backend import Job
from gpu.cuda.device import Device
from gpu.devices import why_no_cuda


def prove(bench: Bench) -> None:
    """Pictures equal the CPU's, files libjpeg-turbo's to the byte, stripes the whole, batches the single tile."""
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
    for sampling in ("420", "444"):
        assert bench.gpu.jpeg([picture], 85, sampling)[0] == libjpeg(picture, sampling), f"JPEG {sampling} differs"  # type: ignore[arg-type]
    whole = job(bench.bands, control(bench.size), bench.size, rgb(), key="granule")
    expected = libjpeg(np.ascontiguousarray(bench.gpu.shade(whole).pixels))
    assert in_pieces(bench, whole) == expected, "the granule in stripes differs"
    assert bench.gpu.draw([whole])[0].content == expected, "the granule differs"
    tiles = some_tiles(bench, 9, "nearest")
    alone = [bench.gpu.draw([tile])[0].content for tile in tiles]
    assert [found.content for found in bench.gpu.draw(tiles)] == alone, "tiles of a batch differ"
    print("answers: equal to the CPU backend; JPEG equal to libjpeg-turbo to the byte, also in stripes\n")


def libjpeg(picture: Any, sampling: str = "420") -> bytes:
    """libjpeg-turbo's file with the restart interval of the GPU."""
    code, interval = {"420": (2, 16), "444": (0, 32)}[sampling]
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=85, subsampling=code, restart_marker_blocks=interval)
    return file.getvalue()


def in_pieces(bench: Bench, one: Job) -> bytes:
    """A striped file put together."""
    file = io.BytesIO()
    bench.gpu.stream(one, file.write)
    return file.getvalue()


class Smi:
    """nvidia-smi: what the GPU is, and the clocks that it ran at meanwhile."""

    ASKED = "name,driver_version,clocks.max.sm,clocks.max.mem,power.limit,pcie.link.gen.current,pcie.link.width.current"

    def __init__(self) -> None:
        self.device = "nvidia-smi does not answer: driver and clocks are unknown"
        self._sampler: subprocess.Popen[str] | None = None
        try:
            done = subprocess.run(
                ["nvidia-smi", f"--query-gpu={self.ASKED}", "--format=csv"], capture_output=True, text=True, check=True
            )
            command = ["nvidia-smi", "--query-gpu=clocks.sm", "--format=csv,noheader,nounits", "-lms", "250"]
            self._sampler = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        except (OSError, subprocess.CalledProcessError):
            return
        self.device = done.stdout.strip()

    def clocks(self) -> str:
        """Stop sampling; lowest, median and highest clock of the multiprocessors."""
        if self._sampler is None:
            return "clocks are unknown"
        self._sampler.terminate()
        found = [int(line) for line in self._sampler.communicate()[0].split() if line.isdigit()]
        if not found:
            return "clocks are unknown"
        return f"SM clock {min(found)} to {max(found)} MHz, median {statistics.median(found):.0f}"


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
    parser.add_argument("--minutes", type=float, default=9.0, help="parts that would begin later are left out")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some of the parts")
    options = parser.parse_args()
    reason = why_no_cuda()
    if reason and not options.emulate:
        print(f"No GPU to measure: {reason}. --emulate runs the same code on the CPU.")
        return 2
    started = time.monotonic()
    smi = Smi()
    device = open_device(emulate=options.emulate)
    print(device.name, "(emulated: times mean nothing)" if options.emulate else f"\n{smi.device}")
    small = options.emulate
    bench = Bench(device, size=600 if small else 10980, runs=1 if small else 20, emulated=small)
    Image.MAX_IMAGE_PIXELS = None
    prove(bench)
    for name in options.only:
        if time.monotonic() - started > 60 * options.minutes:
            print(f"{name}: not measured (the time is over)")
        else:
            bench.attempt(PARTS[name], name)
    clocks = smi.clocks()
    print(f"{clocks}; {time.monotonic() - started:.0f} s in all")
    if options.json:
        found = {"device": device.name, "smi": smi.device, "clocks": clocks, "rows": bench.rows}
        options.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
