"""Pictures on the device to JPEG files in host memory: three launches and one synchronisation for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu import jpeg
from gpu.cuda import descriptors
from gpu.cuda.arena import Scratch, Staging, aligned
from gpu.cuda.device import Device, Stream
from gpu.cuda.kernels import Kernels


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture to encode."""

    pixels: int
    """Device address of (height, width) RGBA words."""
    height: int
    width: int
    background: tuple[int, int, int]
    """What shows through transparent pixels."""


class Encoder:
    """JPEG encoding for one stream; buffers grow to what was needed and stay."""

    def __init__(
        self, device: Device, kernels: Kernels, interval: int | None = None, window: int = 2048, threads: int = 192
    ) -> None:
        """`interval`: MCUs between restart markers; `window`: words of the bit buffer; `threads` of a block."""
        self._device = device
        self._kernels = kernels
        self._interval = interval
        self._window = window
        self._threads = threads
        self._scratch_bytes = 1 << 20
        self._out: NDArray[np.uint8] = device.pinned(1 << 20)
        self._results: NDArray[np.uint32] = device.pinned(4 << 10).view(np.uint32)

    def encode(
        self,
        frames: Sequence[Frame],
        quality: int,
        sampling: jpeg.Sampling,
        staging: Staging,
        scratch: Scratch,
        stream: Stream,
    ) -> list[bytes]:
        """One file for each frame, equal to libjpeg-turbo's for the same restart interval."""
        interval = self._interval or jpeg.INTERVALS[sampling]
        images, owners = _images(frames, sampling, interval)
        header, size_at = jpeg.header(quality, sampling, interval)
        count = len(owners)
        put = staging.put
        d_images, d_owners = put(np.frombuffer(images, np.uint8)), put(owners)
        d_tables, d_header = put(jpeg.tables(quality)), put(np.frombuffer(header, np.uint8))
        lists = scratch.take(12 * count + 4 * (len(frames) + 2))
        offsets, lengths, positions, starts = (lists + 4 * count * i for i in range(4))
        cursor = starts + 4 * (len(frames) + 1)
        if len(self._results) < len(frames) + 2:
            self._results = self._device.pinned(8 * (len(frames) + 2)).view(np.uint32)
        results = self._results[: len(frames) + 2]
        staging.flush()
        defines = (
            f"SAMPLING={jpeg.SAMPLINGS[sampling]}",
            f"INTERVAL={interval}",
            f"THREADS={self._threads}",
            f"WINDOW={self._window}",
        )
        encode = self._kernels.general("jpeg_encode", *defines)
        scan, gather = self._kernels.general("seg_scan"), self._kernels.general("seg_gather")
        while True:
            room = self._scratch_bytes
            buffer = scratch.take(room)
            stream.zero(cursor, 4)
            encode(
                (count, 1, 1),
                self._threads,
                _args(d_images, d_owners, d_tables, buffer, np.uint32(room), cursor, offsets, lengths),
                stream,
            )
            numbers = (np.int32(count), np.int32(len(frames)), np.int32(len(header)))
            scan((1, 1, 1), 1024, _args(d_images, d_owners, lengths, positions, starts, *numbers), stream)
            gather(
                (-(-count // 8), 1, 1),
                256,
                _args(
                    d_images,
                    d_owners,
                    buffer,
                    offsets,
                    lengths,
                    positions,
                    d_header,
                    np.int32(len(header)),
                    np.int32(size_at),
                    self._out.ctypes.data,
                    np.uint32(len(self._out)),
                    np.uint32(room),
                    np.int32(count),
                ),
                stream,
            )
            stream.download(results, starts)
            stream.synchronize()
            if self._grown(int(results[-1]), int(results[len(frames)])):
                continue
            return [self._out[results[i] : results[i + 1]].tobytes() for i in range(len(frames))]

    def _grown(self, scratch_needed: int, total: int) -> bool:
        """Make the buffers as large as a batch needed; False when it fitted."""
        if scratch_needed > self._scratch_bytes:
            self._scratch_bytes = aligned(scratch_needed + scratch_needed // 4)
            return True
        if total > len(self._out):
            self._out = self._device.pinned(aligned(total + total // 4))
            return True
        return False


def _images(frames: Sequence[Frame], sampling: jpeg.Sampling, interval: int) -> tuple[bytes, NDArray[np.int32]]:
    """Packed array of Image, and the frame of each interval."""
    size = 16 if sampling == "420" else 8
    packed, owners, first = [], [], 0
    for number, frame in enumerate(frames):
        across, down = -(-frame.width // size), -(-frame.height // size)
        count = -(-across * down // interval)
        red, green, blue = frame.background
        packed.append(
            descriptors.IMAGE.pack(
                frame.pixels,
                frame.width,
                frame.height,
                across,
                down,
                first,
                count,
                red | green << 8 | blue << 16,
                0,
            )
        )
        owners.append(np.full(count, number, np.int32))
        first += count
    return b"".join(packed), np.concatenate(owners)


def _args(*values: int | np.generic) -> list[np.generic]:
    """Addresses are 64-bit; scalars come with their width."""
    return [np.uint64(value) if isinstance(value, int) else value for value in values]
