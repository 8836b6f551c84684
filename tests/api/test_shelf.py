"""Tiles asked again: the same answer, until anything of their collection changes."""

from __future__ import annotations

from dataclasses import replace

import mercantile

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
