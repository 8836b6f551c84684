"""Decoded blocks, shared by all requests. The least recently used go first; one decode of each at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Block(Protocol):
    """What is kept: rows decoded from the top, more on demand."""

    @property
    def nbytes(self) -> int:
        """Memory that it holds now."""
        ...

    @property
    def ready(self) -> int:
        """How many rows it has."""
        ...

    def need(self, rows: int) -> None:
        """Have this many rows from the top; an error means that the block is of no use."""
        ...


Kept = TypeVar("Kept", bound=Block)
Wanted = tuple[Hashable, int]
"""A block's key and how many rows of it, from the top."""


class BlockCache(Generic[Kept]):
    """Blocks by key within a budget of bytes. Thread-safe; blocks are shared, never written to."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.hits = 0
        self.misses = 0
        self._blocks: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self._flying: dict[Hashable, Future[Kept]] = {}
        self._lock = Lock()

    def get(self, wanted: Sequence[Wanted], load: Callable[[list[Wanted]], Iterable[Kept]]) -> list[Kept]:
        """The blocks, each with its rows; `load` makes those that nobody has or makes, in the order it is given."""
        found: dict[Hashable, Kept] = {}
        waiting: dict[Hashable, Future[Kept]] = {}
        mine: dict[Wanted, Future[Kept]] = {}
        with self._lock:
            for want in wanted:
                key = want[0]
                entry = self._blocks.get(key)
                if entry is not None:
                    self._blocks.move_to_end(key)
                    found[key] = entry[0]
                elif key in self._flying:
                    waiting[key] = self._flying[key]
                else:
                    mine[want] = self._flying[key] = Future()
            self.hits += len(found)
            self.misses += len(mine)
        if mine:
            found.update(self._load(mine, load))
        for key, future in waiting.items():
            if key not in found:
                found[key] = future.result()
        for key, rows in wanted:
            if found[key].ready < rows:
                self._extend(key, found[key], rows)
        return [found[key] for key, _ in wanted]

    def peek(self, keys: Sequence[Hashable], rows: Sequence[int]) -> list[Kept] | None:
        """The blocks, each with its first rows, where all of them are kept; never waits."""
        with self._lock:
            found = []
            for key, count in zip(keys, rows, strict=True):
                entry = self._blocks.get(key)
                if entry is None or entry[0].ready < count:
                    return None
                self._blocks.move_to_end(key)
                found.append(entry[0])
            self.hits += len(found)
        return found

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._blocks.clear()
            self.used = 0

    def _load(
        self, mine: dict[Wanted, Future[Kept]], load: Callable[[list[Wanted]], Iterable[Kept]]
    ) -> dict[Hashable, Kept]:
        made: dict[Hashable, Kept] = {}
        try:
            for (key, _), future, block in zip(list(mine), mine.values(), load(list(mine)), strict=True):
                made[key] = block
                with self._lock:
                    self._flying.pop(key, None)
                    self._keep(key, block)
                future.set_result(block)
        except BaseException as error:
            with self._lock:
                for key, _ in mine:
                    self._flying.pop(key, None)
            for future in mine.values():
                if not future.done():
                    future.set_exception(error)
            raise
        return made

    def _extend(self, key: Hashable, block: Kept, rows: int) -> None:
        try:
            block.need(rows)
        except BaseException:
            with self._lock:
                self._drop(key)
            raise
        with self._lock:
            if key in self._blocks:
                self._keep(key, block)

    def _keep(self, key: Hashable, block: Kept) -> None:
        """Under the lock: at its present size, as the one used last."""
        self._drop(key)
        size = block.nbytes
        if size > self.limit:
            return
        self._blocks[key] = block, size
        self.used += size
        while self.used > self.limit:
            _, (_, old) = self._blocks.popitem(last=False)
            self.used -= old

    def _drop(self, key: Hashable) -> None:
        known = self._blocks.pop(key, None)
        if known is not None:
            self.used -= known[1]
