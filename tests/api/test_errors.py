"""What breaks underneath: corrupt, truncated and vanished files; each fails its own tiles only."""

from __future__ import annotations

import shutil
from pathlib import Path

import mercantile
import numpy as np
import pytest

from tests.archive import DATES, make_archive
from tests.servers import open_client

PLACE = mercantile.tile(15.02, 46.93, 13)
TILE = f"{PLACE.z}/{PLACE.x}/{PLACE.y}"
BANDS = ("B02", "B03", "B04", "B08")


def url(date: str) -> str:
    return f"/xyz/sentinel-2/custom/{date}/{TILE}.png?assets=B04,B03,B02&rescale=0,0.5"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    return make_archive(tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def broken(pristine, tmp_path):
    """A server over a private copy, and the folder of the first date's western tile."""
    shutil.copytree(pristine, tmp_path / "data")
    with open_client(tmp_path / "data", tmp_path / "cache") as client:
        yield client, tmp_path / "data" / "sentinel-2" / "33TWN" / DATES[0]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scramble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(1).integers(0, 256, len(data) // 2, dtype="uint8").tobytes()
    data[len(data) // 2 :] = noise[: len(data) - len(data) // 2]
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [
        truncate,
        scramble,
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("hello"),
    ],
)
def test_a_harmed_file_fails_its_own_tiles_only(broken, harm):
    client, folder = broken
    harm(folder / "B04.tif")
    response = client.get(url(DATES[0]))
    if response.status_code == 200:  # the harm lies in bytes that this tile does not need
        assert harm in {truncate, scramble}
    else:
        assert response.status_code == 502, response.text
        body = response.json()
        assert body["code"] == "SourceUnreadable"
        assert DATES[0] in body["item"] or "33TWN" in body["item"]
        assert body["asset"] == "B04"
        assert str(folder) not in response.text
        assert "tif" not in body["detail"]
        assert response.headers["cache-control"] == "no-store"
    assert client.get(url(DATES[1])).status_code == 200
    assert client.get("/healthz").json()["status"] == "ok"


def test_a_missing_collection_is_suggested(client):
    body = client.get("/collections/sentinel").json()
    assert body["code"] == "NotFound"
    assert "sentinel-2" in body["detail"]


def test_unknown_pages_and_methods_are_json(client):
    assert client.get("/nope").json()["code"] == "NotFound"
    response = client.post("/collections")
    assert response.status_code == 405
    assert response.json()["code"] == "MethodNotAllowed"


def test_preflight_and_cors(client):
    preflight = client.options(
        "/collections", headers={"Origin": "https://portal.example", "Access-Control-Request-Method": "GET"}
    )
    assert preflight.status_code == 200
    assert preflight.headers.get_list("access-control-allow-origin") == ["*"]
    plain = client.get("/collections", headers={"Origin": "https://portal.example"})
    assert plain.headers.get_list("access-control-allow-origin") == ["*"]
    assert "X-Tile-Datetime" in plain.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "query",
    [
        "lon=15",
        "lat=46",
        "lon=x&lat=1",
        "lon=200&lat=1",
        "lon=1&lat=-91",
        "lon=nan&lat=1",
        "lon=1&lat=1&datetime=soon",
        "lon=1&lat=1&style=none",
    ],
)
def test_bad_points(client, query):
    response = client.get(f"/collections/sentinel-2/point?{query}")
    assert response.status_code in {400, 404}
    assert set(response.json()) == {"code", "detail"}


@pytest.mark.parametrize(("form", "longest"), [("webp", 16383), ("jpg", 65500)])
def test_sides_that_a_format_cannot_have(client, form, longest):
    """Within the pixel budget, but longer than the format allows: the limit, not a failure."""
    place = "/collections/sentinel-2/styles/natural/map?bbox=15,46.9,15.1,46.95&datetime=2024-05-01"
    response = client.get(f"{place}&width={longest + 1}&height=2&f={form}")
    assert response.status_code == 413, response.text
    assert response.json()["code"] == "TooLarge"
    assert str(longest) in response.json()["detail"]
    assert client.get(f"{place}&width={longest}&height=2&f={form}").status_code == 200
