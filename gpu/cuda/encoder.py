"""Pictures on the device to JPEG files in page-locked host memory: three launches and one wait for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gpu import jpeg
from gpu.cuda import descriptors
from gpu.cuda.arena import Scratch, Staging, aligned
from gpu.cuda.device import Device, Stream
from gpu.cuda.kernels import Kernels

MCU_SIZE: dict[jpeg.Sampling, int] = {"444": 8, "420": 16, "grey": 8}
"""Pixels of a side."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture to encode, or a stripe of it: the restart intervals [first, last) and the rows that they show."""

    pixels: int
    """Device address of (rows, width) RGBA words."""
    height: int
    width: int
    """Of the whole picture."""
    background: tuple[int, int, int]
    """What shows through transparent pixels."""
    top: int = 0
    """Row of the picture that lies at `pixels`."""
    first: int = 0
    last: int | None = None
    """None: to the end."""


@dataclass(slots=True)
class Batch:
    """What was launched together."""

    frames: int
    intervals: int
    images: int
    owners: int
    tables: int
    header: int
    lists: int
    """Addresses."""
    header_length: int
    size_at: int
    defines: tuple[str, ...]
    buffer: int = 0
    """Address of `room` bytes for coded intervals, in no order."""
    room: int = 0


class Encoder:
    """JPEG encoding for one stream, one batch at a time; buffers grow to what was needed and stay."""

    def __init__(
        self,
        device: Device,
        kernels: Kernels,
        staging: Staging,
        scratch: Scratch,
        stream: Stream,
        *,
        interval: int | None = None,
        window: int = 2048,
        threads: int = 192,
    ) -> None:
        """`interval`: MCUs between restart markers; `window`: words of the bit buffer; `threads` of a block."""
        self._device = device
        self._kernels = kernels
        self._staging = staging
        self._scratch = scratch
        self._stream = stream
        self._interval = interval
        self._window = window
        self._threads = threads
        self._room = 1 << 20
        self._out: NDArray[np.uint8] = device.pinned(1 << 20)
        self._results: NDArray[np.uint32] = device.pinned(4 << 10).view(np.uint32)

    def start(self, frames: Sequence[Frame], quality: int, sampling: jpeg.Sampling = "420") -> Batch:
        """Queue a batch; equal files to libjpeg-turbo's for the same restart interval."""
        interval = self._interval or jpeg.INTERVALS[sampling]
        images, owners = _images(frames, sampling, interval)
        header, size_at = jpeg.header(quality, sampling, interval)
        put = self._staging.put
        count = len(owners)
        batch = Batch(
            frames=len(frames),
            intervals=count,
            images=put(images),
            owners=put(owners),
            tables=put(jpeg.tables(quality)),
            header=put(np.frombuffer(header, np.uint8)),
            lists=self._scratch.take(12 * count + 4 * (len(frames) + 2)),
            header_length=len(header),
            size_at=size_at,
            defines=(
                f"SAMPLING={jpeg.SAMPLINGS[sampling]}",
                f"INTERVAL={interval}",
                f"THREADS={self._threads}",
                f"WINDOW={self._window}",
            ),
        )
        if len(self._results) < len(frames) + 2:
            self._results = self._device.pinned(8 * (len(frames) + 2)).view(np.uint32)
        self._staging.flush()
        self.again(batch)
        return batch

    def finish(self, batch: Batch) -> list[NDArray[np.uint8]]:
        """Wait; the files, in page-locked memory that the next batch overwrites."""
        while True:
            self._stream.synchronize()
            starts = self._results[: batch.frames + 1].tolist()
            if not self._grown(int(self._results[batch.frames + 1]), starts[-1]):
                return [self._out[begin:end] for begin, end in pairwise(starts)]
            self.again(batch)

    def again(self, batch: Batch) -> None:
        """Queue the launches of a batch (once more)."""
        count, lists = batch.intervals, batch.lists
        offsets, lengths, positions, starts = (lists + 4 * count * i for i in range(4))
        cursor = starts + 4 * (batch.frames + 1)
        if batch.room < self._room:
            batch.buffer, batch.room = self._scratch.take(self._room), self._room
        kernel, stream = self._kernels.general, self._stream
        stream.zero(cursor, 4)
        kernel("jpeg_encode", *batch.defines)(
            (count, 1, 1),
            self._threads,
            _args(
                batch.images, batch.owners, batch.tables, batch.buffer, np.uint32(batch.room), cursor, offsets, lengths
            ),
            stream,
        )
        numbers = (np.int32(count), np.int32(batch.frames), np.int32(batch.header_length))
        kernel("seg_scan")(
            (1, 1, 1), 1024, _args(batch.images, batch.owners, lengths, positions, starts, *numbers), stream
        )
        places = (offsets, lengths, positions, batch.header)
        header = (np.int32(batch.header_length), np.int32(batch.size_at))
        limits = (np.uint32(len(self._out)), np.uint32(batch.room), np.int32(count))
        kernel("seg_gather")(
            (-(-count // 8), 1, 1),
            256,
            _args(batch.images, batch.owners, batch.buffer, *places, *header, self._out.ctypes.data, *limits),
            stream,
        )
        stream.download(self._results[: batch.frames + 2], starts)

    def _grown(self, room: int, total: int) -> bool:
        """Make the buffers as large as a batch needed; False when it fitted."""
        if room > self._room:
            self._room = aligned(room + room // 4)
            return True
        if total > len(self._out):
            self._out = self._device.pinned(aligned(total + total // 4))
            return True
        return False


def intervals_of(height: int, width: int, sampling: jpeg.Sampling, interval: int) -> tuple[int, int]:
    """MCUs across a picture, and its restart intervals."""
    size = MCU_SIZE[sampling]
    across = -(-width // size)
    return across, -(-across * -(-height // size) // interval)


def _images(
    frames: Sequence[Frame], sampling: jpeg.Sampling, interval: int
) -> tuple[NDArray[np.void], NDArray[np.int32]]:
    """Array of Image, and the frame of each interval."""
    rows, counts, begin = [], [], 0
    for frame in frames:
        across, total = intervals_of(frame.height, frame.width, sampling, interval)
        down = -(-frame.height // MCU_SIZE[sampling])
        count = (total if frame.last is None else frame.last) - frame.first
        red, green, blue = frame.background
        ground = red | green << 8 | blue << 16
        size = (frame.width, frame.height, across, down)
        rows.append((frame.pixels, *size, begin - frame.first, total, ground, frame.top))
        counts.append(count)
        begin += count
    return np.array(rows, descriptors.IMAGE), np.repeat(np.arange(len(frames), dtype=np.int32), counts)


def _args(*values: int | np.generic) -> list[np.generic]:
    """Addresses are 64-bit; scalars come with their width."""
    return [np.uint64(value) if isinstance(value, int) else value for value in values]
