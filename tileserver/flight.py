"""Equal concurrent work is done once; work that nobody waits for any more is not begun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from tileserver.errors import Overloaded

T = TypeVar("T")


@dataclass(slots=True)
class _Trip(Generic[T]):
    future: Future[T]
    waiting: int = 0


class SingleFlight(Generic[T]):
    """Runs functions in a pool of threads, one for each key at a time. Belongs to one event loop."""

    def __init__(self, threads: int, limit: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="render")
        self._limit = limit
        self._trips: dict[str, _Trip[T]] = {}

    @property
    def queued(self) -> int:
        """Different pieces of work that are waiting or under way."""
        return len(self._trips)

    async def run(self, key: str, work: Callable[[], T]) -> T:
        """The result of `work`, shared with everybody who asks for the same key meanwhile.

        Cancelling the last one who waits takes work that has not begun out of the queue. Raises Overloaded when
        the queue is full.
        """
        trip = self._trips.get(key)
        if trip is None:
            if len(self._trips) >= self._limit:
                raise Overloaded
            trip = self._trips[key] = _Trip(self._pool.submit(work))
        trip.waiting += 1
        try:
            return await asyncio.shield(asyncio.wrap_future(trip.future))
        finally:
            trip.waiting -= 1
            if trip.waiting == 0:
                trip.future.cancel()
                if self._trips.get(key) is trip:
                    del self._trips[key]

    def close(self) -> None:
        """Stop; what is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
