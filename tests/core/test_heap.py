"""What the server asks of the C library: all threads share one heap."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNTED = """
import ctypes, sys, threading
from tileserver.heap import keep_pages
if "asked" in sys.argv and not keep_pages():
    print(0)
    sys.exit()
held = []
together = threading.Barrier(5)
def work():
    held.append([bytes(5000) for _ in range(200)])
    together.wait()
for _ in range(4):
    threading.Thread(target=work).start()
together.wait()
ctypes.CDLL(None).malloc_stats()
"""


def _heaps(*words: str) -> int:
    """As glibc counts them on standard error."""
    done = subprocess.run([sys.executable, "-c", COUNTED, *words], capture_output=True, text=True, check=True)
    if done.stdout.startswith("0"):
        pytest.skip("another C library")
    return sum(line.startswith("Arena ") for line in done.stderr.splitlines())


def test_threads_share_a_heap() -> None:
    assert _heaps("asked") == 1


def test_the_count_sees_heaps_of_threads() -> None:
    """Else the test above could not fail."""
    _heaps("asked")  # skips elsewhere
    assert _heaps() > 1
