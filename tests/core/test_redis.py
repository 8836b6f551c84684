"""The shared level of the tile cache, in a real Redis."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time

import pytest

from tileserver.cache import MemoryCache, RedisCache, TieredCache

META = {"Content-Type": "image/png"}


@pytest.fixture
def redis_url(tmp_path):
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        server.kill()
        server.wait()


def test_two_servers_share_a_tile(redis_url):
    url, _ = redis_url
    first, second = (TieredCache(MemoryCache(1 << 20), [RedisCache(url)]) for _ in range(2))
    first.set("abcd", b"tile", META)
    assert second.peek("abcd") is None
    assert second.get("abcd") == (b"tile", META)
    assert second.peek("abcd") == (b"tile", META)
    assert second.get("other") is None


def test_a_lost_redis_costs_no_answer(redis_url):
    url, server = redis_url
    cache = TieredCache(MemoryCache(1 << 20), [RedisCache(url)])
    cache.set("abcd", b"tile", META)
    server.kill()
    server.wait()
    assert cache.get("abcd") == (b"tile", META)
    assert cache.get("other") is None
    cache.set("more", b"tile", META)
    assert cache.get("more") == (b"tile", META)
