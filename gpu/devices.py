"""The one place that looks at hardware."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from gpu.backend import Backend

log = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]
Fallback = Callable[[str], None]
"""Called when the CPU takes over at run time; the reason is memory, failure or lost."""


class DeviceUnavailable(RuntimeError):
    """The device asked for is not there; the message is one sentence for the operator."""


def open_backend(device: Device = "auto", on_fallback: Fallback | None = None, *, warm: bool = True) -> Backend:
    """The backend of a device; `auto` takes the GPU where one answers and the CPU elsewhere.

    Where a GPU process runs (gpu.service), its environment variables are there and it is asked. `warm`: all that
    the CPU may need is loaded at once.
    """
    from gpu.cpu import CpuBackend
    from gpu.service import connect

    if device != "cpu" and (remote := connect(CpuBackend(warm=warm), on_fallback)):
        return remote
    backend = open_local(device, on_fallback, warm=warm)
    if backend.name == "cpu":
        return backend
    from gpu.batching import BatchingBackend

    return BatchingBackend(backend)


def open_local(device: str = "auto", on_fallback: Fallback | None = None, *, warm: bool = True) -> Backend:
    """The backend of a device in this process, without batching."""
    from gpu.cpu import CpuBackend

    cpu = CpuBackend(warm=warm)
    if device == "cpu":
        return cpu
    reason = why_no_cuda()
    if not reason:
        try:
            return _cuda(cpu, on_fallback)
        except Exception as error:
            reason = f"the GPU does not start ({error})"
            log.warning("The CPU takes over from the GPU: %s", reason)
    if device == "cuda":
        raise DeviceUnavailable(f"The device asked for is cuda, but {reason}.")
    return cpu


def why_no_cuda() -> str:
    """Empty when a GPU answers, else why none does, as the second half of a sentence."""
    try:
        from cupy.cuda import runtime
    except ImportError:
        return "CuPy is not installed"
    try:
        count = int(runtime.getDeviceCount())
    except Exception:  # CuPy has no common base class for what a missing or broken driver raises
        return "no NVIDIA driver answers"
    return "" if count else "there is no NVIDIA GPU"


def _cuda(cpu: Backend, on_fallback: Fallback | None) -> Backend:
    from gpu.cuda import CudaBackend
    from gpu.cuda.cupy_device import CupyDevice

    backend = CudaBackend(CupyDevice(), cpu, on_fallback=on_fallback)
    backend.warm()
    return backend
