"""What the backend needs of a device: memory, streams, kernels. CuPy fills it in, and so does the emulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray


class DeviceError(RuntimeError):
    """A launch or a copy failed; the CPU can take this request."""


class DeviceMemoryError(DeviceError):
    """The device has no memory left for an allocation."""


class DeviceLostError(DeviceError):
    """A sticky error: nothing will work on this device until the process is started anew."""


class Memory(Protocol):
    """A piece of device memory, freed with its last reference."""

    address: int
    size: int


class Kernel(Protocol):
    """One function of a compiled module."""

    def __call__(self, grid: tuple[int, int, int], block: int, args: Sequence[Any], stream: Stream) -> None:
        """Queue a launch. Scalars are NumPy scalars of the parameter's width; pointers are np.uint64."""


class Stream(Protocol):
    """Work in order. Copies and launches return at once; `synchronize` waits and raises what went wrong."""

    def upload(self, address: int, data: NDArray[Any]) -> None:
        """Copy a contiguous host array to the device. Only page-locked arrays overlap with other work."""

    def download(self, data: NDArray[Any], address: int) -> None:
        """Copy device memory to a contiguous host array."""

    def zero(self, address: int, size: int) -> None:
        """Fill device memory with zeros."""

    def synchronize(self) -> None:
        """Wait for everything queued."""


class Device(Protocol):
    """One GPU. Thread-safe."""

    name: str

    def allocate(self, size: int) -> Memory:
        """Device memory, 256-byte aligned. Raises DeviceMemoryError."""

    def pinned(self, size: int) -> NDArray[Any]:
        """(size,) uint8 page-locked host memory; its address is valid on the device too."""

    def stream(self) -> Stream:
        """A new stream."""

    def compile(self, source: str, name: str, defines: Sequence[str]) -> Kernel:
        """The kernel `name` of a complete source; `defines` are NAME=value. May take seconds."""

    def available(self) -> int:
        """Free bytes of device memory."""

    def trim(self) -> None:
        """Give cached, unused memory back to the driver."""
