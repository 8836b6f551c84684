"""Whatever is asked: the standard's own exception with 400, a tile, or a document. Never a 500, never an error inside a 200."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.standards.schemas import validated
from tests.standards.wmts import INFO, TILE

NAMES = ["service", "request", "version", "layer", "style", "format", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol",
         "Time", "InfoFormat", "I", "J", "Sections", "AcceptVersions", "UpdateSequence", "AcceptFormats"]  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from([
        "GetTile", "GetCapabilities", "GetFeatureInfo", "ramp", "static-nearest", "9", "-1", "1e9", "0x10", "99999999999999999999",
        "2024-02-30", "2024-13-01T00:00:00Z", "/", "../..", "9999-12-31", "0001-01-01/9999-12-31", "2024-05-01--2023-05-01",
        "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;", "]]>", "%00", "application/json", "all", "Contents,,",
    ]),
)  # fmt: skip
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(base=st.sampled_from([TILE, INFO, {"service": "WMTS", "request": "GetCapabilities"}]),
       changes=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=3),
       upper=st.booleans(), twice=st.booleans())  # fmt: skip
def test_key_value_pairs(client, base, changes, upper, twice):
    pairs = list((base | dict(changes)).items())
    pairs += changes if twice else []
    response = client.get("/wmts", params=[(name.upper() if upper else name, value) for name, value in pairs])
    assert response.status_code in {200, 400}
    media = response.headers["content-type"]
    if response.status_code == 400:
        assert validated(response.content)[0].get("exceptionCode")
    else:
        assert media.startswith(("image/", "application/json", "text/", "application/xml"))
        assert b"ExceptionReport" not in response.content[:500]
        if "xml" in media:
            validated(response.content)


@QUIET
@given(parts=st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/?#."), min_size=1, max_size=12),
                                st.sampled_from(["ramp", "rgb", "default", "WebMercatorQuad", "9", "173", "276.png", "1", "2.json"])),
                      min_size=1, max_size=10))  # fmt: skip
def test_paths(client, parts):
    from urllib.parse import quote

    response = client.get("/wmts/1.0.0/" + "/".join(quote(part, safe="") for part in parts))
    assert response.status_code in {200, 404}
    if response.status_code == 404 and "xml" in response.headers["content-type"]:
        validated(response.content)
