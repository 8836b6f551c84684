"""A real GPU by CuPy. Imported only after gpu.devices has found one: CuPy raises in odd places without a driver."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
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
STICKY = {46, 214, 219, 700, 702, 710, 714, 715, 716, 717, 718, 719, 999}
"""Error codes after which the context is gone: bad addresses, failed launches, hardware errors, unknown."""
_UP, _DOWN = 1, 2  # cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost


def _translated(call: Callable[[], T]) -> T:
    """CuPy's exceptions as ours."""
    try:
        return call()
    except cupy.cuda.memory.OutOfMemoryError as error:
        raise DeviceMemoryError(str(error)) from error
    except (runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError) as error:
        code = getattr(error, "status", 0)
        if code == 2:  # out of memory, also for streams, modules and page-locked memory
            raise DeviceMemoryError(str(error)) from error
        kind = DeviceLostError if code in STICKY else DeviceError
        raise kind(str(error)) from error


class CupyMemory:
    """From CuPy's pool, which it goes back to."""

    def __init__(self, size: int) -> None:
        self._pointer = _translated(lambda: cupy.cuda.alloc(size))
        self.address = int(self._pointer.ptr)
        self.size = size


class CupyStream:
    """A non-blocking stream."""

    def __init__(self) -> None:
        self.stream = _translated(lambda: cupy.cuda.Stream(non_blocking=True))

    def upload(self, address: int, data: NDArray[Any]) -> None:
        _translated(lambda: runtime.memcpyAsync(address, data.ctypes.data, data.nbytes, _UP, self.stream.ptr))

    def download(self, data: NDArray[Any], address: int) -> None:
        _translated(lambda: runtime.memcpyAsync(data.ctypes.data, address, data.nbytes, _DOWN, self.stream.ptr))

    def zero(self, address: int, size: int) -> None:
        _translated(lambda: runtime.memsetAsync(address, 0, size, self.stream.ptr))

    def synchronize(self) -> None:
        _translated(self.stream.synchronize)


class CupyKernel:
    """A function of a loaded cubin; the module lives as long."""

    def __init__(self, code: bytes, name: str) -> None:
        module = cupy.cuda.function.Module()
        _translated(lambda: module.load(code))
        self._module = module
        self._function = _translated(lambda: module.get_function(name))

    def __call__(self, grid: tuple[int, int, int], block: int, args: Sequence[Any], stream: Any) -> None:
        _translated(lambda: self._function(grid, (block, 1, 1), tuple(args), stream=stream.stream))


class CupyDevice:
    """One GPU of this process. Never fork after this was made."""

    def __init__(self, number: int = 0, cubins: Path | None = None) -> None:
        """`cubins`: where compiled kernels are kept; None: the user's cache folder."""
        self._number = number
        self._cubins = cubins or nvrtc.default_folder()
        self._lock = threading.Lock()
        _translated(lambda: cupy.cuda.Device(number).use())
        properties = runtime.getDeviceProperties(number)
        self.name = properties["name"].decode()
        self.architecture = 10 * int(properties["major"]) + int(properties["minor"])
        _, total = runtime.memGetInfo()
        cupy.get_default_memory_pool().set_limit(size=int(total * (1 - RESERVE)))

    def allocate(self, size: int) -> CupyMemory:
        self._enter()
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
            code = nvrtc.cached_cubin(source, name, defines, self.architecture, self._cubins)
            return CupyKernel(code, name)

    def available(self) -> int:
        self._enter()
        free, total = runtime.memGetInfo()
        return max(int(free) - int(total * RESERVE), 0)

    def trim(self) -> None:
        self._enter()
        _translated(cupy.get_default_memory_pool().free_all_blocks)
        _translated(cupy.get_default_pinned_memory_pool().free_all_blocks)

    def _enter(self) -> None:
        """A device is chosen for each thread."""
        _translated(lambda: runtime.setDevice(self._number))
