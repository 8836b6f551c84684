"""What stays in GPU memory between requests: decoded pixels and tables by key, the least recently used goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from gpu.cuda.device import Memory


@dataclass(slots=True)
class _Entry:
    memory: Memory
    size: int
    uses: int = 0


class Pool:
    """A budget in bytes of device memory. Thread-safe.

    What a batch uses is leased and not thrown out until it is released; new memory is offered only when its
    upload has ended, so another stream never meets half a copy.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.hits = 0
        self.misses = 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._used = 0
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Bytes held."""
        return self._used

    def lease(self, key: Hashable) -> Memory | None:
        """The memory of a key, kept until `release`; None when it is not here."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self.misses += 1
                return None
            self.hits += 1
            self._entries.move_to_end(key)
            entry.uses += 1
            return entry.memory

    def release(self, key: Hashable) -> None:
        """The batch that leased a key has ended."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                entry.uses -= 1
            self._shrink(self.budget)

    def offer(self, key: Hashable, memory: Memory) -> None:
        """Keep memory whose upload has ended; what is too large for the budget is not kept."""
        with self._lock:
            if key in self._entries or memory.size > self.budget:
                return
            self._entries[key] = _Entry(memory, memory.size)
            self._used += memory.size
            self._shrink(self.budget)

    def shrink(self, size: int) -> None:
        """Free what was not used for longest, until at most `size` bytes are held; what a batch uses stays."""
        with self._lock:
            self._shrink(size)

    def clear(self) -> None:
        """Free everything that no batch is using."""
        self.shrink(0)

    def _shrink(self, size: int) -> None:
        excess, victims = self._used - size, []
        for key, entry in self._entries.items():  # ends early: there may be a million windows
            if excess <= 0:
                break
            if entry.uses == 0:
                victims.append(key)
                excess -= entry.size
        for key in victims:
            self._used -= self._entries.pop(key).size
