"""The one place that looks at hardware."""

from __future__ import annotations

from typing import Literal

from gpu.backend import Backend

Device = Literal["auto", "cpu", "cuda"]


class DeviceUnavailable(RuntimeError):
    """The device asked for is not there; the message is one sentence for the operator."""


def open_backend(device: Device = "auto") -> Backend:
    """The backend of a device; `auto` takes the GPU where one answers and the CPU elsewhere."""
    from gpu.cpu import CpuBackend

    if device == "cuda":
        raise DeviceUnavailable(f"TILESERVER_DEVICE is cuda, but {why_no_cuda()}.")
    return CpuBackend()


def why_no_cuda() -> str:
    """Empty when a GPU answers, else why none does, as the second half of a sentence."""
    try:
        import cupy
    except ImportError:
        return "CuPy is not installed"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception:  # CuPy has no common base class for what a missing or broken driver raises
        return "no NVIDIA driver answers"
    return "" if count else "there is no NVIDIA GPU"
