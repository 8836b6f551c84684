"""Losing the GPU never loses an answer: no memory, failures, a lost device, a compiler that refuses."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from gpu.cpu import CpuBackend
from gpu.cuda import CudaBackend
from gpu.cuda.device import DeviceError, DeviceLostError, DeviceMemoryError
from tests.gpu.host.device import HostDevice, HostKernel
from tests.gpu.scenes import job, layer
from tests.gpu.test_jobs import JOBS

RGB = replace(JOBS["rgb"], format="png")
LARGE = job([layer(1, 3, height=600, width=600)], RGB.recipe, 600, 600, format="png")


def make(device=None, **kwargs):
    reasons = []
    options = {"specialise": "never", "slots": 1, "pool_bytes": 16 << 20, "scratch_bytes": 1 << 18, **kwargs}
    return CudaBackend(device or HostDevice(), CpuBackend(), on_fallback=reasons.append, **options), reasons


def expected(jobs):
    return [encoded.content for encoded in CpuBackend().draw(jobs)]


def contents(backend, jobs):
    return [encoded.content for encoded in backend.draw(jobs)]


def broken(monkeypatch, error, times=10**9):
    """Launches raise for a number of times."""
    left = [times]
    launch = HostKernel._run

    def run(self, *args):
        if left[0] > 0:
            left[0] -= 1
            raise error
        launch(self, *args)

    monkeypatch.setattr(HostKernel, "_run", run)


def test_failure_is_answered_by_the_cpu_and_said_once(monkeypatch, caplog):
    backend, reasons = make()
    broken(monkeypatch, DeviceError("the launch failed"), 2)
    with caplog.at_level(logging.WARNING):
        assert [contents(backend, [RGB]) for _ in range(3)] == [expected([RGB])] * 3
    assert reasons == ["failure", "failure"]
    assert len([r for r in caplog.records if "CPU takes over" in r.message]) == 1


def test_a_lost_device_is_not_asked_again(monkeypatch):
    backend, reasons = make()
    broken(monkeypatch, DeviceLostError("an illegal address"))
    assert contents(backend, [RGB]) == expected([RGB])
    assert backend.lost
    assert contents(backend, [RGB]) == expected([RGB])
    assert reasons == ["lost"]


def test_out_of_memory_halves_the_batch():
    """A device that can hold one picture of the batch at a time draws all of them."""
    jobs = [RGB] * 8
    backend, reasons = make(HostDevice(memory=1 << 20), scratch_bytes=1 << 14, pool_bytes=0)
    assert contents(backend, jobs) == expected(jobs)
    assert reasons == []


def test_out_of_memory_for_one_picture_goes_to_the_cpu():
    device = HostDevice()
    backend, reasons = make(device)
    device.memory = 1000
    assert contents(backend, [LARGE]) == expected([LARGE])
    assert reasons == ["memory"]
    device.memory = 1 << 30
    assert contents(backend, [LARGE]) == expected([LARGE])
    assert reasons == ["memory"]


def test_out_of_memory_frees_the_pool_first():
    device = HostDevice()
    backend, reasons = make(device)
    trimmed = []

    def trim():
        trimmed.append(True)
        device.memory = 1 << 30

    device.trim = trim
    device.memory = 1000
    assert contents(backend, [LARGE]) == expected([LARGE])
    assert trimmed
    assert reasons == []


@pytest.mark.parametrize("call", ["shade", "values", "warp", "statistics"])
@pytest.mark.parametrize("error", [DeviceError, DeviceMemoryError, DeviceLostError, RuntimeError])
def test_every_call_falls_back(monkeypatch, call, error):
    backend, reasons = make()
    source = RGB.layers[0].sources[0]
    calls = {
        "shade": lambda b: b.shade(RGB).rgba(),
        "values": lambda b: b.values(RGB)[0],
        "warp": lambda b: b.warp(source, 24, 28, "nearest")[0],
        "statistics": lambda b: np.array([s.mean for s in b.statistics(RGB)]),
    }
    good = calls[call](backend)
    broken(monkeypatch, error("no"))
    np.testing.assert_allclose(calls[call](backend), good, rtol=1e-12)
    assert len(reasons) == 1


def test_a_kernel_that_does_not_compile(monkeypatch, caplog):
    """The general kernel serves."""
    compile_ = HostDevice.compile

    def refuse(self, source, name, defines):
        if "SPECIALISED" in source.split("\n", 1)[0]:
            raise DeviceError("refused")
        return compile_(self, source, name, defines)

    monkeypatch.setattr(HostDevice, "compile", refuse)
    backend, reasons = make(specialise="now")
    assert contents(backend, [RGB]) == expected([RGB])
    assert reasons == []
    assert "general one serves" in caplog.text


def test_special_kernels_come_later_and_are_bounded():
    """The first request does not wait for the compiler."""
    device = HostDevice()
    backend, _ = make(device, specialise="later")
    backend.kernels.LIMIT = 2
    assert contents(backend, [RGB]) == expected([RGB])
    for name in ("index", "three expressions", "bilinear"):
        backend.draw([JOBS[name]])
    backend.kernels._compiler.shutdown(wait=True)
    assert len(backend.kernels._special) == 2
    assert device.compiled.count("shade") >= 3
    assert contents(backend, [RGB]) == expected([RGB])
    backend.close()
