"""Series, composites and films against a plain rio-tiler loop over the same files in the same run.

    python -m benchmarks.series [--dates 60] [--side 2048] [--rounds 3] [--film]

Every date has its own files. "Cold" is the first question to a server that has never opened them (the operating
system's cache is warm for both sides); "warm" the median of the next ones. Ours are whole HTTP answers.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter, sleep

import mercantile
import numpy as np
import rasterio
import shapely
from rasterio.warp import transform_bounds
from rio_tiler.io import Reader
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.granule import write
from tileserver.app import create_app, open_parts
from tileserver.models import Asset, Band, Collection, Item, Style
from tileserver.settings import Settings

NDVI = "(B08-B04)/(B08+B04)"
STYLES = (
    Style(
        id="ndvi",
        titles={"en": "Plant health"},
        expert="NDVI",
        expression=NDVI,
        rescale=((-0.2, 0.9),),
        colormap_name="rdylgn",
    ),
    Style(id="natural", titles={"en": "Natural colours"}, assets=("B04", "B03", "B02"), rescale=((0.0, 0.3),)),
)


@dataclass(frozen=True)
class Result:
    """Seconds of one question on both sides."""

    name: str
    cold: float
    warm: float
    loop: float

    def line(self) -> str:
        times = f"{self.cold * 1e3:9.1f} {self.warm * 1e3:9.1f} {self.loop * 1e3:12.1f}"
        return f"{self.name:44} {times} {self.loop / self.cold:8.1f} {self.loop / self.warm:8.1f}"


HEADER = f"{'':44} {'cold ms':>9} {'warm ms':>9} {'rio-tiler ms':>12} {'x cold':>8} {'x warm':>8}"


def archive(folder: Path, count: int, side: int) -> tuple[list[dict[str, Path]], list[Item]]:
    """A granule's files once for each date, five days apart."""
    source = write(folder / "granule", side)
    dates, items = [], []
    for number in range(count):
        when = datetime(2022, 1, 1, 10, tzinfo=UTC) + timedelta(days=5 * number)
        files = {}
        for name in ("B02", "B03", "B04", "B08"):
            files[name] = folder / f"{when:%Y-%m-%d}" / f"{name}.tif"
            files[name].parent.mkdir(exist_ok=True)
            if not files[name].exists():
                os.link(source / f"{name}.tif", files[name])
        dates.append(files)
        items.append(item(f"d{number:04}", when, files))
    return dates, items


def item(name: str, when: datetime, files: dict[str, Path]) -> Item:
    """An item as ingest would make it."""
    with rasterio.open(files["B04"]) as dataset:
        bbox = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
    band = {"dtype": "uint16", "nodata": 0.0, "scale": 0.0001, "offset": 0.0}
    assets = {
        key: Asset(key=key, href=str(path), bands=(Band(name=key, **band),), version="1") for key, path in files.items()
    }
    return Item(
        id=name, collection="bench", datetime=when, bbox=bbox, assets=assets, version=name,
        geometry=shapely.geometry.mapping(shapely.box(*bbox)),
    )  # fmt: skip


