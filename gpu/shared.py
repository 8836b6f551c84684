"""Pickles whose arrays lie in shared memory: pixels are copied once, not through a socket."""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

SIZE = 8 << 20
"""Bytes of a window; what does not fit travels in the message itself."""
MEMORY = Path("/dev/shm")  # noqa: S108 files of 0600 with random names, gone as soon as both ends have them


class Window:
    """Shared memory of one line between a worker and the service, for one message at a time."""

    def __init__(self, path: str, mapping: mmap.mmap | None) -> None:
        self.path = path
        """What the other end attaches to; empty: there is no shared memory, messages carry all."""
        self._mapping = mapping
        self._buffer = memoryview(mapping if mapping is not None else b"")

    @classmethod
    def create(cls, size: int = SIZE) -> Window:
        """A new window. Its memory is claimed at once: a full /dev/shm is an error here, not a crash later."""
        descriptor, path = tempfile.mkstemp(prefix="tilescope-", dir=MEMORY if MEMORY.is_dir() else None)
        try:
            os.posix_fallocate(descriptor, 0, size)
            return cls(path, mmap.mmap(descriptor, size))
        except OSError:
            Path(path).unlink()
            return cls("", None)
        finally:
            os.close(descriptor)

    @classmethod
    def attach(cls, path: str) -> Window:
        """The other end's window. The file goes; the memory stays as long as one end has it."""
        if not path:
            return cls("", None)
        with Path(path).open("r+b") as file:
            mapping = mmap.mmap(file.fileno(), 0)
        Path(path).unlink()
        return cls("", mapping)

    def dump(self, value: Any) -> bytes:
        """Pickle; contiguous buffers go to the window while it has room."""
        buffers: list[pickle.PickleBuffer] = []
        body = pickle.dumps(value, 5, buffer_callback=buffers.append)
        places: list[tuple[int, int] | bytes] = []
        at = 0
        for buffer in buffers:
            raw = buffer.raw()
            if at + raw.nbytes <= len(self._buffer):
                self._buffer[at : at + raw.nbytes] = raw
                places.append((at, raw.nbytes))
                at += -(-raw.nbytes // 64) * 64
            else:
                places.append(raw.tobytes())
        return pickle.dumps((body, places), 5)

    def load(self, message: bytes) -> Any:
        """The value; its arrays are views into the window until the next message."""
        body, places = pickle.loads(message)  # noqa: S301 our own process, by a shared secret
        buffers = [
            place if isinstance(place, bytes) else self._buffer[place[0] : place[0] + place[1]].toreadonly()
            for place in places
        ]
        return pickle.loads(body, buffers=buffers)  # noqa: S301

    def close(self) -> None:
        """Let go."""
        if self.path:
            with suppress(FileNotFoundError):
                Path(self.path).unlink()
        with suppress(BufferError):  # a view still lives: the memory goes with it
            self._buffer.release()
            if self._mapping is not None:
                self._mapping.close()
