"""Equal concurrent work is done once; work that nobody waits for any more is not begun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tileserver.errors import Overloaded

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Trip(Generic[T]):
    job: Future[None] | None = None
    waiters: list[asyncio.Future[T]] = field(default_factory=list)


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

    async def run(self, key: str, work: Callable[[], T], waiter: asyncio.Future[T] | None = None) -> T:
        """The result of `work`, shared with everybody who asks for the same key meanwhile.

        When the last one who waits is cancelled, work that has not begun is left undone. Whoever gave a `waiter` can
        also end the wait by failing it. Raises Overloaded when the queue is full.
        """
        loop = asyncio.get_running_loop()
        trip = self._trips.get(key)
        if trip is None:
            if len(self._trips) >= self._limit:
                raise Overloaded
            trip = self._trips[key] = _Trip()
            trip.job = self._pool.submit(self._fly, loop, key, trip, work)
        waiter = waiter or loop.create_future()
        trip.waiters.append(waiter)
        try:
            return await waiter
        finally:
            trip.waiters.remove(waiter)
            if not trip.waiters:
                self._end(key, trip)

    def _fly(self, loop: asyncio.AbstractEventLoop, key: str, trip: _Trip[T], work: Callable[[], T]) -> None:
        """In a thread of the pool; telling the loop directly costs half of what a chain of futures does."""
        arrived: tuple[Any, BaseException | None]
        try:
            arrived = work(), None
        except BaseException as error:  # it belongs to those who wait
            arrived = None, error
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            loop.call_soon_threadsafe(self._arrive, key, trip, *arrived)

    def _arrive(self, key: str, trip: _Trip[T], result: T, error: BaseException | None) -> None:
        self._end(key, trip)
        for waiter in trip.waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(result)
            else:
                waiter.set_exception(error)

    def _end(self, key: str, trip: _Trip[T]) -> None:
        if trip.job:
            trip.job.cancel()
        if self._trips.get(key) is trip:
            del self._trips[key]

    def close(self) -> None:
        """Stop; what is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for trip in self._trips.values():
            if trip.job and trip.job.cancelled():
                for waiter in trip.waiters:
                    waiter.cancel()
