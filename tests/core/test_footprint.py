"""Footprints are shared by all threads of a server."""

from __future__ import annotations

import subprocess
import sys

ASK = """
import random
from concurrent.futures import ThreadPoolExecutor
import shapely
from tileserver.models import Item
from tileserver.selection import covers

ITEM = Item(collection="c", id="i", datetime=None, bbox=(14.0, 49.0, 16.0, 51.0), assets={},
            geometry=shapely.geometry.mapping(shapely.Point(15, 50).buffer(1)))

def ask(seed):
    chance = random.Random(seed)
    for _ in range(20000):
        x, y = 15 + chance.uniform(-1.1, 1.1), 50 + chance.uniform(-1.1, 1.1)
        covers(ITEM, (x, y, x + 0.05, y + 0.05))

with ThreadPoolExecutor(4) as pool:
    list(pool.map(ask, range(4)))
"""


def test_threads_may_ask_at_once() -> None:
    """In a process of its own, which would not end by itself but by a signal."""
    assert subprocess.run([sys.executable, "-c", ASK], check=False).returncode == 0
