"""Absolute addresses behind proxies; what an attacker writes into headers is not believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from tileserver.api.addresses import base_address
from tileserver.settings import Settings


def base(headers: dict[str, str], *, root: str = "", public: str = "", scheme: str = "http") -> str:
    raw = [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/x", "root_path": root, "scheme": scheme,
             "query_string": b"", "headers": raw, "server": ("10.0.0.1", 8000)}  # fmt: skip
    return base_address(Request(scope), Settings(public_url=public))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": "maps.org"}, "http://maps.org"),
        ({"host": "maps.org:8080"}, "http://maps.org:8080"),
        ({"host": "[::1]:8080"}, "http://[::1]:8080"),
        ({"host": "inner", "x-forwarded-proto": "https", "x-forwarded-host": "maps.org"}, "https://maps.org"),
        ({"host": "inner", "x-forwarded-proto": "https, http", "x-forwarded-host": "a.org, b"}, "https://a.org"),
        (
            {"host": "h", "x-forwarded-host": "a.org", "x-forwarded-port": "8443", "x-forwarded-proto": "https"},
            "https://a.org:8443",
        ),
        (
            {"host": "h", "x-forwarded-host": "a.org", "x-forwarded-port": "443", "x-forwarded-proto": "https"},
            "https://a.org",
        ),
        ({"host": "h", "x-forwarded-prefix": "/tiles/"}, "http://h/tiles"),
        ({"host": "h", "forwarded": 'for=1.2.3.4;proto=https;host="a.org:99", for=9'}, "https://a.org:99"),
        ({"host": "h", "x-forwarded-proto": "javascript"}, "http://h"),
        ({"host": "h", "x-forwarded-host": 'evil"><script>'}, "http://10.0.0.1:8000"),
        ({"host": "h", "x-forwarded-prefix": "//evil.org"}, "http://h"),
        ({"host": "h", "x-forwarded-prefix": "/a/../b<"}, "http://h"),
        ({"host": "bad host"}, "http://10.0.0.1:8000"),
    ],
)
def test_the_address(headers, expected):
    assert base(headers) == expected


def test_the_public_url_and_the_root_path():
    assert base({"host": "h", "x-forwarded-host": "other"}, public="https://maps.org/x/") == "https://maps.org/x"
    assert base({"host": "h"}, root="/tiles") == "http://h/tiles"


@given(st.dictionaries(
    st.sampled_from(["host", "forwarded", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-prefix"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
))  # fmt: skip
def test_whatever_headers_say_the_address_is_harmless(headers):
    address = base(headers)
    assert address.startswith(("http://", "https://"))
    assert not set(address) & set("\"'<>\\ {}|^`")


def test_documents_use_it(client):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "maps.example.org", "X-Forwarded-Prefix": "/tiles"}
    for path in (
        "/wmts/1.0.0/WMTSCapabilities.xml", "/wms?service=WMS&request=GetCapabilities", "/stac", "/tileMatrixSets",
        "/collections/ramp/qgis.qlr", "/collections/ramp/map/tiles", "/stac/collections/ramp/items",
        "/collections/ramp/styles/rgb/WebMercatorQuad/tilejson.json",
    ):  # fmt: skip
        text = client.get(path, headers=headers).text
        assert "https://maps.example.org/tiles" in text or "https%3A%2F%2Fmaps.example.org%2Ftiles" in text, path
        assert "testserver" not in text, path
