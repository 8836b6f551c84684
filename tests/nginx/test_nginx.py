"""nginx before two server processes: what is kept, what is passed, and that a killed process goes unnoticed."""

from __future__ import annotations

import concurrent.futures
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import ROOT, Live, free_port, live, prepare, running

pytestmark = pytest.mark.client
RUN = ROOT / "nginx" / "run.sh"


def nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


def environment(**more: str) -> dict[str, str]:
    return {"PATH": f"{os.environ['PATH']}:/usr/sbin", **more}


@pytest.fixture(scope="module")
def viewer(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "assets").mkdir()
    script = b"export const words = 'words '.repeat(3)\n" * 100
    (folder / "assets" / "main-abc123.js").write_bytes(script)
    subprocess.run(["gzip", "-k", "-9", str(folder / "assets" / "main-abc123.js")], check=True)
    (folder / "embed.js").write_bytes(b"customElements;\n")
    return folder


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[list[Live]]:
    with live(prepare(tmp_path_factory.mktemp("ramp")), 2) as found:
        yield found


@pytest.fixture(scope="module")
def front(servers, viewer, tmp_path_factory) -> Iterator[Live]:
    if not nginx():
        pytest.skip("no nginx: apt-get install --no-install-recommends nginx-light")
    cache = tmp_path_factory.mktemp("nginx")
    port = free_port()
    values = environment(
        PORT=str(port),
        UPSTREAMS=" ".join(s.address for s in servers),
        CACHE_DIR=str(cache),
        VIEWER_DIR=str(viewer),
        CACHE_SIZE="100m",
    )
    with running(["sh", str(RUN)], f"http://127.0.0.1:{port}", cache / "nginx.log", env=values) as found:
        yield found


def get(address: str, method: str = "GET", **headers: str):
    """Status, headers and body; an error status is an answer, too."""
    request = urllib.request.Request(
        address, headers={k.replace("_", "-"): v for k, v in headers.items()}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


TILE = "/xyz/ramp/rgb/2024-05-11/9/276/173.png"


def test_the_second_request_of_a_tile_is_a_hit(front, servers):
    first = get(front.base + TILE)
    second = get(front.base + TILE)
    assert (first[0], first[1]["X-Cache-Status"]) == (200, "MISS")
    assert (second[0], second[1]["X-Cache-Status"]) == (200, "HIT")
    assert first[2] == second[2] == get(servers[0].base + TILE)[2]
    assert second[1]["X-Tile-Datetime"].startswith("2024-05-11")
    for _, headers, _ in (first, second):
        assert headers.get_all("Access-Control-Allow-Origin") == ["*"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    not_changed = get(front.base + TILE, If_None_Match=first[1]["ETag"])
    assert (not_changed[0], not_changed[2]) == (304, b"")


def test_wmts_wms_and_documents_are_kept_too(front):
    for path in (
        "/wmts/1.0.0/ramp/rgb/2024-05-01/EPSG5514/5/13/10.png",
        "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities",
        "/wms?SERVICE=WMS&REQUEST=GetMap&VERSION=1.3.0&LAYERS=ramp&STYLES=&CRS=CRS:84&BBOX=14,49.5,15,50.5&WIDTH=64&HEIGHT=64&FORMAT=image/png&TRANSPARENT=TRUE&TIME=2024-05-01",
        "/collections/ramp/styles/rgb/legend.svg",
    ):
        assert [get(front.base + path)[1]["X-Cache-Status"] for _ in range(2)] == ["MISS", "HIT"], path


def test_errors_are_not_kept(front):
    for path, status in (
        ("/xyz/nope/rgb/latest/0/0/0.png", 404),
        ("/wmts?service=WMTS&request=GetTile", 400),
        ("/xyz/ramp/rgb/bogus/0/0/0.png", 400),
    ):
        for _ in range(2):
            found = get(front.base + path)
            assert found[0] == status
            assert found[1].get("X-Cache-Status") != "HIT"
            assert found[1].get_all("Access-Control-Allow-Origin") == ["*"]


def test_addresses_are_those_that_the_client_sees(front):
    document = get(f"{front.base}/wmts/1.0.0/WMTSCapabilities.xml")[2].decode()
    assert f'xlink:href="{front.base}/wmts?"' in document
    secure = get(
        f"{front.base}/wmts/1.0.0/WMTSCapabilities.xml", X_Forwarded_Proto="https", X_Forwarded_Host="evil.org"
    )[2].decode()
    assert front.base.replace("http:", "https:") in secure
    assert "evil.org" not in secure
    assert (
        "https:" not in get(f"{front.base}/wmts/1.0.0/WMTSCapabilities.xml")[2].decode().split("<Contents>")[1][:2000]
    )


def test_the_viewer_s_files_are_static_compressed_and_kept(front):
    plain = get(f"{front.base}/assets/main-abc123.js")
    assert plain[0] == 200
    assert "immutable" in plain[1]["Cache-Control"]
    assert plain[1]["Content-Type"].startswith("text/javascript")
    packed = get(f"{front.base}/assets/main-abc123.js", Accept_Encoding="gzip")
    assert packed[1]["Content-Encoding"] == "gzip"
    assert len(packed[2]) < len(plain[2]) / 5
    assert plain[1].get_all("Access-Control-Allow-Origin") == packed[1].get_all("Access-Control-Allow-Origin") == ["*"]
    embed = get(f"{front.base}/embed.js")
    assert embed[0] == 200
    assert "immutable" not in embed[1]["Cache-Control"]
    assert get(f"{front.base}/assets/../../../etc/passwd")[0] in {400, 404}


def test_ranges_and_streams_pass(front):
    part = get(f"{front.base}/collections/ramp/items/ramp-2024-05-01/assets/data", Range="bytes=0-3")
    assert (part[0], part[2]) == (206, b"II*\x00")
    assert get(f"{front.base}/?f=json")[0] == 200
    assert get(f"{front.base}/healthz")[1].get("X-Cache-Status") is None


def test_equal_requests_at_once_are_asked_once(front):
    path = "/xyz/ramp/rgb/2024-05-01/10/553/347.png"
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: get(front.base + path), range(12)))
    assert {answer[0] for answer in found} == {200}
    assert len({answer[2] for answer in found}) == 1
    assert sum(answer[1]["X-Cache-Status"] == "MISS" for answer in found) == 1


