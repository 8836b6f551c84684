"""Decoded blocks, shared by all requests. The least recently used go first; one decode of each at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any

from numpy.typing import NDArray

Block = NDArray[Any]
Load = Callable[[list[Hashable]], Iterable[Block]]


class BlockCache:
    """Blocks by key within a budget of bytes. Thread-safe; blocks are shared, never written to."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.hits = 0
        self.misses = 0
        self._blocks: OrderedDict[Hashable, Block] = OrderedDict()
        self._flying: dict[Hashable, Future[Block]] = {}
        self._lock = Lock()

    def get(self, keys: Sequence[Hashable], load: Load) -> list[Block]:
        """The blocks of all keys; `load` makes those that nobody has or makes, in the order it is given."""
        found: dict[Hashable, Block] = {}
        waiting: dict[Hashable, Future[Block]] = {}
        mine: dict[Hashable, Future[Block]] = {}
        with self._lock:
            for key in keys:
                block = self._blocks.get(key)
                if block is not None:
                    self._blocks.move_to_end(key)
                    found[key] = block
                elif key in mine:
                    continue
                elif key in self._flying:
                    waiting[key] = self._flying[key]
                else:
                    mine[key] = self._flying[key] = Future()
            self.hits += len(found)
            self.misses += len(mine)
        if mine:
            found.update(self._load(mine, load))
        for key, future in waiting.items():
            found[key] = future.result()
        return [found[key] for key in keys]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._blocks.clear()
            self.used = 0

    def _load(self, mine: dict[Hashable, Future[Block]], load: Load) -> dict[Hashable, Block]:
        made: dict[Hashable, Block] = {}
        try:
            for key, block in zip(mine, load(list(mine)), strict=True):
                made[key] = block
                self._keep(key, block)
                mine[key].set_result(block)
        except BaseException as error:
            with self._lock:
                for key in mine:
                    self._flying.pop(key, None)
            for future in mine.values():
                if not future.done():
                    future.set_exception(error)
            raise
        return made

    def _keep(self, key: Hashable, block: Block) -> None:
        with self._lock:
            self._flying.pop(key, None)
            if block.nbytes > self.limit:
                return
            self._blocks[key] = block
            self.used += block.nbytes
            while self.used > self.limit:
                _, old = self._blocks.popitem(last=False)
                self.used -= old.nbytes
