"""Work done ahead of whoever uses it, in order and within bounds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


def in_order(pool: Executor, work: Callable[[In], Out], inputs: Iterable[In], ahead: int) -> Iterator[Out]:
    """Results in the order of the inputs, at most `ahead` of who reads them. Stops when it is closed."""
    waiting: deque[Future[Out]] = deque()
    try:
        for value in inputs:
            waiting.append(pool.submit(work, value))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
