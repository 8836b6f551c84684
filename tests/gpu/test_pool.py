"""What stays in GPU memory: the budget, the order, leases; and the memory of a batch."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu.backend import Layer, Source
from gpu.cpu import CpuBackend
from gpu.cuda import CudaBackend
from gpu.cuda.arena import Scratch, Staging
from gpu.pool import Pool
from tests.gpu.host.device import HostDevice, HostMemory
from tests.gpu.scenes import grid, job, pixels, recipe

GREY = recipe("a", rescale=((0, 9000),))


def test_least_recently_used_goes_first():
    pool = Pool(300)
    for key in "abc":
        pool.offer(key, HostMemory(100))
    pool.lease("a")
    pool.release("a")
    pool.offer("d", HostMemory(100))
    assert pool.lease("b") is None
    assert all(pool.lease(key) for key in "acd")


def test_leased_memory_stays():
    pool = Pool(100)
    pool.offer("a", HostMemory(100))
    pool.lease("a")
    pool.offer("b", HostMemory(80))
    pool.clear()
    assert pool.lease("a") is not None
    pool.release("a")
    pool.release("a")
    pool.clear()
    assert pool.used == 0


def test_shrinking_takes_the_oldest_and_only_as_many_as_needed():
    pool = Pool(1000)
    for key in "abcdef":
        pool.offer(key, HostMemory(100))
    pool.lease("a")
    pool.lease("c")
    pool.shrink(350)
    assert pool.used == 300
    assert [pool.lease(key) is not None for key in "abcdef"] == [True, False, True, False, False, True]


def test_a_full_pool_of_very_many_windows_stays_quick():
    """One in, one out costs the same however many there are."""
    memory = HostMemory(1)
    pool = Pool(200_000)
    for key in range(200_000):
        pool.offer(key, memory)
    started = time.thread_time()
    for key in range(200_000, 202_000):
        pool.offer(key, memory)
    assert time.thread_time() - started < 0.5
    assert pool.used == 200_000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["offer", "lease", "release", "clear"]), st.integers(0, 6), st.integers(1, 60)),
        max_size=60,
    )
)
def test_budget_holds(steps):
    pool, leased = Pool(100), []
    for action, key, size in steps:
        if action == "offer":
            pool.offer(key, HostMemory(size))
        elif action == "lease" and pool.lease(key):
            leased.append(key)
        elif action == "release" and leased:
            pool.release(leased.pop())
        elif action == "clear":
            pool.clear()
        if not leased:
            assert pool.used <= 100 or action == "lease"
    for key in leased:
        pool.release(key)
    assert pool.used <= 100


def make(pool_bytes):
    return CudaBackend(
        HostDevice(), CpuBackend(), specialise="never", slots=1, pool_bytes=pool_bytes, scratch_bytes=1 << 20
    )


def keyed(number):
    return job([Layer(sources=(Source(pixels=pixels(number), nodata=0, control=grid(24, 28), key=number),))], GREY)


def test_pixels_with_a_key_go_up_once():
    backend = make(64 << 20)
    first = backend.draw([keyed(1)])[0].content
    used, misses = backend.pool.used, backend.pool.misses
    assert backend.draw([keyed(1), keyed(1)])[1].content == first
    assert backend.pool.used == used
    assert backend.pool.misses == misses
    assert backend.pool.hits >= 2


def test_a_pool_too_small_costs_only_time():
    large, small = make(64 << 20), make((1 << 20) + 5000)
    for number in range(8):
        assert small.draw([keyed(number)])[0].content == large.draw([keyed(number)])[0].content
    assert small.pool.used <= small.pool.budget


def test_pool_under_threads():
    backend = CudaBackend(
        HostDevice(), CpuBackend(), specialise="never", slots=3, pool_bytes=3200000, scratch_bytes=1 << 20
    )
    expected = {n: make(0).draw([keyed(n)])[0].content for n in range(6)}
    wrong = []

    def work(seed):
        numbers = np.random.default_rng(seed).integers(0, 6, 12).tolist()
        wrong.extend(n for n in numbers if backend.draw([keyed(n)])[0].content != expected[n])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("size", [0, 1 << 12, 1 << 22])
def test_staging_packs_and_grows(size):
    """Arrays of any size arrive whole, across flushes and growth."""
    device = HostDevice()
    stream = device.stream()
    scratch = Scratch(device, size)
    staging = Staging(device, stream, scratch)
    rng = np.random.default_rng(1)
    for _ in range(3):
        sent = []
        for length in (0, 1, 255, 256, 257, 5000, 70000, Staging.SEGMENT - 256, Staging.SEGMENT + 3, 12):
            data = rng.integers(0, 256, length).astype(np.uint8)
            sent.append((staging.put(data), data))
            if length == 257:
                staging.flush()
        staging.flush()
        stream.synchronize()
        for address, data in sent:
            found = np.empty_like(data)
            stream.download(found, address)
            stream.synchronize()
            np.testing.assert_array_equal(found, data)
        staging.reset()
        scratch.reset()


def test_many_batches_at_once():
    """More jobs than a batch holds are drawn on several streams; the order is kept."""
    backend = CudaBackend(
        HostDevice(), CpuBackend(), specialise="never", slots=3, pool_bytes=16 << 20, scratch_bytes=1 << 18
    )
    alone = [make(0).draw([keyed(n)])[0].content for n in range(5)]
    assert [e.content for e in backend.draw([keyed(n % 5) for n in range(150)])] == [alone[n % 5] for n in range(150)]
    backend.close()