def served(stack: ExitStack, items: list[Item]) -> TestClient:
    """A server that has never opened a file."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    parts = open_parts(Settings(catalog=f"sqlite:///{folder / 'catalog.db'}", cache_dir=folder, device="cpu"))
    parts.catalog.put_collection(Collection(id="bench", title="Bench", styles=STYLES, attribution="synthetic"))
    parts.catalog.put_items(items)
    return stack.enter_context(TestClient(create_app(parts)))


def seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def compare(
    name: str, items: list[Item], rounds: int, ours: Callable[[TestClient, int], object], loop: Callable[[], object]
) -> Result:
    """One question to a fresh server, then again; the loop in between, so that both see the same machine."""
    colds, warms, loops = [], [], []
    for _ in range(rounds):
        with ExitStack() as stack:
            ask = partial(ours, served(stack, items))
            colds.append(seconds(partial(ask, 0)))
            loops.append(seconds(loop))
            warms += [seconds(partial(ask, turn)) for turn in (1, 2)]
    return Result(name, *(statistics.median(values) for values in (colds, warms, loops)))


def ok(answer: object) -> bytes:
    assert answer.status_code == 200, answer.text
    return answer.content


def point(dates: list[dict[str, Path]], items: list[Item], rounds: int) -> Result:
    west, south, east, north = items[0].bbox
    lon, lat = west + (east - west) * 0.4, south + (north - south) * 0.6

    def ours(client: TestClient, _: int) -> list[float]:
        params = {"lon": lon, "lat": lat, "style": "ndvi"}
        return json.loads(ok(client.get("/collections/bench/timeseries", params=params)))["value"]

    def loop() -> list[float]:
        values = []
        for files in dates:
            pair = []
            for name in ("B04", "B08"):
                with Reader(str(files[name])) as cog:
                    pair.append(float(cog.point(lon, lat).data[0]))
            values.append((pair[1] - pair[0]) / (pair[1] + pair[0]))
        return values

    with ExitStack() as stack:
        np.testing.assert_allclose(ours(served(stack, items), 0), loop(), rtol=1e-6)
    return compare(f"point, NDVI, {len(dates)} dates", items, rounds, ours, loop)


def area(dates: list[dict[str, Path]], items: list[Item], rounds: int) -> Result:
    west, south, east, north = items[0].bbox
    centre = shapely.Point((west + east) / 2, (south + north) / 2)
    shape = json.loads(json.dumps(shapely.geometry.mapping(centre.buffer((east - west) / 8))))

    def ours(client: TestClient, _: int) -> list[float]:
        return json.loads(ok(client.post("/collections/bench/timeseries", params={"style": "ndvi"}, json=shape)))[
            "value"
        ]

    def loop() -> list[float]:
        values = []
        for files in dates:
            pair = []
            for name in ("B04", "B08"):
                with Reader(str(files[name])) as cog:
                    image = cog.feature(shape, dst_crs=cog.crs)
                    pair.append(image.array[0].astype(float))
            ndvi = (pair[1] - pair[0]) / (pair[1] + pair[0])
            weights = image.get_coverage_array(shape, shape_crs="EPSG:4326")
            values.append(float(np.ma.average(ndvi, weights=weights)))
        return values

    with ExitStack() as stack:
        np.testing.assert_allclose(ours(served(stack, items), 0), loop(), rtol=2e-3)
    return compare(f"area of half the width, NDVI, {len(dates)} dates", items, rounds, ours, loop)


def composite(dates: list[dict[str, Path]], items: list[Item], rounds: int, reducer: str) -> Result:
    """A 512 px tile near native resolution; ours draws another tile each time, from blocks it has by then."""
    west, south, east, north = items[0].bbox
    tile = mercantile.tile((west + east) / 2, (south + north) / 2, 13)
    tiles = [tile, *mercantile.neighbors(tile)]
    interval = f"{items[0].datetime:%Y-%m-%d}--{items[-1].datetime:%Y-%m-%d}"

    def ours(client: TestClient, turn: int) -> bytes:
        at = tiles[turn % len(tiles)]
        return ok(client.get(f"/xyz/bench/ndvi/{interval}/{at.z}/{at.x}/{at.y}@2x.png", params={"reducer": reducer}))

    def loop() -> bytes:
        stack = []
        for files in dates:
            pair = []
            for name in ("B04", "B08"):
                with Reader(str(files[name])) as cog:
                    image = cog.tile(
                        tile.x, tile.y, tile.z, tilesize=512, resampling_method="bilinear", reproject_method="bilinear"
                    )
                    pair.append(image.array[0].astype(float))
            stack.append((pair[1] - pair[0]) / (pair[1] + pair[0]))
        reduced = getattr(np.ma, reducer)(np.ma.stack(stack), axis=0)
        image.array = np.ma.expand_dims(reduced, 0)
        image.rescale(((-0.2, 0.9),))
        return image.render(img_format="PNG")

    return compare(f"{reducer} of {len(dates)} dates, 512 px tile", items, rounds, ours, loop)


def film(items: list[Item], frames: int, width: int, form: str) -> float:
    """Seconds from asking to having a film."""
    west, south, east, _ = items[0].bbox
    across = (east - west) * 0.4
    box = [west + across, south + across / 2, west + 2 * across, south + across / 2 + across * 0.67]
    body = {"collection": "bench", "style": "natural", "bbox": box, "width": width, "format": form}
    body["dates"] = [f"{each.datetime:%Y-%m-%d}" for each in items[:frames]]
    with ExitStack() as stack:
        client = served(stack, items)
        started = perf_counter()
        job = client.post("/timelapses", json=body).json()
        while job["status"] in {"accepted", "running"}:
            sleep(0.05)
            job = client.get(f"/jobs/{job['id']}").json()
        assert job["status"] == "successful", job
        return perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dates", type=int, default=60)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--film", action="store_true", help="films of 60 frames of 1024 px as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dates, items = archive(Path(folder), options.dates, options.side)
        few = min(options.dates, 12)
        print(HEADER)
        for result in (
            point(dates, items, options.rounds),
            area(dates[:few], items[:few], options.rounds),
            composite(dates[:few], items[:few], options.rounds, "median"),
            composite(dates[:few], items[:few], options.rounds, "max"),
        ):
            print(result.line(), flush=True)
        if options.film:
            for form in ("mp4", "webm", "gif", "webp"):
                print(
                    f"film of {min(60, len(items))} frames, 1024 px, {form}: {film(items, 60, 1024, form):.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
