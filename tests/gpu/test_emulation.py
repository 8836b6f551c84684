"""The emulation itself finds what it is there to find; then every kernel in three orders and under sanitizers."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gpu.cuda.device import DeviceError
from gpu.cuda.sources import KERNELS, source
from tests.gpu.host.device import HostDevice
from tests.gpu.host.mutate import sanitizer

ROOT = Path(__file__).parents[2]

PROBES = """
#include "types.cuh"
struct Tile { int a[64]; };
extern "C" __global__ void reverse(const s32* in, s32* out) {
  SHARED(Tile, tile);
  tile.a[threadIdx.x] = in[threadIdx.x];
  BARRIER
  out[threadIdx.x] = tile.a[63 - threadIdx.x];
}
extern "C" __global__ void diverge(s32* out) {
  if (threadIdx.x < 7) __syncthreads(); else __syncwarp();
  out[threadIdx.x] = 1;
}
extern "C" __global__ void beyond(const s32* in, s32* out) { out[threadIdx.x] = in[threadIdx.x + 1]; }
extern "C" __global__ void votes(const s32* in, s32* out) {
  const int lane = threadIdx.x & 31;
  int sum = in[threadIdx.x];
  for (int step = 1; step < 32; step <<= 1) {
    const int other = __shfl_up_sync(0xffffffffu, sum, step);
    if (lane >= step) sum += other;
  }
  out[threadIdx.x] = sum + (int)__ballot_sync(0xffffffffu, in[threadIdx.x] & 1);
}
"""


def probe(name, barrier="__syncthreads();"):
    """Run a probe kernel on 64 threads; returns its output."""
    text = PROBES.replace('#include "types.cuh"', source("warp").split("struct Source")[0] + "\n").replace(
        "BARRIER", barrier
    )
    device = HostDevice()
    kernel = device.compile(text, name, ())
    numbers, out = np.arange(64, dtype=np.int32), np.full(64, -1, np.int32)
    memory, result = device.allocate(256), device.allocate(256)
    stream = device.stream()
    stream.upload(memory.address, numbers)
    args = [np.uint64(result.address)] if name == "diverge" else [np.uint64(memory.address), np.uint64(result.address)]
    kernel((1, 1, 1), 64, args, stream)
    stream.download(out, result.address)
    stream.synchronize()
    return out


def test_barriers_and_warps(thread_order):
    np.testing.assert_array_equal(probe("reverse"), np.arange(64)[::-1])
    numbers = np.arange(64).reshape(2, 32)
    votes = np.int64(0xAAAAAAAA) - (1 << 32)
    expected = (np.cumsum(numbers, 1) + votes).astype(np.int64)
    np.testing.assert_array_equal(probe("votes").reshape(2, 32), expected.astype(np.int32))


def test_missing_barrier_shows(thread_order):
    assert not np.array_equal(probe("reverse", ""), np.arange(64)[::-1])


def test_diverging_threads_are_an_error(capfd):
    with pytest.raises(DeviceError):
        probe("diverge")
    assert "cuda_emu" in capfd.readouterr().err


def test_arguments_are_checked():
    """A Python float, or a 32-bit address, is silently wrong on a GPU."""
    device = HostDevice()
    kernel = device.compile(source("seg_scan"), "seg_scan", ())
    right = [np.uint64(0)] * 5 + [np.int32(0)] * 3
    swapped, unsigned = [np.uint32(0), *right[1:]], [*right[:-1], np.uint32(0)]
    for wrong in (right[:-1], [*right[:-1], 0], [*right[:-1], np.int64(0)], swapped, unsigned):
        with pytest.raises(TypeError):
            kernel((1, 1, 1), 1024, wrong, device.stream())


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_files_of_their_own(name):
    """Complete text, one kernel, one include of each header."""
    text = source(name)
    assert "#include" not in text
    assert text.count("__global__") == 1
    assert text.count("struct Source {") <= 1


def exercise(*parts, **environment):
    command = [sys.executable, "-m", "tests.gpu.host.exercise", *parts]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, cwd=ROOT, timeout=1500, check=False)


def test_every_kernel_in_any_order(thread_order):
    done = exercise()
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.timeout(900)
def test_every_kernel_under_address_and_undefined_behaviour_sanitizers():
    done = exercise(**sanitizer("asan"))
    assert done.returncode == 0, done.stderr[-3000:]


def test_address_sanitizer_notices():
    done = subprocess.run(
        [sys.executable, "-c", "from tests.gpu.test_emulation import probe; probe('beyond')"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **sanitizer("asan")}, capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert "heap-buffer-overflow" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1600)
@pytest.mark.parametrize("part", ["jpeg", "pixels", "stripes", "statistics"])
def test_no_races(part):
    done = exercise(part, **sanitizer("tsan"))
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_every_barrier_is_needed_and_missed():
    from tests.gpu.host.mutate import main

    assert main() == 0
