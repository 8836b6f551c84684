"""The block cache: within its budget, one decode at a time, failures are not kept; rows only as far as asked."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Lock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cog.files import asset, band, pixels, write
from tileserver.blocks import BlockCache, Wanted
from tileserver.cog import Block, BlockError, Cog, open_cog
from tileserver.cog.block import open_block
from tileserver.cog.stored import Stored
from tileserver.cog.stream import share
from tileserver.errors import SourceUnreadable
from tileserver.models import Grid
from tileserver.reading import FastReader


def block(_wanted: Wanted) -> Block:
    return Block(np.zeros((1, 10, 100), np.uint8))


def blocks(wanted: list[Wanted]) -> Iterable[Block]:
    return map(block, wanted)


def all_of(*keys: Hashable) -> list[Wanted]:
    return [(key, 10) for key in keys]


def test_the_least_recently_used_go_first() -> None:
    cache = BlockCache[Block](2500)
    for key in ("a", "b", "a", "c"):
        cache.get(all_of(key), blocks)
    assert cache.used == 2000
    cache.get(all_of("a", "c"), lambda _: pytest.fail("both are there"))
    assert (cache.hits, cache.misses) == (3, 3)


def test_a_budget_of_nothing_keeps_nothing() -> None:
    cache = BlockCache[Block](0)
    assert len(cache.get(all_of("a", "a", "b"), blocks)) == 3
    assert cache.used == 0


def test_one_decode_for_many_at_once() -> None:
    cache, started, calls, lock = BlockCache[Block](1 << 20), Barrier(8), [], Lock()

    def load(wanted: list[Wanted]) -> Iterable[Block]:
        with lock:
            calls.extend(wanted)
        return blocks(wanted)

    def ask(_: int) -> int:
        started.wait()
        return len(cache.get(all_of(1, 2, 3), load))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [3] * 8
    assert sorted(calls) == all_of(1, 2, 3)


def test_a_failure_reaches_who_waits_and_is_tried_again() -> None:
    cache, loading, asked = BlockCache[Block](1 << 20), Event(), Event()

    def fail(_wanted: list[Wanted]) -> Iterable[Block]:
        loading.set()
        asked.wait(5)
        raise ValueError("broken")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, all_of("a"), fail)
        loading.wait(5)
        second = pool.submit(cache.get, all_of("a"), blocks)
        asked.set()
        with pytest.raises(ValueError, match="broken"):
            first.result(5)
        assert second.exception(5) is None or isinstance(second.exception(), ValueError)
    assert len(cache.get(all_of("a"), blocks)) == 1


SIDE = 256


@pytest.fixture(scope="module")
def cogs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cog]:
    """Files of one tile, each of a layout of its own."""
    folder = tmp_path_factory.mktemp("rows")
    layouts = {
        "plain": ("uint16", 1, {}),
        "difference": ("uint16", 1, {"predictor": 2}),
        "bands": ("int32", 3, {"predictor": 2, "interleave": "pixel"}),
        "float": ("float32", 2, {"predictor": 3, "interleave": "pixel"}),
        "swapped": ("uint16", 2, {"predictor": 2, "ENDIANNESS": "BIG", "interleave": "pixel"}),
    }
    out = {}
    for name, (dtype, bands, options) in layouts.items():
        tile = {"compress": "deflate", "blockxsize": SIDE, "blockysize": SIDE}
        out[name] = open_cog(asset(write(folder / f"{name}.tif", pixels(dtype, bands, SIDE), **tile, **options)))
    return out


def _bytes_of(cog: Cog) -> bytes:
    level = cog.levels[0]
    return level.source.read(int(level.image.offsets[0]), int(level.image.counts[0]))


def _opened(cog: Cog, data: bytes, rows: int) -> Block:
    return open_block(cog.levels[0].image, Stored.of_bytes(data), 0, rows)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_in_any_steps_are_the_rows_of_the_whole(cogs: dict[str, Cog], data: st.DataObject) -> None:
    cog = cogs[data.draw(st.sampled_from(sorted(cogs)))]
    stored = _bytes_of(cog)
    whole = _opened(cog, stored, SIDE).pixels
    rows = data.draw(st.integers(1, SIDE // 2))
    level = cog.levels[0]
    near = Stored.of_file(level.source, int(level.image.offsets[0]), len(stored))
    part = open_block(level.image, data.draw(st.sampled_from([near, Stored.of_bytes(stored)])), 0, rows)
    assert part.ready == rows
    for step in data.draw(st.lists(st.integers(1, SIDE), max_size=4)):
        rows = max(rows, step)
        part.need(step)
        assert part.ready == rows
        np.testing.assert_array_equal(part.pixels[:, :rows], whole[:, :rows])
    part.need(SIDE)
    np.testing.assert_array_equal(part.pixels, whole)
    assert part.nbytes == whole.nbytes


def test_the_cache_counts_what_is_still_compressed(cogs: dict[str, Cog]) -> None:
    """What was fetched is in memory until the block is whole; a file that is near is read on."""
    cog = cogs["difference"]
    stored = _bytes_of(cog)
    used = []
    for load in (lambda _: [_opened(cog, stored, 10)], cog.load):
        cache = BlockCache[Block](1 << 24)
        (key,) = cog.keys(0, 0, [0])
        (part,) = cache.get([(key, 10)], load)
        used.append(cache.used)
        assert cache.used > part.pixels.nbytes
        cache.get([(key, SIDE)], lambda _: pytest.fail("it is there"))
        assert cache.used == part.pixels.nbytes
    assert used[0] == used[1] + len(stored)


def test_a_kept_block_does_not_keep_its_file_open(tmp_path: Path) -> None:
    """Else a cache of thousands of blocks would use up the files that a process may have open."""
    path = write(tmp_path / "a.tif", pixels("uint16", 1, SIDE), compress="deflate", blockxsize=SIDE, blockysize=SIDE)
    cog = open_cog(asset(path))
    (key,) = cog.keys(0, 0, [0])
    (part,) = cog.load([(key, 10)])
    part.need(20)
    del cog
    assert not [link for link in Path("/proc/self/fd").iterdir() if link.exists() and link.resolve() == path]
    with pytest.raises(BlockError, match="closed"):
        part.need(SIDE)


def test_no_more_of_a_file_is_read_than_its_rows_need(cogs: dict[str, Cog], asked: list[int]) -> None:
    cog = cogs["difference"]
    length = len(_bytes_of(cog))
    asked.clear()
    (part,) = cog.load([(cog.keys(0, 0, [0])[0], SIDE // 4)])
    assert asked == [share(length, 1 / 4)]
    assert asked[0] < length / 2
    part.need(SIDE)
    assert sum(asked) == length


def test_many_at_once_want_different_rows(cogs: dict[str, Cog]) -> None:
    cog = cogs["difference"]
    whole = _opened(cog, _bytes_of(cog), SIDE).pixels
    cache = BlockCache[Block](1 << 24)
    (key,) = cog.keys(0, 0, [0])

    def ask(rows: int) -> bool:
        (part,) = cache.get([(key, rows)], cog.load)
        return bool((part.pixels[:, :rows] == whole[:, :rows]).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, [10, 200, 50, 256, 3, 120, 90, 255] * 4))


def test_a_block_that_ends_too_early_gives_its_rows_and_is_forgotten(tmp_path: Path) -> None:
    """What nobody looks at need not be whole; the rest is an error, and the next request reads it anew."""
    path = write(tmp_path / "cut.tif", pixels("uint16", 1, SIDE), compress="deflate", blockxsize=SIDE, blockysize=SIDE)
    cog = open_cog(asset(path))
    stored = _bytes_of(cog)
    cache = BlockCache[Block](1 << 24)

    def load(wanted: list[Wanted]) -> Iterable[Block]:
        return [_opened(cog, stored[: len(stored) // 2], rows) for _, rows in wanted]

    (part,) = cache.get([("a", 20)], load)
    assert part.ready == 20
    with pytest.raises(BlockError, match="too short"):
        cache.get([("a", 200)], load)
    assert cache.used == 0
    with pytest.raises(BlockError, match="too short"):
        part.need(200)


def test_a_file_that_cannot_be_read_for_a_while_gives_no_wrong_rows(tmp_path: Path) -> None:
    """The decoder went on before the reading failed; who has the block still must not get the rows after these."""
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(1).integers(0, 60_000, (1, SIDE, SIDE)).astype(np.uint16)
    noise[:, SIDE // 2 :] = 7  # the rows above take more than their share, so more is read
    cog = open_cog(asset(write(path, noise, compress="deflate", blockxsize=SIDE, blockysize=SIDE)))
    stored, fails = _bytes_of(cog), [False]

    def read(start: int, end: int) -> bytes:
        if start and fails[0]:
            raise SourceUnreadable("The file cannot be read.")
        return stored[start:end]

    part = open_block(cog.levels[0].image, Stored(len(stored), read), 0, 1)
    fails[0] = True
    with pytest.raises(SourceUnreadable):
        part.need(SIDE // 2)
    fails[0] = False
    with pytest.raises(BlockError, match="broken"):
        part.need(SIDE // 2)
    assert part.ready == 1


def test_bands_stored_together_are_decoded_once_also_without_room(tmp_path: Path) -> None:
    """Three bands of a pixel-interleaved file are one block each time, however small the cache."""
    path = write(tmp_path / "rgb.tif", pixels("uint8", 3), compress="deflate", interleave="pixel", nodata=0)
    grid = Grid(crs="EPSG:32633", bounds=(500_000, 5_200_000 - 3000, 503_000, 5_200_000), width=256, height=256)
    reader = FastReader(0)
    sources = reader.sources([(asset(path), band(index)) for index in (1, 2, 3)], grid, "nearest")
    assert all(source is not None for source in sources)
    assert reader.blocks.misses == 9
