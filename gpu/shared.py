"""Pickles whose arrays lie in shared memory: pixels are copied once, not through a socket."""

from __future__ import annotations

import pickle
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import Any

SIZE = 32 << 20
"""Bytes of a window; what does not fit travels in the message itself."""


class Window:
    """Shared memory of one line between a worker and the service, for one message at a time."""

    def __init__(self, memory: SharedMemory, *, owner: bool) -> None:
        assert memory.buf is not None
        self._memory = memory
        self._buffer = memory.buf
        self._owner = owner

    @classmethod
    def create(cls, size: int = SIZE) -> Window:
        """A new window; its maker removes it."""
        return cls(SharedMemory(create=True, size=size), owner=True)

    @classmethod
    def attach(cls, name: str) -> Window:
        """The other end's window."""
        memory = SharedMemory(name=name)
        # Python 3.11 and 3.12 would remove at exit what the other process owns
        with suppress(Exception):
            resource_tracker.unregister(memory._name, "shared_memory")  # type: ignore[attr-defined]  # noqa: SLF001
        return cls(memory, owner=False)

    @property
    def name(self) -> str:
        """What the other end attaches to."""
        return self._memory.name

    def dump(self, value: Any) -> bytes:
        """Pickle; contiguous buffers go to the window while it has room."""
        buffers: list[pickle.PickleBuffer] = []
        body = pickle.dumps(value, 5, buffer_callback=buffers.append)
        places: list[tuple[int, int] | bytes] = []
        at = 0
        for buffer in buffers:
            raw = buffer.raw()
            if at + raw.nbytes <= self._memory.size:
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
        """Let go; the maker also removes it."""
        with suppress(BufferError):  # a view still lives: the mapping goes with it
            self._buffer.release()
            self._memory.close()
        if self._owner:
            with suppress(FileNotFoundError):
                self._memory.unlink()
