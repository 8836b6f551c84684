"""Memory of one batch, taken once and reused: nothing is allocated while requests of the usual size come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.cuda.device import Device, DeviceMemoryError, Memory, Stream

ALIGN = 256


def aligned(size: int) -> int:
    """The next multiple of ALIGN."""
    return -(-size // ALIGN) * ALIGN


class Scratch:
    """Device memory handed out from front to back; `reset` takes all of it back."""

    def __init__(self, device: Device, size: int) -> None:
        self._device = device
        self._wanted = size
        self._chunks: list[Memory] = []
        self._at = 0

    def take(self, size: int) -> int:
        """The address of `size` bytes."""
        size = aligned(max(size, 1))
        if not self._chunks or self._at + size > self._chunks[-1].size:
            self._chunks.append(self._allocate(size))
            self._at = 0
        address = self._chunks[-1].address + self._at
        self._at += size
        return address

    def reset(self) -> None:
        """Start anew; what several pieces were needed for will be one the next time."""
        if len(self._chunks) > 1:
            self._wanted = sum(chunk.size for chunk in self._chunks)
            self._chunks = []
        self._at = 0

    def _allocate(self, size: int) -> Memory:
        try:
            return self._device.allocate(max(size, self._wanted))
        except DeviceMemoryError:
            self._wanted = 0
            return self._device.allocate(size)


class Staging:
    """What goes up: small arrays are packed into page-locked segments, each copied in one piece."""

    SEGMENT = 1 << 20
    """Bytes of a segment; a larger array goes up on its own."""

    def __init__(self, device: Device, stream: Stream, scratch: Scratch) -> None:
        self._device = device
        self._stream = stream
        self._scratch = scratch
        self._segments: list[NDArray[np.uint8]] = []
        self._open = 0
        self._base = 0
        self._at = 0
        self._sent = 0

    def put(self, data: NDArray[Any]) -> int:
        """The device address that will hold a copy of `data` after `flush`."""
        flat = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        size = aligned(max(flat.size, 1))
        if size > self.SEGMENT:
            address = self._scratch.take(size)
            self._stream.upload(address, flat)
            return address
        if self._open == 0 or self._at + size > self.SEGMENT:
            self.flush()
            self._next_segment()
        address = self._base + self._at
        self._segments[self._open - 1][self._at : self._at + flat.size] = flat
        self._at += size
        return address

    def flush(self) -> None:
        """Queue the copy of everything put since the last flush."""
        if self._at > self._sent:
            segment = self._segments[self._open - 1]
            self._stream.upload(self._base + self._sent, segment[self._sent : self._at])
            self._sent = self._at

    def reset(self) -> None:
        """Start anew; the copies have ended."""
        self._open = self._at = self._sent = 0

    def _next_segment(self) -> None:
        if self._open == len(self._segments):
            self._segments.append(self._device.pinned(self.SEGMENT))
        self._base = self._scratch.take(self.SEGMENT)
        self._open += 1
        self._at = self._sent = 0
