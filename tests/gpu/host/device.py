"""A Device without a GPU: kernels compiled by g++ against cuda_emu.h, launched with the same arguments.

Environment: EMU_ORDER 0 forward, 1 reverse, 2 random; EMU_SEED; EMU_THREADS; EMU_SANITIZER asan or tsan (with the
runtime in LD_PRELOAD); EMU_FOLDER another folder of kernels; EMU_CACHE where compiled modules are kept.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.cuda.device import DeviceError, DeviceMemoryError

LIBC = ctypes.CDLL(None)
HERE = Path(__file__).parent
FLAGS = {
    "": ["-O1"],
    "asan": [
        "-O0",
        "-g1",
        "-fsanitize=address,undefined,float-cast-overflow",
        "-fno-sanitize-recover=undefined,float-cast-overflow",
    ],
    "tsan": ["-O1", "-g", "-fsanitize=thread"],
}


class HostMemory:
    """Plain memory, poisoned: a GPU does not clear it either."""

    def __init__(self, size: int) -> None:
        pointer = ctypes.c_void_p()
        if LIBC.posix_memalign(ctypes.byref(pointer), 256, ctypes.c_size_t(max(size, 1))) or not pointer.value:
            raise DeviceMemoryError(f"{size} bytes asked")
        self.address = pointer.value
        self.size = size
        ctypes.memset(self.address, 0xA5, size)

    def __del__(self) -> None:
        if hasattr(self, "address"):
            LIBC.free(ctypes.c_void_p(self.address))


@dataclass
class HostKernel:
    """As a compiled CUDA kernel: scalars by value, pointers as 64-bit numbers, types checked."""

    name: str
    launch: Any
    types: list[np.dtype[Any]]

    def __call__(self, grid: tuple[int, int, int], block: int, args: Sequence[Any], stream: Any) -> None:
        if len(args) != len(self.types):
            raise TypeError(f"{self.name} takes {len(self.types)} arguments, got {len(args)}")
        for number, (arg, dtype) in enumerate(zip(args, self.types, strict=True)):
            if not isinstance(arg, np.generic) or arg.dtype != dtype:
                raise TypeError(f"{self.name}: argument {number} is {dtype}, got {arg!r}")
        if min(grid) < 1 or grid[0] >= 1 << 31 or max(grid[1:]) > 65535 or not 1 <= block <= 1024:
            raise DeviceError(f"{self.name}: launch of {grid} blocks of {block} threads is impossible")
        stream.queue(lambda: self._run(grid, block, list(args)))

    def _run(self, grid: tuple[int, int, int], block: int, args: list[np.generic]) -> None:
        held = [np.array([arg]) for arg in args]
        pointers = (ctypes.c_void_p * len(held))(*[one.ctypes.data for one in held])
        order, seed = int(os.environ.get("EMU_ORDER", "0")), int(os.environ.get("EMU_SEED", "1"))
        workers = int(os.environ.get("EMU_THREADS", "2"))
        blocks = (ctypes.c_uint * 3)(*grid)
        threads = (ctypes.c_uint * 3)(block, 1, 1)
        if self.launch(blocks, threads, pointers, workers, order, seed):
            raise DeviceError(f"{self.name} failed under emulation, see stderr")


@dataclass
class HostStream:
    """Work is done when it is waited for, so that what is forgotten to be waited for shows."""

    _work: list[Callable[[], None]] = field(default_factory=list)

    def queue(self, work: Callable[[], None]) -> None:
        self._work.append(work)

    def upload(self, address: int, data: NDArray[Any]) -> None:
        assert data.flags.c_contiguous
        # page-locked memory is read when the copy runs, other memory before upload() returns
        source = data if getattr(data, "pinned", False) else data.copy()
        self.queue(lambda: ctypes.memmove(address, source.ctypes.data, source.nbytes) and None)

    def download(self, data: NDArray[Any], address: int) -> None:
        assert data.flags.c_contiguous
        self.queue(lambda: ctypes.memmove(data.ctypes.data, address, data.nbytes) and None)

    def zero(self, address: int, size: int) -> None:
        self.queue(lambda: ctypes.memset(address, 0, size) and None)

    def synchronize(self) -> None:
        work, self._work = self._work, []
        for step in work:
            step()


class PinnedArray(np.ndarray):
    """Marks page-locked memory."""

    pinned = True


class HostDevice:
    """The CPU as a device. `memory` limits what may be allocated, to test running out of it."""

    name = "emulation"

    def __init__(self, memory: int = 4 << 30) -> None:
        self.memory = memory
        self.compiled: list[str] = []
        self._lock = threading.Lock()

    def allocate(self, size: int) -> HostMemory:
        if size > self.memory:
            raise DeviceMemoryError(f"{size} bytes asked, {self.memory} free")
        return HostMemory(size)

    def pinned(self, size: int) -> NDArray[Any]:
        return np.full(size, 0xA5, np.uint8).view(PinnedArray)

    def stream(self) -> HostStream:
        return HostStream()

    def available(self) -> int:
        return self.memory

    def trim(self) -> None:
        pass

    def compile(self, source: str, name: str, defines: Sequence[str]) -> HostKernel:
        with self._lock:
            self.compiled.append(name)
            library = ctypes.CDLL(str(build(source, name, defines)))
        launch = getattr(library, f"emu_launch_{name}")
        codes = (ctypes.c_int * 32)()
        count = getattr(library, f"emu_arguments_{name}")(codes)
        return HostKernel(name, launch, [np.dtype(f"{chr(code >> 8)}{code & 255}") for code in codes[:count]])


def build(source: str, name: str, defines: Sequence[str]) -> Path:
    """The shared library of a kernel, from the cache when nothing has changed."""
    headers = "".join((HERE / file).read_text() for file in ("fibers.h", "barriers.h", "launch.h", "cuda_emu.h"))
    sanitizer = os.environ.get("EMU_SANITIZER", "")
    command = [
        "g++", "-std=c++20", *FLAGS[sanitizer], "-fPIC", "-shared", "-ftls-model=initial-exec", "-ffp-contract=off",
        "-fno-strict-aliasing", "-w", "-I", str(HERE), *(f"-D{define}" for define in defines),
    ]  # fmt: skip
    text = f'#include "cuda_emu.h"\n{source}\nEMU_EXPORT({name})\n'
    key = hashlib.sha256("\0".join([headers, text, *command]).encode()).hexdigest()[:24]
    cache = Path(os.environ.get("EMU_CACHE", Path(tempfile.gettempdir()) / f"tilescope-emulation-{os.getuid()}"))
    cache.mkdir(parents=True, exist_ok=True)
    library = cache / f"{key}.so"
    if not library.exists():
        unit = cache / f"{key}-{os.getpid()}.cpp"
        unit.write_text(text)
        made = cache / f"{key}-{os.getpid()}.so"
        done = subprocess.run(
            [*command, str(unit), "-o", str(made), "-lpthread"], capture_output=True, text=True, check=False
        )
        unit.unlink()
        if done.returncode:
            raise DeviceError(f"{name} does not compile:\n{done.stderr[:4000]}")
        made.replace(library)
    return library
