import numpy as np

from tileserver.cache import DiskCache, MemoryCache, TieredCache

META = {"Content-Type": "image/png", "X-Tile-Datetime": "2024-05-01T00:00:00Z"}


def noise(seed: int, size: int = 10_000) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def test_memory_stays_within_its_budget():
    cache = MemoryCache(100_000)
    for i in range(50):
        cache.set(str(i), noise(i), META)
    kept = [i for i in range(50) if cache.get(str(i))]
    assert kept == list(range(50 - len(kept), 50))
    assert 8 <= len(kept) <= 10
    cache.set("huge", noise(1, 200_000), META)
    assert cache.get("huge") is None


def test_memory_keeps_what_is_used_and_counts_what_is_replaced():
    cache = MemoryCache(4 * (1000 + 512))
    for _ in range(10):
        cache.set("same", noise(0, 1000), META)
    for i in range(20):
        assert cache.get("same") == (noise(0, 1000), META)
        cache.set(str(i), noise(i, 1000), META)
    assert [i for i in range(20) if cache.get(str(i))] == [17, 18, 19]
    cache.set("same", noise(1, 1000), META)
    assert cache.get("same") == (noise(1, 1000), META)


def test_disk_keeps_content_and_metadata(tmp_path):
    cache = DiskCache(tmp_path, 10_000_000)
    cache.set("abcd", noise(1), META)
    assert DiskCache(tmp_path, 10_000_000).get("abcd") == (noise(1), META)
    assert cache.has("abcd")
    assert cache.get("none") is None


def test_disk_stays_near_its_budget(tmp_path):
    cache = DiskCache(tmp_path, 200_000)
    for i in range(100):
        cache.set(f"{i:04x}", noise(i), META)
    total = sum(path.stat().st_size for path in tmp_path.glob("??/*"))
    assert 100_000 < total <= 220_000
    assert cache.get(f"{99:04x}") is not None


def test_a_damaged_file_is_a_miss(tmp_path):
    cache = DiskCache(tmp_path, 10_000_000)
    cache.set("abcd", noise(1), META)
    (tmp_path / "ab" / "abcd").write_bytes(b"\xff\xff\xff\x00oops")
    assert cache.get("abcd") is None


def test_what_is_found_below_moves_up(tmp_path):
    disk = DiskCache(tmp_path, 10_000_000)
    disk.set("abcd", noise(1), META)
    tiers = TieredCache(MemoryCache(100_000), [disk])
    assert tiers.peek("abcd") is None
    assert tiers.get("abcd") == (noise(1), META)
    assert tiers.peek("abcd") == (noise(1), META)
