import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tileserver.errors import Overloaded
from tileserver.flight import SingleFlight


def run(coroutine):
    """In a thread of its own: Playwright keeps a loop in the main one for as long as its browser lives."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_equal_work_runs_once():
    calls = []

    def work():
        calls.append(threading.get_ident())
        time.sleep(0.05)
        return len(calls)

    async def main():
        flight = SingleFlight(4, 10)
        results = await asyncio.gather(*(flight.run("same", work) for _ in range(20)))
        assert flight.queued == 0
        flight.close()
        return results

    assert run(main()) == [1] * 20


def test_a_failure_reaches_everybody_and_is_not_kept():
    async def main():
        flight = SingleFlight(1, 10)

        def fail():
            time.sleep(0.02)
            raise ValueError("no")

        results = await asyncio.gather(*(flight.run("x", fail) for _ in range(3)), return_exceptions=True)
        again = await flight.run("x", lambda: 7)
        flight.close()
        return results, again

    results, again = run(main())
    assert [str(r) for r in results] == ["no"] * 3
    assert again == 7


def test_work_that_nobody_waits_for_is_not_begun():
    begun = []

    async def main():
        flight = SingleFlight(1, 10)
        blocker = asyncio.ensure_future(flight.run("slow", lambda: time.sleep(0.2)))
        await asyncio.sleep(0.02)
        waiting = asyncio.ensure_future(flight.run("left", lambda: begun.append(1)))
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.gather(blocker, waiting, return_exceptions=True)
        await asyncio.sleep(0.05)
        flight.close()

    run(main())
    assert begun == []


def test_work_that_others_wait_for_goes_on():
    async def main():
        flight = SingleFlight(1, 10)
        first = asyncio.ensure_future(flight.run("k", lambda: time.sleep(0.1) or 5))
        second = asyncio.ensure_future(flight.run("k", lambda: 6))
        await asyncio.sleep(0.02)
        first.cancel()
        result = await second
        flight.close()
        return result

    assert run(main()) == 5


def test_a_full_queue_says_so():
    async def main():
        flight = SingleFlight(1, 2)
        waiting = [asyncio.ensure_future(flight.run(str(i), lambda: time.sleep(0.05))) for i in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(Overloaded):
            await flight.run("third", lambda: None)
        await asyncio.gather(*waiting)
        flight.close()

    run(main())


def test_failing_a_waiter_leaves_the_work_to_the_others():
    async def main():
        flight = SingleFlight(1, 10)
        waiter = asyncio.get_running_loop().create_future()
        first = asyncio.ensure_future(flight.run("k", lambda: time.sleep(0.1) or 5, waiter))
        second = asyncio.ensure_future(flight.run("k", lambda: 6))
        await asyncio.sleep(0.02)
        waiter.set_exception(ConnectionError("gone"))
        with pytest.raises(ConnectionError):
            await first
        result = await second
        flight.close()
        return result

    assert run(main()) == 5


def test_closing_ends_the_wait_for_what_is_not_begun():
    async def main():
        flight = SingleFlight(1, 10)
        begun = asyncio.ensure_future(flight.run("begun", lambda: time.sleep(0.1) or 5))
        queued = asyncio.ensure_future(flight.run("queued", lambda: 6))
        await asyncio.sleep(0.02)
        flight.close()
        return await asyncio.wait_for(asyncio.gather(begun, queued, return_exceptions=True), 2)

    began, left = run(main())
    assert began == 5
    assert isinstance(left, asyncio.CancelledError)
