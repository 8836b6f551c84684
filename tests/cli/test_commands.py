"""The commands, as people type them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from tests.cogs import write_cog
from tileserver.cli import main

RNG = np.random.default_rng(5)
GRID = Affine(20, 0, 500_000, 0, -20, 5_200_000)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two dates of three bands, and one file that is none."""
    for date in ("2023-08-10", "2023-08-13"):
        for band in ("B03", "B04", "B08"):
            values = RNG.integers(200, 4000, (300, 300), np.uint16)
            write_cog(tmp_path / "in" / "s2" / date / f"{band}.tif", values, nodata=0, transform=GRID)
    return tmp_path / "in"


@dataclass
class Result:
    """What a command said."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs `tileserver …` in this process, with a cache folder of its own."""

    def call(*arguments: str | Path, **environment: str) -> Result:
        with monkeypatch.context() as patched:
            patched.chdir(tmp_path)
            patched.setattr(os, "environ", surroundings(tmp_path, **environment))
            patched.setattr(sys, "argv", ["tileserver", *map(str, arguments)])
            with pytest.raises(SystemExit) as left:
                main()
        said = capsys.readouterr()
        return Result(int(left.value.code or 0), said.out, said.err)

    return call


def surroundings(folder: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TILESERVER_")}
    root = str(Path(__file__).parents[2])
    return {
        **kept,
        "PYTHONPATH": root,
        "TILESERVER_CACHE_DIR": str(folder / "cache"),
        "TILESERVER_DEVICE": "cpu",
        **more,
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, *arguments: str | Path, **environment: str) -> Iterator[str]:
    """A server as its own process; its address."""
    port = free_port()
    command = [sys.executable, "-m", "tileserver", "serve", *map(str, arguments), "--port", str(port)]
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=surroundings(folder, **environment))
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, (folder / "log.txt").read_text()
            try:
                get(f"{address}/collections")
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) is not None
        log.close()


def get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=30) as answer:
        content = answer.read()
        return json.loads(content) if "json" in answer.headers["Content-Type"] else content


def refused(result: Result, words: str) -> None:
    """One clear sentence and exit code 2."""
    assert result.returncode == 2, result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert words in lines[0]
    assert "Traceback" not in result.stderr


def test_serve_a_folder(archive: Path, tmp_path: Path):
    with serving(tmp_path, archive, TILESERVER_RESCAN_SECONDS="1") as address:
        (found,) = get(f"{address}/collections")["collections"]
        assert found["id"] == "s2"
        assert "ndvi" in found["renders"]
        # A new date shows by itself.
        write_cog(archive / "s2" / "2023-08-20" / "B04.tif", RNG.integers(1, 9, (64, 64), np.uint16), transform=GRID)
        for _ in range(300):
            interval = get(f"{address}/collections/s2")["extent"]["temporal"]["interval"][0]
            if interval[1].startswith("2023-08-20"):
                break
            time.sleep(0.1)
        assert interval[1].startswith("2023-08-20")
        assert not (archive / "cache").exists()


def test_serve_with_several_processes(archive: Path, tmp_path: Path):
    with serving(tmp_path, archive, "--workers", "2") as address:
        assert [one["id"] for one in get(f"{address}/collections")["collections"]] == ["s2"]


def test_what_serve_refuses(run, tmp_path: Path):
    refused(run("serve", tmp_path / "nowhere"), "no file or folder")
    refused(run("serve", "--catalog", "mysql://x"), "sqlite:///")
    refused(run("serve", TILESERVER_DEVICE="quantum"), "TILESERVER_DEVICE")
    refused(run("serve", TILESERVER_MAX_PIXELS="many"), "TILESERVER_MAX_PIXELS")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused(run("serve", "--port", str(taken.getsockname()[1])), "Choose another port")
    refused(run("serve", "--host", "not an address"), "Cannot listen")


def test_cuda_without_a_gpu(run):
    from gpu.devices import why_no_cuda

    if not why_no_cuda():
        pytest.skip("there is a GPU; run this on a machine without one")
    refused(run("serve", TILESERVER_DEVICE="cuda"), "cuda")


