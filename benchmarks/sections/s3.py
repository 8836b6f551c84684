"""The granule in S3: requests and bytes for each tile, counted by the S3 server."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import shapely

from benchmarks import granule
from benchmarks.bench import ALL, BLOCKS, COLD, Bench
from benchmarks.figures import Figures
from benchmarks.peers import s3
from benchmarks.server import PYTHON, Load, Server
from benchmarks.workloads import COLLECTION, DATE, RANDOM

SIDE = 4096
"""The S3 server of the tests copies whole objects: larger ones would measure it."""
BUCKET = "archive"
TILES = 60


@dataclass(frozen=True, slots=True)
class Fetched:
    """Per tile."""

    requests: float
    kilobytes: float
    load: Load


def measure(bench: Bench) -> Figures:
    """The first tile reads headers, the next ones blocks, and again what nobody kept."""
    small = replace(bench, side=min(SIDE, bench.side), data=bench.data / "s3")
    figures = Figures("s3", f"S3 on this machine, granule of {small.side} x {small.side}", small.side)
    if not all(importlib.util.find_spec(name) for name in ("moto", "boto3")):
        figures.notes.append("S3 was not measured: moto[server] is not installed.")
        return figures
    small.prepare()
    port = bench.port + 7
    settings = s3.settings(port)
    for path in small.folder.glob("catalog.db*"):
        path.unlink()
    command = [PYTHON, "-m", "benchmarks.peers.s3", str(port), BUCKET, str(small.archive)]
    with Server(command, port, {}, s3.COUNTS) as source:
        _uploaded(source)
        small.ingest(_item(small), COLLECTION, settings)
        table = figures.table("", "", "tiles", "requests/tile", "kB/tile", "CPU ms/tile", "ms/tile, 1 client")
        theirs = replace(RANDOM, count=TILES).titiler(f"s3://{BUCKET}", small.side)
        ours = replace(RANDOM, count=TILES).ours(small.side)

        def row(name: str, server: Server, paths: list[str], key: str) -> None:
            got = _fetched(source, server, paths)
            table.add(name, float(len(paths)), got.requests, got.kilobytes, got.load.cpu, got.load.median)
            figures.measured |= {f"s3 {key} requests": got.requests, f"s3 {key} kB": got.kilobytes}

        with small.titiler(**settings) as server:
            for name, paths in (("first tile", theirs[:1]), ("next", theirs[1:]), ("again", theirs[1:])):
                row(f"TiTiler, {name}", server, paths, f"TiTiler {name}")
        caches: Mapping[str, Mapping[str, str]] = {
            "no cache": COLD,
            "blocks kept": BLOCKS,
            "blocks and tiles kept": ALL,
        }
        for said, cache in caches.items():
            with small.ours({**cache, **settings}) as server:
                server.settle()
                for name, paths in (("first tile", ours[:1]), ("next", ours[1:]), ("again", ours[1:])):
                    row(f"ours, {said}, {name}", server, paths, f"{said} {name}")
    return figures


def _uploaded(source: Server) -> None:
    """Wait until nothing more arrives."""
    quiet = 0
    while quiet < 4:
        time.sleep(0.5)
        quiet = quiet + 1 if not _counts(source)["requests"] else 0


def _counts(source: Server) -> dict[str, int]:
    """Since the last time."""
    return dict(json.loads(source.answers([s3.COUNTS])[0].body))


def _fetched(source: Server, server: Server, paths: list[str]) -> Fetched:
    _counts(source)
    load = server.ask(paths)
    counts = _counts(source)
    return Fetched(counts["requests"] / len(paths), counts["bytes"] / len(paths) / 1000, load)


def _item(bench: Bench) -> Path:
    """A STAC Item whose assets are in the bucket."""
    west, south, east, north = granule.bounds(bench.side)
    box = shapely.geometry.mapping(shapely.box(west, south, east, north))
    place = f"s3://{BUCKET}/{COLLECTION}/{DATE}"
    bands = [{"data_type": "uint16", "nodata": 0, "scale": 0.0001, "offset": 0}]
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "granule",
        "collection": COLLECTION,
        "bbox": [west, south, east, north],
        "geometry": box,
        "properties": {"datetime": f"{DATE}T10:00:00Z"},
        "links": [],
        "assets": {
            name: {
                "href": f"{place}/{name}.tif",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "raster:bands": bands,
            }
            for name in granule.BANDS
        },
    }
    path = bench.scratch("s3") / "item.json"
    path.write_text(json.dumps(item))
    return path
