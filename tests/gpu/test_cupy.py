"""The CuPy layer over a fake as strict as CuPy is: every call, its types, its errors; and CuPy itself where it is."""

import importlib
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from gpu.cpu import CpuBackend
from gpu.cuda import CudaBackend
from gpu.cuda.device import DeviceError, DeviceLostError, DeviceMemoryError
from tests.gpu.host.fake_cupy import CUDADriverError, CUDARuntimeError, FakeCuda, OutOfMemoryError, cubin, modules
from tests.gpu.test_jobs import JOBS
from tests.gpu.test_stripes import JOBS as HUGE

RGB = replace(JOBS["rgb"], format="jpg")


@pytest.fixture
def cuda(monkeypatch):
    """The fake GPU, in place of CuPy and the compiler."""
    fake = FakeCuda()
    for name, module in modules(fake).items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "gpu.cuda.cupy_device", raising=False)
    from gpu.cuda import nvrtc

    monkeypatch.setattr(
        nvrtc, "cached_cubin", lambda _compiler, source, name, defines, *_: cubin(source, name, defines)
    )
    yield fake
    sys.modules.pop("gpu.cuda.cupy_device", None)


@pytest.fixture
def device(cuda):
    pytest.importorskip("nvidia.cu13", reason="pip install nvidia-cuda-nvrtc")
    return importlib.import_module("gpu.cuda.cupy_device").CupyDevice()


def make(device, **kwargs):
    reasons = []
    options = {"pool_bytes": 1 << 24, "scratch_bytes": 1 << 20, "slots": 2, "specialise": "never", **kwargs}
    return CudaBackend(device, CpuBackend(), on_fallback=reasons.append, **options), reasons


def test_device(device):
    assert device.name == "Fake H200"
    assert device.architecture == 90
    assert device.available() == (1 << 30) - (1 << 30) // 10
    assert device.pinned(1000).flags.writeable
    assert device.pinned(1000).shape == (1000,)
    device.trim()


def test_every_kind_of_call(device, emulated):
    """The pictures of the emulation, byte for byte: arguments, copies and order are those."""
    backend, reasons = make(device)
    backend.warm()
    jobs = [
        replace(JOBS[name], format="auto") for name in ("rgb", "index", "classes", "mosaic behind clouds", "median")
    ]
    assert [e.content for e in backend.draw(jobs)] == [e.content for e in emulated.draw(jobs)]
    np.testing.assert_array_equal(backend.shade(RGB).rgba(), emulated.shade(RGB).rgba())
    np.testing.assert_array_equal(backend.values(RGB)[0], emulated.values(RGB)[0])
    assert backend.statistics(RGB) == emulated.statistics(RGB)
    source = RGB.layers[0].sources[0]
    np.testing.assert_array_equal(backend.warp(source, 24, 28, "cubic")[0], emulated.warp(source, 24, 28, "cubic")[0])
    pieces = []
    backend.stream(HUGE["resident"], lambda piece: pieces.append(bytes(piece)))
    assert b"".join(pieces) == emulated.draw([HUGE["resident"]])[0].content
    assert reasons == []
    backend.close()


def test_threads_have_a_device(device, cuda):
    """A thread that never saw the GPU draws."""
    backend, reasons = make(device)
    found = []
    thread = threading.Thread(target=lambda: found.append(backend.draw([RGB])[0].content))
    thread.start()
    thread.join()
    assert found == [backend.draw([RGB])[0].content]
    assert reasons == []


@pytest.mark.parametrize(
    ("call", "error", "kind"),
    [
        ("alloc", OutOfMemoryError("full"), DeviceMemoryError),
        ("alloc", CUDARuntimeError(700), DeviceLostError),
        ("alloc_pinned_memory", CUDARuntimeError(2), DeviceMemoryError),
        ("memcpyAsync", CUDARuntimeError(1), DeviceError),
        ("synchronize", CUDARuntimeError(719), DeviceLostError),
        ("synchronize", CUDARuntimeError(214), DeviceLostError),
        ("launch", CUDADriverError(701), DeviceError),
        ("launch", CUDADriverError(716), DeviceLostError),
        ("load", CUDADriverError(2), DeviceMemoryError),
        ("load", CUDADriverError(209), DeviceError),
    ],
)
def test_errors_are_ours(device, cuda, call, error, kind):
    """A bad launch is a failure, a bad address the end, no memory neither."""

    def everything():
        memory, stream = device.allocate(1 << 28), device.stream()
        stream.upload(memory.address, device.pinned(256))
        kernel = device.compile(PROBE, "probe", ())
        kernel((1, 1, 1), 1, [np.uint64(memory.address)], stream)
        stream.synchronize()

    everything()
    cuda.fail[call] = error
    with pytest.raises(DeviceError) as caught:
        everything()
    assert type(caught.value) is kind


PROBE = 'extern "C" __global__ void probe(int* out) { out[0] = 1; }'


def test_a_lost_device_is_noticed_when_waiting(device, cuda):
    backend, reasons = make(device)
    expected = backend.draw([RGB])[0].content
    cuda.fail["synchronize"] = CUDARuntimeError(700)
    assert len(backend.draw([RGB])[0].content) > 0
    assert reasons == ["lost"]
    assert backend.lost
    assert backend.draw([RGB])[0].content != expected  # the CPU's, without restart markers


def test_host_memory_is_held_until_the_copy_has_run(device):
    """What is uploaded and forgotten may be read later, on machines whose GPU reaches any memory."""
    stream, memory = device.stream(), device.allocate(4096)
    stream.upload(memory.address, np.arange(1024, dtype=np.uint32))
    np.zeros(1024, np.uint32)
    out = np.zeros(1024, np.uint32)
    stream.download(out, memory.address)
    assert sys.getrefcount(stream._held[0]) <= 3
    stream.synchronize()
    np.testing.assert_array_equal(out, np.arange(1024))
    assert not stream._held


def test_small_pieces_come_from_slabs(device, cuda):
    """The driver is asked for much at once."""
    module = sys.modules["gpu.cuda.cupy_device"]
    cuda.calls.clear()
    device.allocate(1000)
    assert cuda.calls.count("alloc") == 2  # the fake's pool is always empty: a slab, and a piece
    cuda.calls.clear()
    device.allocate(module.SLAB)
    assert cuda.calls.count("alloc") == 1


@pytest.mark.slow
def test_names_and_signatures_are_cupys():
    """Where CuPy is installed: everything that the fake has is there, under that name."""
    pytest.importorskip("cupy")
    check = """
import cupy, numpy as np, ctypes
from cupy._core import _scalar
from tests.gpu.host.fake_cupy import FakeCuda, modules
for name, module in modules(FakeCuda()).items():
    real = cupy
    for part in name.split(".")[1:]:
        real = getattr(real, part)
    for attribute in vars(module):
        if not attribute.startswith("__"):
            assert hasattr(real, attribute), (name, attribute)
assert cupy.cuda.memory.OutOfMemoryError and cupy.cuda.driver.CUDADriverError and cupy.cuda.function.Module
for value in (np.uint64(2**63 + 5), np.int32(-7), np.uint32(2**32 - 1)):
    assert ctypes.string_at(_scalar.CScalar(value).ptr, value.nbytes) == value.tobytes()
"""
    subprocess.run([sys.executable, "-c", check], check=True)