def test_ingest_is_repeatable(run, archive: Path):
    (archive / "s2" / "2023-08-10" / "B99.tif").write_text("no raster")
    first = run("ingest", archive / "s2", "--collection", "mine", "--catalog", "sqlite:///c.db")
    assert first.returncode == 1, first.stderr
    assert "Skipped s2/2023-08-10/B99.tif: It is no raster" in first.stderr
    assert "mine: 2 items, 2 new or changed" in first.stderr
    second = run("ingest", archive / "s2", "--collection", "mine", "--catalog", "sqlite:///c.db")
    assert second.returncode == 1
    assert "nothing new" in second.stderr
    (archive / "s2" / "2023-08-10" / "B99.tif").unlink()
    assert run("ingest", archive / "s2", "--collection", "mine", "--catalog", "sqlite:///c.db").returncode == 0


def test_ingest_from_several_folders(run, archive: Path, tmp_path: Path):
    from tileserver.catalog import open_catalog

    for tile in ("33TWM", "33TWL"):
        write_cog(
            tmp_path / "tiles" / tile / "2023-08-10" / "B04.tif",
            RNG.integers(1, 9, (64, 64), np.uint16),
            transform=GRID,
        )
        assert (
            run("ingest", tmp_path / "tiles" / tile, "--collection", "s", "--catalog", "sqlite:///c.db").returncode == 0
        )
    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db")
    hrefs = {item.assets["B04"].href for item in catalog.items("s")}
    assert hrefs == {str(tmp_path / "tiles" / tile / "2023-08-10" / "B04.tif") for tile in ("33TWM", "33TWL")}
    before = catalog.items("s")
    assert (
        run("ingest", tmp_path / "tiles" / "33TWL", "--collection", "s", "--catalog", "sqlite:///c.db").returncode == 0
    )
    assert catalog.items("s") == before
    # What is gone from its folder goes from the collection; what came from elsewhere stays.
    (tmp_path / "tiles" / "33TWL" / "2023-08-10" / "B04.tif").unlink()
    run("ingest", tmp_path / "tiles" / "33TWL", "--collection", "s", "--catalog", "sqlite:///c.db")
    assert [item.assets["B04"].href for item in catalog.items("s")] == [
        str(tmp_path / "tiles/33TWM/2023-08-10/B04.tif")
    ]


def test_what_ingest_refuses(run, archive: Path):
    refused(run("ingest", archive, "--collection", "a b"), "letters")
    refused(run("ingest", archive, "--collection", "x", "--template", "sentinel"), "No template 'sentinel'")
    refused(run("ingest", archive / "gone", "--collection", "x"), "no file or folder")
    refused(
        run("ingest", archive, "--collection", "x", "--catalog", "postgresql://u:secret@127.0.0.1:1/x"), "PostgreSQL"
    )


def test_what_harvest_refuses(run):
    refused(run("harvest", "http://127.0.0.1:9", "--collection", "x"), "STAC API")
    refused(run("harvest", "http://127.0.0.1:9", "--collection", "x", "--bbox", "1,2,3"), "--bbox")
    refused(run("harvest", "http://127.0.0.1:9", "--collection", "x", "--datetime", "soon"), "--datetime")


