"""The real imagery's own tables, met without any configuration: every folder a collection, every value right."""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tileserver.mercator import mercator_tile
from tileserver.models import Style
from tileserver.point import band_values
from tileserver.render import MapRequest
from tileserver.times import parse_time

pytestmark = pytest.mark.data

COLLECTIONS = {"s2", "s2_monthly", "s2_ndvi", "landsat_ucayali", "single", "multires"}


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open() as file:
        return list(csv.DictReader(file))


def items_by_path(client, folder: Path) -> dict[str, tuple]:
    """Path below the folder -> (item, asset)."""
    catalog = client.parts.catalog
    return {
        str(Path(asset.href).relative_to(folder.resolve())): (item, asset)
        for collection in catalog.collections()
        for item in catalog.iterate(collection.id)
        for asset in item.assets.values()
    }


def physical(row: dict[str, str], scales: dict[tuple[str, str], tuple[float, float]]) -> float | None:
    if row["state"] != "valid":
        return None
    scale, offset = scales[row["path"], row["band"]]
    return float(row["raw_value"]) * scale + offset


def scales_of(folder: Path) -> dict[tuple[str, str], tuple[float, float]]:
    return {
        (row["path"], row["band"]): (float(row["scale"]), float(row["offset"])) for row in table(folder, "stats.csv")
    }


def test_every_folder_is_a_collection(real):
    ids = {collection["id"] for collection in real.get("/collections").json()["collections"]}
    assert ids == COLLECTIONS


def test_every_raster_is_an_asset(real, shared_data):
    found = set(items_by_path(real, shared_data))
    assert {row["path"] for row in table(shared_data, "stats.csv")} <= found


def test_every_expected_value(real, shared_data):
    """All of expected.csv, per item, through the reader that the services use."""
    paths = items_by_path(real, shared_data)
    scales = scales_of(shared_data)
    wrong = []
    for row in table(shared_data, "expected.csv"):
        item, asset = paths[row["path"]]
        values = band_values(real.parts.reader, item, float(row["lon"]), float(row["lat"]))
        band = next(b for b in asset.bands if b.index == int(row["band"]))
        want, got = physical(row, scales), values[band.name]
        if (want is None) != (got is None) or (
            want is not None and not math.isclose(want, got, rel_tol=1e-6, abs_tol=1e-9)
        ):
            wrong.append((row["path"], row["point"], want, got))
    assert wrong == []


def test_points_over_http(real, shared_data):
    """The same by `/point`, where a date and a place have one item; all bands of a scene at once."""
    scales = scales_of(shared_data)
    groups = defaultdict(list)
    for row in table(shared_data, "expected.csv"):
        if row["series"] != "s2":
            groups[row["series"], row["datetime"], row["lon"], row["lat"]].append(row)
    assert len(groups) > 50
    for (series, when, lon, lat), rows in groups.items():
        params = {
            "lon": lon,
            "lat": lat,
            "datetime": when[:4] if series == "landsat_ucayali" else when,
            "strict": "true",
        }
        body = real.get(f"/collections/{series}/point", params=params).json()
        for row in rows:
            name = f"b{row['band']}" if series == "landsat_ucayali" else Path(row["path"]).stem
            want = physical(row, scales)
            if want is None:
                assert body["assets"][name] is None
            else:
                assert body["assets"][name] == pytest.approx(want, rel=1e-6), (row["path"], row["point"])


def test_every_tile_statistic(real, shared_data):
    """All of tiles.csv: nearest neighbour, stored values, about 1 % on means and counts."""
    paths = items_by_path(real, shared_data)
    for row in table(shared_data, "tiles.csv"):
        item, asset = paths[row["path"]]
        band = next(b for b in asset.bands if b.index == int(row["band"]))
        grid, bbox = mercator_tile(int(row["z"]), int(row["x"]), int(row["y"]), 256)
        style = Style(id="raw", titles={"en": "raw"}, assets=(band.name,), resampling="nearest")
        time = parse_time(item.datetime.isoformat() if item.datetime else "latest")
        request = MapRequest(
            collection=real.parts.catalog.collection(item.collection),
            style=style,
            time=time,
            grid=grid,
            bbox=bbox,
            unscale=False,
        )
        from tileserver.selection import Selection

        data, valid = real.parts.backend.values(real.parts.renderer.job(request, Selection(items=(item,))))
        count = int(row["valid_count"])
        assert abs(int(valid.sum()) - count) <= max(0.01 * 65536, 1), row
        if count:
            values = data[0][valid]
            tolerance = 0.01 * max(abs(float(row["mean"])), 0.02 * (float(row["max"]) - float(row["min"])))
            assert values.mean() == pytest.approx(float(row["mean"]), abs=tolerance), row


@pytest.mark.parametrize("collection", sorted(COLLECTIONS))
def test_every_style_draws_something(real, collection):
    """Each style of each collection paints its items: no style that stays empty, no error."""
    parts = real.parts
    known = parts.catalog.collection(collection)
    assert known.styles, f"{collection} has no style"
    for style in known.styles:
        from tileserver.selection import usable
        from tileserver.styles import variables

        items = [item for item in parts.catalog.items(collection) if usable(variables(style), style.items)(item)]
        assert items, f"style {style.id} of {collection} fits no item"
        west, south, east, north = items[0].bbox
        if abs(south) > 85 or west > east:
            continue
        bbox = f"{west},{south},{east},{north}"
        response = real.get(
            f"/collections/{collection}/styles/{style.id}/map",
            params={"bbox": bbox, "width": 200, "height": 200, "f": "png"},
        )
        assert response.status_code == 200, response.text
        alpha = np.array(Image.open(io.BytesIO(response.content)).convert("RGBA"))[..., 3]
        assert (alpha > 0).mean() > 0.01, f"{collection}/{style.id} is empty"
