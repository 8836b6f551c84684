"""Tiles seeded in squares are those that a server draws one by one, under the same keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from gpu.backend import Format
from tests.cogs import write_cog
from tests.time.archive import SCL, STYLES, item_of, parts_of
from tileserver.cache import DiskCache, metadata_of
from tileserver.commands.seed import request_for, squares
from tileserver.models import Collection
from tileserver.render import MapRequest
from tileserver.seeder import Seeder
from tileserver.times import parse_time

RNG = np.random.default_rng(1)
BANDS = ("B02", "B03", "B04", "B08", "SCL")
WHEN = {"west": "2024-05-03T10:00:00Z", "east": "2024-05-03T10:00:10Z", "earlier": "2024-04-20T10:00:00Z"}


@pytest.fixture
def parts(tmp_path: Path):
    """Two items of a day side by side, the second with a hole, and an earlier one below them."""
    parts = parts_of(tmp_path)
    parts.catalog.put_collection(Collection(id="c", title="c", mask=SCL, styles=STYLES))
    for name, left in {"west": 500_000, "east": 508_000, "earlier": 502_000}.items():
        place = Affine(20, 0, left, 0, -20, 5_200_000)
        files = {}
        for band in BANDS:
            pixels = RNG.integers(1, 9 if band == "SCL" else 4000, (500, 450)).astype(np.uint16)
            pixels[200:260, 100:180] *= name != "east"
            files[band] = write_cog(tmp_path / name / f"{band}.tif", pixels, transform=place, nodata=0, scale=1e-4)
        parts.catalog.put_items([item_of("c", name, WHEN[name], files)])
    return parts


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.id)
@pytest.mark.parametrize("time", ["latest", "2024-05-03", "2024-04-20--2024-05-04", "2024-04-25", "best"])
def test_seeded_as_served(parts, tmp_path: Path, style, time: str) -> None:
    collection = parts.catalog.collection("c")
    asked = MapRequest(collection=collection, style=style, time=parse_time(time), grid=None, bbox=())
    formats: tuple[Format, ...] = ("auto", "jpg")
    for revision in ("", parts.catalog.revision("c")):
        disk = DiskCache(tmp_path / f"tiles{revision}", 1 << 30)
        outcomes = 0
        for square in squares((14.95, 46.85, 15.3, 46.98), range(9, 13)):
            requests = [
                request_for(replace(asked, revision=revision), tile, 256, form) for tile in square for form in formats
            ]
            counts = Seeder(parts.renderer, disk).draw(requests)
            assert counts.total() == len(requests)
            outcomes += counts["drawn"]
            again = Seeder(parts.renderer, disk).draw(requests)
            assert (again["there"], again["drawn"], again["empty"]) == (counts["drawn"], 0, counts["empty"])
            for request in requests:
                selection = parts.renderer.select(request)
                if selection.items:
                    image = parts.renderer.draw(request, selection)
                    assert disk.get(parts.renderer.key(request, selection)) == (image.content, metadata_of(image))
        assert outcomes > 20


def test_what_cannot_be_read_is_told(parts, tmp_path: Path) -> None:
    """A broken file spoils the tiles that show it, not the others."""
    collection = parts.catalog.collection("c")
    (tmp_path / "west" / "B03.tif").write_bytes(b"broken")
    request = MapRequest(collection=collection, style=STYLES[0], time=parse_time("latest"), grid=None, bbox=())
    seeder = Seeder(parts.renderer, DiskCache(tmp_path / "tiles", 1 << 30))
    counts: Counter[str] = Counter()
    for square in squares((14.95, 46.85, 15.3, 46.98), range(12, 14)):
        counts += seeder.draw([request_for(request, tile, 256, "jpg") for tile in square])
    assert counts["unreadable"] > 0
    assert counts["drawn"] > 0
