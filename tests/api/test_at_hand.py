"""Pictures of which everything is decoded already are drawn at once; all others in a thread. The bytes are the same."""

from __future__ import annotations

from collections import Counter

import mercantile
import pytest

from tests.servers import open_client
from tileserver.cache import MemoryCache, TieredCache
from tileserver.flight import SingleFlight
from tileserver.reading import FastReader

PLACE = mercantile.tile(15.02, 46.93, 13)


def url(look: str, form: str = "png", date: str = "2024-05-01", place: mercantile.Tile = PLACE) -> str:
    return f"/xyz/sentinel-2/custom/{date}/{place.z}/{place.x}/{place.y}.{form}?{look}"


RGB = "assets=B04,B03,B02&rescale=0,0.47&resampling=nearest"
LOOKS = (
    RGB,
    "assets=B04,B03,B02&rescale=0,0.47&resampling=bilinear",
    "assets=SCL&resampling=nearest",
    "expression=(B08-B04)/(B08%2BB04)&rescale=-1,1&colormap_name=rdylgn&resampling=nearest",
)


@pytest.fixture
def client(archive, tmp_path):
    with open_client(archive, tmp_path / "cache", tile_cache_bytes=0) as client:
        yield client


@pytest.fixture
def flown(monkeypatch):
    """How many pictures were handed to a thread."""
    count = Counter()
    run = SingleFlight.run

    async def counted(self, key, work, waiter=None):
        count["pictures"] += 1
        return await run(self, key, work, waiter)

    monkeypatch.setattr(SingleFlight, "run", counted)
    return count


@pytest.mark.parametrize("look", LOOKS)
def test_what_is_at_hand_is_drawn_at_once_and_the_same(client, flown, look):
    first = client.get(url(look))
    assert (first.status_code, flown["pictures"]) == (200, 1)
    again = client.get(url(look))
    assert flown["pictures"] == 1
    assert again.content == first.content
    assert again.headers["x-tile-datetime"] == first.headers["x-tile-datetime"]
    assert again.headers["server-timing"] != first.headers["server-timing"]


@pytest.mark.parametrize(
    ("look", "form"),
    [
        (RGB, "webp"),
        ("assets=B04,B03,B02&rescale=0,0.47&resampling=cubic", "png"),
        ("assets=B04,B03,B02&rescale=0,0.47&resampling=nearest&reducer=median", "png"),
        (f"{RGB}&color_formula=saturation%201.4", "png"),
        ("expression=sin(B04)&rescale=-1,1&resampling=nearest", "png"),
        (f"expression=B04{'%2BB08*B03' * 8}&rescale=-1,1&resampling=nearest", "png"),
    ],
)
def test_what_takes_longer_never_holds_others_up(client, flown, look, form):
    assert [client.get(url(look, form)).status_code for _ in range(2)] == [200, 200]
    assert flown["pictures"] == 2


def test_what_was_changed_is_read_anew(client, flown, archive):
    client.get(url(RGB))
    for path in archive.rglob("*.tif"):
        path.touch()
    assert client.get(url(RGB)).status_code == 200
    assert flown["pictures"] == 2


def test_nothing_is_at_hand_without_blocks(archive, tmp_path, flown):
    with open_client(archive, tmp_path / "cache", tile_cache_bytes=0, block_cache_bytes=0) as client:
        assert [client.get(url(RGB)).status_code for _ in range(2)] == [200, 200]
    assert flown["pictures"] == 2


def test_slower_levels_are_asked_in_a_thread(client, flown):
    cache = TieredCache(MemoryCache(0), [MemoryCache(1 << 20)])
    object.__setattr__(client.parts, "cache", cache)
    assert [client.get(url(RGB)).status_code for _ in range(2)] == [200, 200]
    assert flown["pictures"] == 2


def test_a_file_for_gdal_is_never_at_hand(client, flown, monkeypatch):
    monkeypatch.setattr(FastReader, "open", lambda *_args, **_kwargs: "for a test")
    assert [client.get(url(RGB)).status_code for _ in range(2)] == [200, 200]
    assert flown["pictures"] == 2