def test_a_killed_worker_goes_unnoticed_and_nobody_at_home_is_said_kindly(front, servers):
    """Last in this file: it ends the servers."""
    servers[0].process.send_signal(signal.SIGKILL)
    servers[0].process.wait(10)
    statuses = [
        get(f"{front.base}/xyz/ramp/rgb/2024-05-01/11/{x}/{y}.png")[0]
        for x in range(1104, 1109)
        for y in range(691, 696)
    ]
    assert set(statuses) == {200}
    assert get(f"{front.base}/collections")[0] == 200
    servers[1].process.send_signal(signal.SIGKILL)
    servers[1].process.wait(10)
    time.sleep(0.2)
    assert get(front.base + TILE)[1]["X-Cache-Status"] in {"HIT", "STALE"}
    status, headers, body = get(f"{front.base}/xyz/ramp/rgb/2024-05-21/11/1105/693.png")
    assert status == 503
    assert headers["Retry-After"]
    assert b'"code":"Overloaded"' in body
    assert headers.get_all("Access-Control-Allow-Origin") == ["*"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "80;}"), ("PORT", "x"), ("UPSTREAMS", "a;b"), ("UPSTREAMS", "a{b}"), ("CACHE_SIZE", "lots"), ("VIEWER_DIR", 'x"; return 200')],
)  # fmt: skip
def test_nonsense_is_refused_in_a_sentence(tmp_path, name, value):
    if not nginx():
        pytest.skip("no nginx: apt-get install --no-install-recommends nginx-light")
    values = environment(**({"CACHE_DIR": str(tmp_path / "c"), "CHECK": "1"} | {name: value}))
    done = subprocess.run(
        ["sh", str(RUN)], env=values, capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr.startswith("nginx: ")
    assert done.stderr.count("\n") == 1
