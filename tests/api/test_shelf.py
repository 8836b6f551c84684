"""Tiles asked again: the same answer, until anything of their collection changes."""

from __future__ import annotations

from dataclasses import replace

import mercantile

from tests.servers import open_client
from tileserver.api.shelf import Shelf

PLACE = mercantile.tile(15.02, 46.93, 13)
URL = f"/xyz/sentinel-2/custom/latest/{PLACE.z}/{PLACE.x}/{PLACE.y}.png?assets=B04,B03,B02&rescale=0,0.43"


def test_again_is_the_same(client):
    first, again = client.get(URL), client.get(URL)
    assert again.headers["server-timing"] == "cache;dur=0"
    own = {"server-timing", "date"}
    assert {k: v for k, v in again.headers.items() if k not in own} == {
        k: v for k, v in first.headers.items() if k not in own
    }
    assert again.content == first.content
    assert client.get(URL, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_a_new_item_is_seen_at_once(client):
    catalog = client.parts.catalog
    client.get(URL)
    newest = catalog.items("sentinel-2", limit=1)[0]
    newer = replace(newest, id="newer", datetime=newest.datetime.replace(day=28), version="newer")
    try:
        catalog.put_items([newer])
        assert client.get(URL).headers["x-tile-datetime"].startswith("2024-05-28")
    finally:
        catalog.remove_items("sentinel-2", ["newer"])
    assert client.get(URL).headers["x-tile-datetime"].startswith("2024-05-21")


def test_the_clearest_is_asked_every_time(client):
    url = URL.replace("latest", "best")
    client.get(url)
    assert client.get(url).headers["server-timing"] != "cache;dur=0"


TILES = f"WebMercatorQuad/{PLACE.z}/{PLACE.y}/{PLACE.x}"


def from_shelf(response) -> bool:
    return response.headers["server-timing"] == "cache;dur=0"


def test_other_services_are_on_the_shelf_too(client):
    for address in (
        f"/wmts/1.0.0/sentinel-2/natural/2024-05-01/{TILES}.png",
        f"/collections/sentinel-2/styles/natural/map/tiles/{TILES}?f=png&datetime=2024-05-01",
        f"/collections/sentinel-2/map/tiles/{TILES}.png?datetime=2024-05-01",
    ):
        first, again = client.get(address), client.get(address)
        assert first.status_code == 200
        assert from_shelf(again), address
        assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
        assert again.headers.get("vary") == first.headers.get("vary")


def test_what_is_negotiated_is_not(client):
    address = f"/collections/sentinel-2/styles/natural/map/tiles/{TILES}?datetime=2024-05-01"
    for media in ("image/png", "image/webp", "image/jpeg") * 2:
        assert client.get(address, headers={"Accept": media}).headers["content-type"] == media


def test_not_changed_is_said_from_the_shelf(client):
    first = client.get(URL)
    assert from_shelf(client.get(URL))
    client.parts.cache.memory._entries.clear()  # the picture itself is not needed
    for tags in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        answer = client.get(URL, headers={"If-None-Match": tags})
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == first.headers["etag"]
        assert answer.headers["cache-control"] == first.headers["cache-control"]
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert client.get(URL, headers={"If-None-Match": '"other"'}).content == first.content


def test_head_has_no_body_but_the_same_headers(client):
    first = client.get(URL)
    head = client.head(URL)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(first.content))
    assert head.headers["etag"] == first.headers["etag"]


def test_a_removed_collection_is_gone(archive, tmp_path):
    with open_client(archive, tmp_path) as other:
        assert other.get(URL).status_code == 200
        assert from_shelf(other.get(URL))
        other.parts.catalog.remove_collection("sentinel-2")
        assert other.get(URL).status_code == 404


def test_what_is_old_is_forgotten(monkeypatch):
    now = 1000.0
    monkeypatch.setattr("tileserver.api.shelf.monotonic", lambda: now)
    shelf = Shelf(size=3)

    def scope(name: str) -> dict:
        return {"path": f"/{name}", "query_string": b""}

    for name in "abcd":
        shelf.keep(scope(name), "c", "1", name, {})
    assert [shelf.find(scope(name)) is not None for name in "abcd"] == [False, True, True, True]
    now += 31
    assert shelf.find(scope("b")) is None
    shelf.keep(scope("e"), "c", "1", "e", {})
    assert len(shelf._known) == 1