def test_seed_goes_on_where_it_stopped(run, archive: Path, tmp_path: Path):
    catalog = ("--catalog", "sqlite:///c.db")
    assert run("ingest", archive / "s2", "--collection", "s2", *catalog).returncode == 0
    first = run("seed", "s2", "--style", "ndvi", "--zooms", "10-13", *catalog)
    assert first.returncode == 0, first.stderr
    drawn = int(first.stderr.split(" tiles drawn")[0].split()[-1])
    assert drawn > 5
    second = run("seed", "s2", "--style", "ndvi", "--zooms", "10-13", *catalog)
    assert f"0 tiles drawn, {drawn} were there" in second.stderr
    # A server finds them: the name of the file is the tile's ETag.
    with (
        serving(tmp_path, "--catalog", "sqlite:///c.db") as address,
        urllib.request.urlopen(f"{address}/xyz/s2/ndvi/latest/12/2219/1441", timeout=30) as answer,
    ):
        etag = answer.headers["ETag"].strip('"')
        content = answer.read()
    (seeded,) = (tmp_path / "cache" / "tiles").rglob(etag)
    assert seeded.read_bytes().endswith(content)
    refused(run("seed", "s2", "--style", "ndvy", *catalog), "Did you mean 'ndvi'")
    refused(run("seed", "s2", "--style", "ndvi", "--zooms", "9-3", *catalog), "--zooms")
    refused(run("seed", "s3", "--style", "ndvi", *catalog), "No collection 's3'")


def test_doctor(run, archive: Path):
    catalog = ("--catalog", "sqlite:///c.db")
    assert run("doctor", *catalog).returncode == 0
    run("ingest", archive / "s2", "--collection", "s2", *catalog)
    well = run("doctor", *catalog)
    assert well.returncode == 0, well.stdout
    assert "s2: 2 items" in well.stdout
    assert "fast path" in well.stdout
    (archive / "s2" / "2023-08-13" / "B04.tif").write_bytes(b"broken")
    ill = run("doctor", *catalog)
    assert ill.returncode == 1
    assert "BAD    2023-08-13 / B04" in ill.stdout
    assert "Traceback" not in ill.stdout + ill.stderr


def test_help_names_every_command(run):
    text = run("--help").stdout
    assert all(name in text for name in ("serve", "ingest", "harvest", "seed", "doctor"))
    assert run("--version").stdout.startswith("tileserver")
    assert run("frobnicate").returncode == 2


def test_ingest_of_single_files(run, archive: Path, tmp_path: Path):
    """A second file does not push out the first; what is no COG becomes one, in its own folder."""
    from tileserver.catalog import open_catalog

    profile = {"driver": "GTiff", "count": 1, "height": 1200, "width": 1200, "dtype": "uint16", "crs": "EPSG:32633"}
    for name in ("one", "two"):
        with rasterio.open(tmp_path / f"{name}.tif", "w", transform=GRID, **profile) as dataset:
            dataset.write(RNG.integers(1, 9, (1, 1200, 1200), np.uint16))
    catalog = ("--catalog", "sqlite:///c.db")
    for _ in range(2):
        for name in ("one", "two"):
            assert run("ingest", tmp_path / f"{name}.tif", "--collection", "c", *catalog).returncode == 0
    found = open_catalog(f"sqlite:///{tmp_path}/c.db").items("c")
    assert [item.id for item in found] == ["one", "two"]
    assert all(cog_validate(item.assets["data"].href, quiet=True)[0] for item in found)
    assert len(list((tmp_path / "cogs").rglob("*.tif"))) == 2  # beside the catalog


def test_serving_a_folder_leaves_a_catalog_alone(run, archive: Path, tmp_path: Path):
    """Folders served with --catalog are added to what the operator has there."""
    from tileserver.catalog import open_catalog
    from tileserver.ingest.folders import FolderIndex
    from tileserver.ingest.report import Report

    write_cog(tmp_path / "far" / "2020-01-01" / "B04.tif", RNG.integers(1, 9, (64, 64), np.uint16), transform=GRID)
    for name in ("s2", "other"):
        run("ingest", tmp_path / "far", "--collection", name, "--catalog", "sqlite:///c.db")
    catalog = open_catalog(f"sqlite:///{tmp_path}/c.db")
    index = FolderIndex(catalog, [archive], Report(), alone=False)
    index.refresh()
    assert sorted(one.id for one in catalog.collections()) == ["other", "s2"]
    assert [item.id for item in catalog.items("s2")] == ["2023-08-13", "2023-08-10", "2020-01-01"]
    shutil.rmtree(archive / "s2")
    index.refresh()
    assert [item.id for item in catalog.items("s2")] == ["2020-01-01"]
