"""Every backend there is: the CPU, the emulated GPU, a GPU where one answers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpu.cpu import CpuBackend
from gpu.cuda import CudaBackend
from gpu.devices import why_no_cuda
from tests.gpu.host.device import HostDevice


def pytest_addoption(parser):
    parser.addoption("--kernels", action="store_true", help="also run what takes minutes: races, mutations, every GPU")


def pytest_collection_modifyitems(config, items):
    """Slow tests of kernels are for `make test-kernels`."""
    if config.getoption("--kernels", default=False):
        return
    slow = [item for item in items if HERE in item.path.parents and item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


HERE = Path(__file__).parent
BACKENDS = ["cpu", "emulated"]
if not why_no_cuda():
    BACKENDS.append("cuda")


def make_backend(kind: str):
    if kind == "cpu":
        return CpuBackend()
    if kind == "cuda":
        from gpu.cuda.cupy_device import CupyDevice

        return CudaBackend(CupyDevice(), CpuBackend(), specialise="now", pool_bytes=1 << 30)
    specialise = "now" if kind == "specialised" else "never"
    return CudaBackend(
        HostDevice(), CpuBackend(), specialise=specialise, slots=1, pool_bytes=64 << 20, scratch_bytes=1 << 20
    )


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request):
    """Any backend; the test must hold on each."""
    return make_backend(request.param)


@pytest.fixture(scope="session", params=BACKENDS[1:])
def kernels(request):
    """Any backend of kernels: what only they do is tested on a GPU too, where one answers."""
    return make_backend(request.param)


@pytest.fixture(scope="session")
def emulated():
    """The GPU backend with general kernels under host emulation."""
    return make_backend("emulated")


@pytest.fixture(scope="session")
def specialised():
    """The same with kernels compiled for each recipe."""
    return make_backend("specialised")


@pytest.fixture(params=["0", "1", "2"], ids=["forward", "reverse", "random"])
def thread_order(request, monkeypatch):
    """The order in which the threads of a block run."""
    monkeypatch.setitem(os.environ, "EMU_ORDER", request.param)
    return request.param
