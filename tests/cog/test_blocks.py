"""The block cache: within its budget, one decode at a time, failures are not kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import numpy as np
import pytest

from tileserver.blocks import BlockCache


def block(_key: object) -> np.ndarray:
    return np.zeros(1000, np.uint8)


def test_the_least_recently_used_go_first() -> None:
    cache = BlockCache(2500)
    for key in ("a", "b", "a", "c"):
        cache.get([key], lambda keys: map(block, keys))
    assert cache.used == 2000
    cache.get(["a", "c"], lambda _: pytest.fail("both are there"))
    assert (cache.hits, cache.misses) == (3, 3)


def test_a_budget_of_nothing_keeps_nothing() -> None:
    cache = BlockCache(0)
    assert len(cache.get(["a", "a", "b"], lambda keys: map(block, keys))) == 3
    assert cache.used == 0


def test_one_decode_for_many_at_once() -> None:
    cache, started, calls, lock = BlockCache(1 << 20), Barrier(8), [], Lock()

    def load(keys: list) -> list:
        with lock:
            calls.extend(keys)
        return [block(key) for key in keys]

    def ask(_: int) -> int:
        started.wait()
        return len(cache.get([1, 2, 3], load))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [3] * 8
    assert sorted(calls) == [1, 2, 3]


def test_a_failure_reaches_who_waits_and_is_tried_again() -> None:
    cache, loading, asked = BlockCache(1 << 20), Event(), Event()

    def fail(_keys: list) -> list:
        loading.set()
        asked.wait(5)
        raise ValueError("broken")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, ["a"], fail)
        loading.wait(5)
        second = pool.submit(cache.get, ["a"], lambda keys: map(block, keys))
        asked.set()
        with pytest.raises(ValueError, match="broken"):
            first.result(5)
        assert second.exception(5) is None or isinstance(second.exception(), ValueError)
    assert len(cache.get(["a"], lambda keys: map(block, keys))) == 1
