"""A real GPU by CuPy. Imported only after gpu.devices has found one: CuPy raises in odd places without a driver."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import cupy
import numpy as np
from cupy.cuda import runtime
from numpy.typing import NDArray

from gpu.cuda import nvrtc
from gpu.cuda.device import DeviceError, DeviceLostError, DeviceMemoryError

T = TypeVar("T")

RESERVE = 0.1
"""Share of the device's memory that is left to others."""
SLAB = 256 << 20
"""Bytes that are asked of the driver at once: its own allocation may wait for the device, ours from a slab never."""
NO_MEMORY = 2
STICKY = {46, 214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 999}
"""Error codes after which the context is gone: no device, hardware errors, bad addresses, failed launches, unknown."""
_UP, _DOWN = 1, 2  # cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost
GPU = 0
"""The first one that this process sees; CUDA_VISIBLE_DEVICES chooses among several."""


def _translated(call: Callable[[], T]) -> T:
    """CuPy's exceptions as ours."""
    try:
        return call()
    except cupy.cuda.memory.OutOfMemoryError as error:
        raise DeviceMemoryError(str(error)) from error
    except (runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError) as error:
        code = int(error.status)  # the same numbers in both interfaces
        if code == NO_MEMORY:  # also for streams, modules and page-locked memory
            raise DeviceMemoryError(str(error)) from error
        kind = DeviceLostError if code in STICKY else DeviceError
        raise kind(str(error)) from error


class CupyMemory:
    """From CuPy's pool, which it goes back to; 512-byte aligned."""

    def __init__(self, size: int) -> None:
        self._pointer = _translated(lambda: cupy.cuda.alloc(size))
        self.address = int(self._pointer.ptr)
        self.size = size


class CupyStream:
    """A non-blocking stream: nothing waits for the default stream, nor does it wait for this one."""

    def __init__(self) -> None:
        self.stream = _translated(lambda: cupy.cuda.Stream(non_blocking=True))
        self._held: list[NDArray[Any]] = []

    def upload(self, address: int, data: NDArray[Any]) -> None:
        """Page-locked memory is read when the copy runs, other memory perhaps too: it is held till then."""
        assert data.flags.c_contiguous
        self._held.append(data)
        _translated(lambda: runtime.memcpyAsync(address, data.ctypes.data, data.nbytes, _UP, self.stream.ptr))

    def download(self, data: NDArray[Any], address: int) -> None:
        assert data.flags.c_contiguous
        self._held.append(data)
        _translated(lambda: runtime.memcpyAsync(data.ctypes.data, address, data.nbytes, _DOWN, self.stream.ptr))

    def zero(self, address: int, size: int) -> None:
        _translated(lambda: runtime.memsetAsync(address, 0, size, self.stream.ptr))

    def synchronize(self) -> None:
        """Without the interpreter's lock."""
        _translated(self.stream.synchronize)
        self._held.clear()


class CupyKernel:
    """A function of a loaded cubin; the module lives as long."""

    def __init__(self, code: bytes, name: str) -> None:
        module = cupy.cuda.function.Module()
        _translated(lambda: module.load(code))
        self._function = _translated(lambda: module.get_function(name))  # holds the module

    def __call__(self, grid: tuple[int, int, int], block: int, args: Sequence[Any], stream: Any) -> None:
        _translated(lambda: self._function(grid, (block, 1, 1), tuple(args), stream=stream.stream))


class CupyDevice:
    """The GPU of this process. Never fork after this was made."""

    def __init__(self, cubins: Path | None = None) -> None:
        """`cubins`: where compiled kernels are kept; None: the user's cache. Raises DeviceError, CompileError."""
        self._cubins = cubins or nvrtc.default_folder()
        self._lock = threading.Lock()
        self._enter()
        properties = _translated(lambda: runtime.getDeviceProperties(GPU))
        self.name = properties["name"].decode()
        self._compiler = nvrtc.Compiler(int(runtime.driverGetVersion()) // 1000)
        self.architecture = self._compiler.architecture(10 * int(properties["major"]) + int(properties["minor"]))
        _, total = _translated(runtime.memGetInfo)
        cupy.get_default_memory_pool().set_limit(size=int(total * (1 - RESERVE)))

    def allocate(self, size: int) -> CupyMemory:
        self._enter()
        if size < SLAB and cupy.get_default_memory_pool().free_bytes() < size:
            with suppress(DeviceMemoryError):
                CupyMemory(SLAB)  # given back at once: this and the next pieces are cut from it
        return CupyMemory(size)

    def pinned(self, size: int) -> NDArray[Any]:
        self._enter()
        memory = _translated(lambda: cupy.cuda.alloc_pinned_memory(size))
        return np.frombuffer(memory, np.uint8, size)

    def stream(self) -> CupyStream:
        self._enter()
        return CupyStream()

    def compile(self, source: str, name: str, defines: Sequence[str]) -> CupyKernel:
        with self._lock:
            self._enter()
            code = nvrtc.cached_cubin(self._compiler, source, name, defines, self.architecture, self._cubins)
            return CupyKernel(code, name)

    def available(self) -> int:
        self._enter()
        free, total = _translated(runtime.memGetInfo)
        return max(int(free) - int(total * RESERVE), 0)

    def trim(self) -> None:
        self._enter()
        _translated(cupy.get_default_memory_pool().free_all_blocks)
        _translated(cupy.get_default_pinned_memory_pool().free_all_blocks)

    def _enter(self) -> None:
        """The device is current for each thread; launches and copies find its context by their stream."""
        _translated(lambda: runtime.setDevice(GPU))
