"""The part of CuPy 14 that gpu.cuda.cupy_device uses, as strict as its Cython signatures, over the host emulation.

What real CuPy would take wrongly or refuse is refused: other types than its C signatures have, addresses outside of
what was allocated, kernel arguments that are no NumPy scalars. Streams run when they are waited for.
"""

from __future__ import annotations

import ctypes
import pickle
import threading
import types

import numpy as np

from tests.gpu.host.device import HostDevice, HostMemory, HostStream

ELF = b"\x7fELF"


def cubin(source, name, defines):
    """What stands for machine code."""
    return ELF + pickle.dumps((source, name, tuple(defines)))


class CUDARuntimeError(RuntimeError):
    def __init__(self, status):
        self.status = status
        super().__init__(f"cudaError: {status}")


class CUDADriverError(RuntimeError):
    def __init__(self, status):
        self.status = status
        super().__init__(f"CUDA_ERROR: {status}")


class OutOfMemoryError(MemoryError):
    pass


class FakeCuda:
    """State of one GPU."""

    def __init__(self, total=1 << 30):
        self.total = total
        self.limit = 0
        self.allocated = {}
        self.streams = {}
        self.threads = set()
        self.fail = {}
        """Error codes by the name of a call, raised once each."""
        self.calls = []

    def called(self, name):
        self.calls.append(name)
        if name in self.fail:
            raise self.fail.pop(name)

    def inside(self, address, size):
        """Device memory that was allocated and not freed."""
        return any(
            start <= address and address + size <= start + memory.size for start, memory in self.allocated.items()
        )

    def device_current(self):
        """setDevice was called in this thread."""
        return threading.get_ident() in self.threads


def integers(*values):
    """C integers: booleans, NumPy's and None are not."""
    for value in values:
        if type(value) is not int:
            raise TypeError(f"an integer is required, got {value!r}")


def modules(cuda: FakeCuda):
    """What to put into sys.modules."""
    runtime = types.ModuleType("cupy.cuda.runtime")
    runtime.CUDARuntimeError = CUDARuntimeError

    def set_device(number):
        integers(number)
        cuda.called("setDevice")
        cuda.threads.add(threading.get_ident())

    def memcpy_async(to, source, size, kind, stream):
        integers(to, source, size, kind, stream)
        cuda.called("memcpyAsync")
        if not cuda.inside(to if kind == 1 else source, size) or kind not in (1, 2):
            raise CUDARuntimeError(1)
        cuda.streams[stream].queue(lambda: ctypes.memmove(to, source, size) and None)

    def memset_async(to, value, size, stream):
        integers(to, value, size, stream)
        if not cuda.inside(to, size):
            raise CUDARuntimeError(1)
        cuda.streams[stream].zero(to, size)

    runtime.setDevice = set_device
    runtime.memcpyAsync = memcpy_async
    runtime.memsetAsync = memset_async
    runtime.getDeviceCount = lambda: 1
    runtime.driverGetVersion = lambda: 13000
    runtime.memGetInfo = lambda: (cuda.total, cuda.total)
    runtime.getDeviceProperties = lambda number: {"name": b"Fake H200", "major": 9, "minor": 0}

    class Stream:
        def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
            assert cuda.device_current()
            assert non_blocking
            self._host = HostStream()
            self.ptr = id(self._host)
            cuda.streams[self.ptr] = self._host

        def synchronize(self):
            cuda.called("synchronize")
            self._host.synchronize()

    class Pointer:
        def __init__(self, memory):
            self._memory = memory
            self.ptr = memory.address

        def __del__(self):
            cuda.allocated.pop(self.ptr, None)

    def alloc(size):
        integers(size)
        cuda.called("alloc")
        assert cuda.device_current()
        if size + sum(memory.size for memory in cuda.allocated.values()) > cuda.limit:
            raise OutOfMemoryError(f"{size} bytes")
        memory = HostMemory(size)
        cuda.allocated[memory.address] = memory
        return Pointer(memory)

    def alloc_pinned_memory(size):
        integers(size)
        cuda.called("alloc_pinned_memory")
        return bytearray(1 << (size - 1).bit_length())  # CuPy rounds up to a power of two

    class Function:
        def __init__(self, kernel):
            self._kernel = kernel

        def __call__(self, grid, block, args, shared_mem=0, stream=None, enable_cooperative_groups=False):
            cuda.called("launch")
            for value in (grid, block, args):
                if type(value) is not tuple:
                    raise TypeError("Argument has incorrect type, expected tuple")
            integers(*grid, *block)
            assert block[1:] == (1, 1)
            for arg in args:
                if not isinstance(arg, np.generic):
                    raise TypeError(f"Unsupported type {type(arg)}")
            self._kernel(grid, block[0], args, cuda.streams[stream.ptr])

    class Module:
        def load(self, code):
            if type(code) is not bytes or not code.startswith(ELF):
                raise CUDADriverError(200)
            cuda.called("load")
            self._code = code

        def get_function(self, name):
            source, kernel, defines = pickle.loads(self._code[4:])
            if name != kernel:
                raise CUDADriverError(500)
            return Function(HostDevice().compile(source, kernel, defines))

    class Pool:
        def set_limit(self, size=None, fraction=None):
            integers(size)
            cuda.limit = size

        def free_bytes(self):
            return 0

        def free_all_blocks(self, stream=None):
            cuda.called("free_all_blocks")

    top, inner = types.ModuleType("cupy"), types.ModuleType("cupy.cuda")
    pool = Pool()
    top.cuda = inner
    top.get_default_memory_pool = top.get_default_pinned_memory_pool = lambda: pool
    inner.runtime, inner.Stream, inner.alloc, inner.alloc_pinned_memory = runtime, Stream, alloc, alloc_pinned_memory
    inner.memory = types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError)
    inner.driver = types.SimpleNamespace(CUDADriverError=CUDADriverError)
    inner.function = types.SimpleNamespace(Module=Module)
    return {"cupy": top, "cupy.cuda": inner, "cupy.cuda.runtime": runtime}
