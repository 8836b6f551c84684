"""Memory of one batch, taken once and reused: nothing is allocated while requests of the usual size come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.cuda.device import Device, Memory, Stream

ALIGN = 256


def aligned(size: int) -> int:
    """The next multiple of ALIGN."""
    return -(-size // ALIGN) * ALIGN


class Scratch:
    """Device memory handed out from front to back; `reset` takes all of it back."""

    def __init__(self, device: Device, size: int) -> None:
        self._device = device
        self._chunks: list[Memory] = [device.allocate(size)] if size else []
        self._at = 0
        self._past = 0

    def reserve(self, size: int) -> None:
        """Make one piece of at least `size` bytes; only between batches."""
        if not self._chunks or self._chunks[0].size < size:
            self._chunks = []
            self._chunks = [self._device.allocate(aligned(size))]
        self.reset()

    def take(self, size: int) -> int:
        """The address of `size` bytes."""
        size = aligned(max(size, 1))
        if self._at + size > self._chunks[-1].size:
            self._past += self._chunks[-1].size
            self._chunks.append(self._device.allocate(max(size, self._chunks[-1].size)))
            self._at = 0
        address = self._chunks[-1].address + self._at
        self._at += size
        return address

    def reset(self) -> None:
        """Start anew; what several pieces were needed for will be one the next time."""
        if len(self._chunks) > 1:
            total = sum(chunk.size for chunk in self._chunks)
            self._chunks = []
            self._chunks = [self._device.allocate(total)]
        self._at = 0
        self._past = 0


class Staging:
    """What goes up: small arrays are packed into page-locked memory and copied in one piece."""

    LARGE = 4 << 20
    """Bytes from which an array goes up on its own."""

    def __init__(self, device: Device, stream: Stream, scratch: Scratch, size: int = 1 << 20) -> None:
        self._device = device
        self._stream = stream
        self._scratch = scratch
        self._host = device.pinned(size)
        self._base = 0
        self._from = 0
        self._at = 0

    def put(self, data: NDArray[Any]) -> int:
        """The device address that will hold a copy of `data` after `flush`."""
        flat = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        if flat.size >= self.LARGE:
            address = self._scratch.take(flat.size)
            self._stream.upload(address, flat)
            return address
        size = aligned(max(flat.size, 1))
        if self._base == 0 or self._at + size > len(self._host):
            self.flush()
            self._open(size)
        self._host[self._at : self._at + flat.size] = flat
        address = self._base + self._at - self._from
        self._at += size
        return address

    def flush(self) -> None:
        """Queue the copy of everything put since the last flush."""
        if self._at > self._from:
            self._stream.upload(self._base, self._host[self._from : self._at])
        self._base = 0
        self._from = self._at

    def reset(self) -> None:
        """Start anew; the copies have ended."""
        self._base = self._from = self._at = 0

    def _open(self, size: int) -> None:
        if self._at + size > len(self._host):
            self._stream.synchronize()  # the copies from the memory that is replaced have ended
            self._host = self._device.pinned(max(2 * len(self._host), aligned(size)))
            self._at = self._from = 0
        self._base = self._scratch.take(len(self._host) - self._at)
        self._from = self._at
