"""The STAC API: valid to stac-pydantic and pystac, paged without loss, hostile searches answered with 400."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pystac
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stac_pydantic import Collection, Item, ItemCollection
from stac_pydantic.api import LandingPage
from stac_pydantic.api.collections import Collections

ALL = ["ramp-2024-05-21", "ramp-2024-05-11", "ramp-2024-05-01", "static", "noon", "morning"]


def ids(document):
    return [feature["id"] for feature in document["features"]]


def link(document, rel):
    return next((one for one in document["links"] if one["rel"] == rel), None)


def test_documents_are_valid(client):
    LandingPage.model_validate(client.get("/stac").json())
    Collections.model_validate(client.get("/stac/collections").json())
    for collection in ("ramp", "static", "passes"):
        document = client.get(f"/stac/collections/{collection}").json()
        Collection.model_validate(document)
        assert pystac.Collection.from_dict(document).id == collection
        items = client.get(f"/stac/collections/{collection}/items").json()
        ItemCollection.model_validate(items)
        for feature in items["features"]:
            Item.model_validate(feature)
            assert pystac.Item.from_dict(feature).id == feature["id"]
            assert client.get(link(feature, "self")["href"]).json() == feature


def test_every_link_answers(client):
    for path in ("/stac", "/stac/collections/ramp", "/stac/collections/ramp/items/ramp-2024-05-11"):
        for one in client.get(path).json()["links"]:
            href = one["href"].format(z=9, x=276, y=173)
            if one.get("method") != "POST" and one["rel"] not in {"search", "wms"}:
                response = client.get(href)
                assert response.status_code == 200, href
                if one["rel"] in {"xyz", "tilejson", "wmts", "items", "service-desc"}:
                    assert one["type"].split(";")[0] in response.headers["content-type"] or one["rel"] == "wmts"


def test_web_map_links_show_the_item_s_own_day(client):
    item = client.get("/stac/collections/ramp/items/ramp-2024-05-11").json()
    xyz = link(item, "xyz")["href"].format(z=9, x=276, y=173)
    assert client.get(xyz).headers["x-tile-datetime"].startswith("2024-05-11")
    assert any("web-map-links" in extension for extension in item["stac_extensions"])
    collection = client.get("/stac/collections/ramp").json()
    assert any("render" in extension for extension in collection["stac_extensions"])
    assert "rgb" in collection["renders"]


@pytest.mark.parametrize(
    "path", ["/stac/collections/ramp", "/stac/collections/ramp/items/ramp-2024-05-11", "/collections/ramp"]
)
def test_links_are_what_the_extensions_ask_for(client, path):
    """The rules of web-map-links 1.2 and render 2.0, as their JSON schemas say them."""
    document = client.get(path).json()
    renders = client.get("/collections/ramp").json()["renders"]
    by_rel = {
        rel: [one for one in document["links"] if one["rel"] == rel] for rel in ("xyz", "tilejson", "wmts", "wms")
    }
    assert {one["render"] for one in by_rel["xyz"]} == {one["render"] for one in by_rel["tilejson"]} == set(renders)
    assert all({"{x}", "{y}", "{z}"} <= set(re.findall(r"\{\w\}", one["href"])) for one in by_rel["xyz"])
    assert by_rel["wmts"][0]["wmts:layer"] == "ramp"
    assert by_rel["wms"][0]["wms:layers"] == ["ramp"]
    dated = "items" in path
    assert by_rel["wmts"][0].get("wmts:dimensions") == ({"Time": "2024-05-11"} if dated else None)
    for render in renders.values():
        assert isinstance(render["assets"], list)
        assert isinstance(render["title"], str)
        assert all(len(pair) == 2 for pair in render.get("rescale", []))


def test_no_path_is_ever_shown(client):
    folder = client.parts.catalog.item("ramp", "ramp-2024-05-11").assets["data"].href
    for path in ("/stac/search", "/stac/collections/ramp/items", "/stac/collections/ramp/items/ramp-2024-05-11"):
        text = client.get(path).text
        assert folder not in text
        assert "/tmp/" not in text
        assert "/collections/ramp/items/ramp-2024-05-11/assets/data" in text


@pytest.mark.parametrize("limit", [1, 2, 4, 100])
def test_pages_of_get_and_post_hold_everything_once(client, limit):
    found, address = [], f"/stac/search?limit={limit}"
    while address:
        document = client.get(address).json()
        found += ids(document)
        assert len(found) <= 2000, "pages without an end"
        assert document["numberReturned"] == len(document["features"]) <= limit
        address = (link(document, "next") or {}).get("href")
    assert found == ALL
    found, body = [], {"limit": limit}
    while body:
        document = client.post("/stac/search", json=body).json()
        found += ids(document)
        assert len(found) <= 2000, "pages without an end"
        body = (link(document, "next") or {}).get("body")
    assert found == ALL


def test_pages_through_items_of_the_same_moment(client):
    catalog = client.parts.catalog
    item = catalog.item("passes", "noon")
    copies = [replace(item, id=f"copy-{n:02}", version=f"copy-{n}") for n in range(7)]
    catalog.put_items([*copies, replace(item, id="never", datetime=None, version="never")])
    try:
        found, address = [], "/stac/collections/passes/items?limit=3"
        while address:
            document = client.get(address).json()
            found += ids(document)
            assert len(found) <= 2000, "pages without an end"
            address = (link(document, "next") or {}).get("href")
        assert found == [*(c.id for c in copies), "noon", "morning", "never"]
    finally:
        catalog.remove_items("passes", [*(c.id for c in copies), "never"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"collections": "ramp"}, ALL[:3]), ({"collections": "nope"}, []), ({"collections": "passes,ramp"}, [*ALL[4:], *ALL[:3]]),
        ({"ids": "noon,static,nope"}, ["static", "noon"]), ({"ids": "noon", "datetime": "2023"}, []),
        ({"collections": "ramp", "datetime": "2024-05-11T10:04:09Z"}, [ALL[1]]), ({"collections": "ramp", "datetime": "2024-05-11"}, [ALL[1]]),
        ({"collections": "ramp", "datetime": "2024-05-02T00:00:00Z/.."}, ALL[:2]), ({"collections": "ramp", "datetime": "../2024-05-02T00:00:00Z"}, [ALL[2]]),
        ({"collections": "ramp", "bbox": "14.1,49.6,14.2,49.7"}, ALL[:3]), ({"collections": "ramp", "bbox": "0,0,1,1"}, []),
        ({"collections": "ramp", "bbox": "14.1,49.6,0,14.2,49.7,9"}, ALL[:3]), ({"collections": "ramp", "bbox": "170,40,-170,60"}, []),
        ({"collections": "ramp", "intersects": json.dumps({"type": "Point", "coordinates": [14.5, 50]})}, ALL[:3]),
        ({"collections": "ramp", "intersects": json.dumps({"type": "Point", "coordinates": [13.5, 50]})}, []),
    ],
)  # fmt: skip
def test_searches(client, query, expected):
    assert ids(client.get("/stac/search", params=query).json()) == expected
    body = dict(query.items())
    for key in ("collections", "ids"):
        if key in body:
            body[key] = body[key].split(",")
    if "bbox" in body:
        body["bbox"] = [float(v) for v in body["bbox"].split(",")]
    if "intersects" in body:
        body["intersects"] = json.loads(body["intersects"])
    assert ids(client.post("/stac/search", json=body).json()) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=5), x, max_size=3),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["limit", "bbox", "intersects", "datetime", "collections", "ids", "token", "x"]),
        JSON,
        max_size=4,
    )
)
def test_any_body_is_answered(client, body):
    content = json.dumps(body)
    response = client.post("/stac/search", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in {200, 400, 413}, (content, response.text)
    if response.status_code != 200:
        assert set(response.json()) == {"code", "detail"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b'{"bbox": [1,2,3]}',
        b'{"intersects": {"type": "Nope"}}',
        b'{"bbox":[0,0,1,1],"intersects":{"type":"Point","coordinates":[0,0]}}',
    ],
)
def test_bodies_that_are_none(client, content):
    response = client.post("/stac/search", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["code"] == "InvalidParameter"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/stac/collections/nope", 404), ("/stac/collections/nope/items", 404), ("/stac/collections/ramp/items/nope", 404), ("/stac/nope", 404),
        ("/stac/search?limit=0", 400), ("/stac/search?limit=-1", 400), ("/stac/search?limit=ten", 400), ("/stac/search?bbox=1,2", 400),
        ("/stac/search?bbox=200,0,1,1", 400), ("/stac/search?datetime=yesterday", 400), ("/stac/search?datetime=latest", 400),
        ("/stac/search?token=../../etc", 400), ("/stac/search?token=WyJub3BlIixudWxsLDBd", 400), ("/stac/search?intersects={", 400),
    ],
)  # fmt: skip
def test_wrong_addresses(client, path, status):
    response = client.get(path)
    assert response.status_code == status
    assert set(response.json()) == {"code", "detail"}


def test_many_items_page_quickly(client):
    catalog = client.parts.catalog
    item = catalog.item("passes", "noon")
    many = [
        replace(item, id=f"m{n:04}", datetime=item.datetime - timedelta(minutes=n + 1), version="m")
        for n in range(1200)
    ]
    catalog.put_items(many)
    try:
        found, address = [], "/stac/collections/passes/items?limit=250"
        while address:
            document = client.get(address).json()
            found += ids(document)
            assert len(found) <= 2000, "pages without an end"
            address = (link(document, "next") or {}).get("href")
        assert len(found) == len(set(found)) == 1202
    finally:
        catalog.remove_items("passes", [one.id for one in many])
