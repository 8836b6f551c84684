"""Section 1 with the real commands: exit codes, one clear sentence, a folder that changes while it is served."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.acceptance.contract_archive import PLACE, make_impossible, ramp, write_plain
from tests.cogs import write_cog
from tests.live import ROOT, free_port, running

TILESERVER = [sys.executable, "-m", "tileserver"]
VISIBLE = 50
"""Seconds within which a change of a folder shows, well below the minute promised."""
TILE = "/xyz/fields/v/{}/14/8875/5765.png"


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TILESERVER_")}
    return kept | {"XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT)} | more


def run(home: Path, *arguments: str, cwd: Path | None = None, **more: str) -> tuple[int, str]:
    """Exit code and everything said."""
    done = subprocess.run(
        [*TILESERVER, *arguments], env=environment(home, **more), cwd=cwd or ROOT, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def one_sentence(said: str) -> bool:
    return said.startswith("tileserver: ") and len(said.strip().splitlines()) == 1 and "Traceback" not in said


def test_serve_refuses_in_one_sentence(tmp_path):
    code, said = run(tmp_path, "serve", str(tmp_path / "nowhere"))
    assert code == 2
    assert one_sentence(said)
    assert "nowhere" in said
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = run(tmp_path, "serve", str(tmp_path), "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert one_sentence(said)
    assert "--port" in said
    code, said = run(tmp_path, "serve", "--catalog", "mysql://nope")
    assert code == 2
    assert one_sentence(said)


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="refusing needs a machine without a GPU")
def test_cuda_without_a_gpu_refuses(tmp_path):
    code, said = run(tmp_path, "serve", str(tmp_path), "--port", str(free_port()), TILESERVER_DEVICE="cuda")
    assert code == 2
    assert one_sentence(said)
    assert "cuda" in said


def test_ingest_is_repeatable_and_names_bad_files(tmp_path):
    make_impossible(tmp_path / "mixed")
    arguments = ("ingest", str(tmp_path / "mixed"), "--collection", "mixed", "--catalog", "sqlite:///own.db")
    code, said = run(tmp_path, *arguments, cwd=tmp_path)
    assert code == 1
    assert (tmp_path / "own.db").is_file(), "sqlite:/// is relative to where one is"
    for bad in ("nocrs.tif", "complex.tif", "moon.tif", "rpc.tif", "nothing.tif", "garbage.tif"):
        lines = [line for line in said.splitlines() if bad in line]
        assert len(lines) == 1
        assert len(lines[0].partition(": ")[2]) > 10, "a reason"
    assert "1 item" in said
    absolute = ("ingest", str(tmp_path / "mixed" / "fine.tif"), "--collection", "mixed")
    code, said = run(tmp_path, *absolute, "--catalog", f"sqlite:///{tmp_path}/own.db")
    assert code == 0, said
    assert "nothing new" in said


def eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + VISIBLE
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False


def test_a_served_folder_may_change(tmp_path):
    """Added, replaced and removed files show within a minute, and only tiles that they touch get a new ETag."""
    fields = tmp_path / "data" / "fields"
    for day in ("2024-05-01", "2024-05-11"):
        write_cog(fields / day / "v.tif", ramp(), nodata=0)
    (fields / "2024-05-01" / "v.tif").chmod(0o444)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [*TILESERVER, "serve", str(tmp_path / "data"), "--port", str(port)]
    with (
        running(command, base, tmp_path / "log", env=environment(tmp_path / "home")),
        httpx.Client(base_url=base, timeout=30) as client,
    ):

        def tag(day: str) -> str:
            response = client.get(TILE.format(day))
            assert response.status_code == 200
            assert "X-Tile-Empty" not in response.headers
            return response.headers["ETag"]

        def dates() -> list[str]:
            return [day["date"] for day in client.get("/collections/fields/dates").json()]

        def value(day: str) -> float:
            query = {"lon": PLACE[0], "lat": PLACE[1], "datetime": day}
            return client.get("/collections/fields/point", params=query).json()["assets"]["v"]

        untouched, touched, before = tag("2024-05-01"), tag("2024-05-11"), value("2024-05-11")
        write_cog(tmp_path / "new.tif", ramp(500), nodata=0)
        shutil.copy(tmp_path / "new.tif", fields / "2024-05-11" / "v.tif")
        (fields / "2024-05-21").mkdir()
        shutil.copy(tmp_path / "new.tif", fields / "2024-05-21" / "v.tif")
        assert eventually(lambda: "2024-05-21" in dates())
        assert eventually(lambda: value("2024-05-11") == before + 500)
        assert tag("2024-05-11") != touched
        assert tag("2024-05-01") == untouched
        write_plain(tmp_path / "data" / "other" / "a.tif", ramp())
        assert eventually(lambda: client.get("/collections/other").status_code == 200)
        shutil.rmtree(fields / "2024-05-21")
        assert eventually(lambda: "2024-05-21" not in dates())
        (fields / "2024-05-11" / "v.tif").write_bytes(b"broken")
        assert eventually(lambda: dates() == ["2024-05-01"])
        assert client.get(TILE.format("2024-05-01")).status_code == 200
        assert not list((tmp_path / "data").rglob("*.aux.xml")), "the data folder stays as it is"
        assert client.get("/healthz").json()["status"] == "ok"


def test_two_processes_answer_as_one(tmp_path):
    write_cog(tmp_path / "data" / "fields" / "2024-05-01" / "v.tif", ramp(), nodata=0)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [*TILESERVER, "serve", str(tmp_path / "data"), "--port", str(port), "--workers", "2"]
    with running(command, base, tmp_path / "log", env=environment(tmp_path / "home")):
        answers = [httpx.get(base + TILE.format("2024-05-01")) for _ in range(12)]
        assert {(one.status_code, one.headers["ETag"], one.content) for one in answers} == {
            (200, answers[0].headers["ETag"], answers[0].content)
        }
        metrics = httpx.get(f"{base}/metrics").text
        assert 'tileserver_requests_total{route="/xyz",status="200"} 12.0' in metrics
