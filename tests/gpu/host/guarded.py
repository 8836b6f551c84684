"""Memory of a batch in pieces of their exact size, so that AddressSanitizer sees every byte read past an end."""

from __future__ import annotations

import numpy as np

from gpu.cuda import CudaBackend
from gpu.cuda.encoder import Encoder
from gpu.cuda.slot import Slot
from gpu.cuda.stripes import STREAMS, Lane
from tests.gpu.host.device import HostDevice


class GuardedScratch:
    """As gpu.cuda.arena.Scratch, one allocation for each piece."""

    def __init__(self, device: HostDevice) -> None:
        self._device = device
        self._held = []

    def take(self, size: int) -> int:
        self._held.append(self._device.allocate(size))
        return self._held[-1].address

    def reset(self) -> None:
        self._held.clear()


class GuardedStaging:
    """As gpu.cuda.arena.Staging, one allocation and one copy for each array."""

    def __init__(self, scratch: GuardedScratch, stream) -> None:
        self._scratch = scratch
        self._stream = stream

    def put(self, data) -> int:
        flat = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        address = self._scratch.take(flat.size)
        self._stream.upload(address, flat)
        return address

    def flush(self) -> None:
        pass

    def reset(self) -> None:
        pass


class NoCpu:
    """A CPU backend that must not be asked."""

    def __getattr__(self, name: str):
        raise AssertionError(f"the CPU was asked to {name}")


def guarded_backend(specialise="never", **encoder) -> CudaBackend:
    """The GPU backend under emulation, without a CPU to fall back on."""
    device = HostDevice()
    backend = CudaBackend(device, NoCpu(), specialise=specialise, slots=1, scratch_bytes=0, pool_bytes=1 << 20)
    lanes = [Lane(Slot(device, backend.kernels, backend.pool, 0)) for _ in range(STREAMS)]
    backend._stripes._lanes = lanes
    for slot in (backend._slots.queue[0], *(lane.slot for lane in lanes)):
        slot.scratch = GuardedScratch(device)
        slot.staging = GuardedStaging(slot.scratch, slot.stream)
        slot.encoder = Encoder(device, backend.kernels, slot.staging, slot.scratch, slot.stream, **encoder)
    return backend
