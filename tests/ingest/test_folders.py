"""Folders become collections: what is guessed, what is skipped, what changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pytest
from affine import Affine

from tests.cogs import write_cog
from tileserver.catalog import open_catalog
from tileserver.ingest import sync
from tileserver.ingest.folders import FolderIndex, index_folders, index_uri
from tileserver.ingest.report import Report
from tileserver.ports import Catalog
from tileserver.settings import Settings
from tileserver.styles import expressions, variables

RNG = np.random.default_rng(7)


def reflectance() -> np.ndarray:
    return RNG.integers(200, 4000, (64, 64), np.uint16)


def classes(*values: int) -> np.ndarray:
    return RNG.choice(np.array(values, np.uint8), (64, 64))


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_catalog(f"sqlite:///{tmp_path}/index/catalog.db")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A Sentinel-2-like folder of two tiles and two dates."""
    for tile, left in (("33TWM", 500_000.0), ("33TWN", 501_000.0)):
        for date in ("2023-08-10", "2023-08-13"):
            for band in ("B02", "B03", "B04", "B08"):
                grid = Affine(20, 0, left, 0, -20, 5_200_000)
                write_cog(
                    tmp_path / "data" / "s2" / tile / date / f"{band}.tif", reflectance(), nodata=0, transform=grid
                )
            write_cog(tmp_path / "data" / "s2" / tile / date / "SCL.tif", classes(4, 5, 9), nodata=0)
    return tmp_path / "data"


def index(catalog: Catalog, *paths: Path) -> Report:
    report = Report()
    index_folders(catalog, paths, report)
    return report


def test_sentinel_2(catalog: Catalog, data: Path):
    report = index(catalog, data)
    assert report.skipped == []
    (found,) = catalog.collections()
    assert (found.id, found.template, catalog.count("s2")) == ("s2", "sentinel-2-l2a", 4)
    ids = [style.id for style in found.styles]
    assert ids[:3] == ["natural", "ndvi", "ndwi"]
    assert "classes" in ids
    # No style asks for what is not there.
    assert not {"nbr", "ndmi", "haze", "cities"} & set(ids)
    assert found.mask is not None
    assert found.mask.asset == "SCL"
    item = catalog.item("s2", "33TWM_2023-08-10")
    assert item.datetime == datetime(2023, 8, 10, tzinfo=UTC)
    # The files say no scale; Sentinel-2's own holds.
    assert item.assets["B04"].bands[0].scale == 0.0001
    assert item.assets["SCL"].bands[0].scale is None
    for style in found.styles:
        assert all(item.band(name) for name in variables(style))
        assert expressions(style)


def test_the_files_own_scale_wins(catalog: Catalog, tmp_path: Path):
    for band in ("B03", "B04"):
        write_cog(tmp_path / "s2" / "2023-08-10" / f"{band}.tif", reflectance(), scale=0.5, offset=-7)
    write_cog(tmp_path / "s2" / "2023-08-10" / "B02.tif", reflectance().astype(np.float32) / 10_000)
    index(catalog, tmp_path / "s2")
    item = catalog.items("s2")[0]
    assert [(item.assets[key].bands[0].scale, item.assets[key].bands[0].offset) for key in ("B02", "B03", "B04")] == [
        (None, None), (0.5, -7), (0.5, -7),
    ]  # fmt: skip


def test_only_what_changed_is_read(catalog: Catalog, data: Path, monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []
    inspect = sync.inspect

    def counted(href: str, key: str) -> object:
        opened.append(Path(href).relative_to(data).as_posix())
        return inspect(href, key)

    monkeypatch.setattr(sync, "inspect", counted)
    served = FolderIndex(catalog, [data], Report())
    assert served.refresh() is True
    assert len(opened) == 20
    revision = catalog.revision("s2")
    opened.clear()
    assert served.refresh() is False
    assert index(catalog, data).collections == {"s2": (4, 0, 0)}  # a second start
    assert (opened, catalog.revision("s2")) == ([], revision)

    changed = data / "s2" / "33TWM" / "2023-08-10" / "B04.tif"
    before = catalog.item("s2", "33TWM_2023-08-10")
    write_cog(changed, reflectance(), nodata=0)
    assert served.refresh() is True
    assert {Path(path).parent.as_posix() for path in opened} == {"s2/33TWM/2023-08-10"}
    after = catalog.item("s2", "33TWM_2023-08-10")
    assert before.version != after.version
    assert before.assets["B02"] == after.assets["B02"]

    opened.clear()
    write_cog(data / "s2" / "33TWM" / "2023-08-20" / "B04.tif", reflectance(), nodata=0)
    shutil.rmtree(data / "s2" / "33TWN")
    assert served.refresh() is True
    assert opened == ["s2/33TWM/2023-08-20/B04.tif"]
    assert [item.id for item in catalog.items("s2")] == ["33TWM_2023-08-20", "33TWM_2023-08-13", "33TWM_2023-08-10"]
    shutil.rmtree(data / "s2")
    assert served.refresh() is True
    assert catalog.collections() == []


def test_colours_stay_when_a_file_comes(catalog: Catalog, tmp_path: Path):
    for year in (2001, 2002, 2003):
        write_cog(tmp_path / "x" / f"{year}.tif", RNG.normal(50, 10, (64, 64)).astype(np.float32))
    index(catalog, tmp_path / "x")
    before = catalog.collection("x").styles
    write_cog(tmp_path / "x" / "2004.tif", RNG.normal(500, 10, (64, 64)).astype(np.float32))
    index(catalog, tmp_path / "x")
    assert catalog.collection("x").styles == before
    for year in range(2005, 2012):
        write_cog(tmp_path / "x" / f"{year}.tif", RNG.normal(500, 10, (64, 64)).astype(np.float32))
    index(catalog, tmp_path / "x")
    assert catalog.collection("x").styles != before


def test_what_is_skipped_is_named(catalog: Catalog, data: Path):
    folder = data / "s2" / "33TWM" / "2023-08-10"
    (folder / "B11.tif").write_text("this is text")
    (folder / "B12.tif").write_bytes(b"")
    (folder / "notes.csv").write_text("a,b")
    (folder / "B04.tif.aux.xml").write_text("<PAMDataset/>")
    (folder / "B04.tif.ovr").write_bytes(b"x")
    (folder / ".hidden.tif").write_bytes(b"x")
    report = Report()
    served = FolderIndex(catalog, [data], report)
    served.refresh()
    assert sorted(name for name, _ in report.skipped) == ["s2/33TWM/2023-08-10/B11.tif", "s2/33TWM/2023-08-10/B12.tif"]
    assert set(catalog.item("s2", "33TWM_2023-08-10").assets) == {"B02", "B03", "B04", "B08", "SCL"}
    # Named once, looked at again when it changes.
    served.refresh()
    assert len(report.skipped) == 2
    write_cog(folder / "B11.tif", reflectance())
    served.refresh()
    assert "B11" in catalog.item("s2", "33TWM_2023-08-10").assets


def test_unlike_rasters_in_one_folder(catalog: Catalog, tmp_path: Path):
    """Each is drawn by a style of its own kind."""
    folder = tmp_path / "single"
    write_cog(folder / "dem_alps.tif", RNG.normal(1500, 200, (64, 64)).astype(np.float32))
    write_cog(
        folder / "cover.tif", classes(1, 2, 3), colormap={1: (255, 0, 0, 255), 2: (0, 255, 0, 255), 3: (0, 0, 9, 255)}
    )
    write_cog(folder / "picture.tif", RNG.integers(0, 255, (3, 64, 64), np.uint8))
    write_cog(folder / "heat.tif", RNG.normal(20, 3, (64, 64)).astype(np.float32))
    report = index(catalog, folder)
    assert report.skipped == []
    found = catalog.collection("single")
    drawn = {style.id: style.items for style in found.styles}
    for name in ("dem_alps", "cover", "picture", "heat"):
        assert any(name in items for items in drawn.values())
    by_item = {items[0]: style for style in found.styles for items in [style.items] if len(items) == 1}
    assert [entry.color[:3] for entry in by_item["cover"].classes] == [(255, 0, 0), (0, 255, 0), (0, 0, 9)]
    assert by_item["heat"].colormap_name
    low, high = by_item["heat"].rescale[0]
    assert 10 < low < 16
    assert 24 < high < 30
    assert len(by_item["picture"].assets) == 3
    assert all(item.datetime is None for item in catalog.items("single"))


def test_sheets_of_one_map_are_one_style(catalog: Catalog, tmp_path: Path):
    for place in range(3):
        grid = Affine(20, 0, 500_000 + place * 1280, 0, -20, 5_200_000)
        write_cog(tmp_path / "map" / f"n{place}.tif", classes(1, 2, 5), transform=grid, nodata=0)
    index(catalog, tmp_path / "map")
    (style,) = catalog.collection("map").styles
    assert style.items == ()
    assert [entry.value for entry in style.classes] == [1, 2, 5]


def test_collection_json_overrides(catalog: Catalog, data: Path):
    said = {
        "type": "Collection", "id": "my-scenes", "title": "My scenes", "description": "Words", "license": "CC0-1.0",
        "tilescope:order": 3, "tilescope:attribution": "me",
        "item_assets": {"B04": {"title": "Red", "raster:bands": [{"scale": 0.5, "offset": -1, "nodata": 7, "unit": "dn"}]}},
        "renders": {"mine": {"title": "Mine", "assets": ["B08"], "rescale": [[0, 1]], "colormap_name": "viridis"}},
        "links": [], "extent": {"spatial": {"bbox": [[0, 0, 1, 1]]}, "temporal": {"interval": [[None, None]]}},
    }  # fmt: skip
    (data / "s2" / "collection.json").write_bytes(orjson.dumps(said))
    served = FolderIndex(catalog, [data], Report())
    served.refresh()
    (found,) = catalog.collections()
    assert found.id == "my-scenes"
    assert (found.title, found.order, found.attribution) == ("My scenes", 3, "me")
    assert [style.id for style in found.styles] == ["mine"]
    assert found.bbox[0] > 10
    bands = [catalog.item("my-scenes", "33TWM_2023-08-10").assets[key].bands[0] for key in ("B03", "B04", "B08")]
    # The file says the nodata value, the collection the scale, the template what both do not.
    assert [(band.scale, band.offset, band.nodata, band.unit) for band in bands] == [
        (0.0001, 0, 0, ""), (0.5, -1, 0, "dn"), (0.0001, 0, 0, ""),
    ]  # fmt: skip
    (data / "s2" / "collection.json").unlink()
    served.refresh()
    # The file is gone, and so is what it said.
    assert [one.id for one in catalog.collections()] == ["s2"]
    assert catalog.collection("s2").styles[0].id == "natural"


def test_a_changed_collection_json_is_read_again(catalog: Catalog, data: Path):
    served = FolderIndex(catalog, [data], Report())
    served.refresh()
    for title, scale in (("One", 0.5), ("Two", 0.25)):
        said = {"title": title, "item_assets": {"B04": {"raster:bands": [{"scale": scale, "offset": 0}]}}}
        (data / "s2" / "collection.json").write_bytes(orjson.dumps(said))
        assert served.refresh() is True
        assert catalog.collection("s2").title == title
        assert catalog.item("s2", "33TWM_2023-08-10").assets["B04"].bands[0].scale == scale


def test_a_template_named_by_hand(catalog: Catalog, tmp_path: Path):
    """Lone files of any name are then what the template says."""
    write_cog(tmp_path / "cover" / "2021.tif", classes(10, 20, 80), nodata=0)
    (tmp_path / "cover" / "collection.json").write_text('{"tilescope:template": "worldcover"}')
    index(catalog, tmp_path / "cover")
    found = catalog.collection("cover")
    assert [style.id for style in found.styles] == ["landcover"]
    assert found.styles[0].assets == ("data",)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '{"renders": {"x": {"title": "X", "expression": "os.system(1)"}}}', '{"renders": 5}',
     '{"renders": {"x": {"title": "X", "rescale": "high"}}}', '{"tilescope:template": "nonsense"}'],
)  # fmt: skip
def test_a_bad_collection_json_is_reported(catalog: Catalog, data: Path, text: str):
    (data / "s2" / "collection.json").write_text(text)
    report = index(catalog, data)
    assert [name for name, _ in report.skipped] == ["s2/collection.json"]
    assert catalog.collection("s2").styles[0].id == "natural"


def test_names_of_all_kinds(catalog: Catalog, tmp_path: Path):
    for folder in ("Příliš žluťoučký", "a b", "a-b", "日本"):
        write_cog(tmp_path / "in" / folder / "2020 (copy).tif", reflectance())
    index(catalog, tmp_path / "in")
    found = catalog.collections()
    assert len(found) == 4
    assert {"Příliš žluťoučký", "a b", "a-b", "日本"} == {one.title for one in found}
    assert all(one.id.isascii() and " " not in one.id for one in found)


def test_links_in_circles(catalog: Catalog, data: Path):
    (data / "s2" / "loop").symlink_to(data)
    (data / "s2" / "self").symlink_to(data / "s2")
    (data / "s2" / "broken.tif").symlink_to(data / "nowhere.tif")
    index(catalog, data)
    assert catalog.count("s2") == 4


@pytest.mark.parametrize("given", ["s2/33TWM", "s2/33TWM/2023-08-10", "s2/33TWM/2023-08-10/B04.tif"])
def test_the_folder_given_is_the_collection(catalog: Catalog, data: Path, given: str):
    index(catalog, data / given)
    (found,) = catalog.collections()
    assert found.id == Path(given).stem
    assert catalog.count(found.id) == {0: 2, 1: 5, 2: 1}[given.count("/") - 1]


def test_two_folders_of_one_name(catalog: Catalog, data: Path, tmp_path: Path):
    shutil.copytree(data / "s2" / "33TWM", tmp_path / "other" / "s2")
    index(catalog, data, tmp_path / "other")
    assert sorted(one.id for one in catalog.collections()) == ["s2", "s2-2"]


def test_a_folder_that_may_not_be_written(catalog: Catalog, data: Path):
    for path in [*data.rglob("*"), data]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = sorted(str(path) for path in data.rglob("*"))
    index(catalog, data)
    assert catalog.count("s2") == 4
    assert sorted(str(path) for path in data.rglob("*")) == before
    for path in [data, *data.rglob("*")]:
        path.chmod(0o755)


def test_an_empty_folder(catalog: Catalog, tmp_path: Path):
    (tmp_path / "empty" / "deep").mkdir(parents=True)
    index(catalog, tmp_path / "empty")
    assert catalog.collections() == []


def test_the_tag_dates_what_the_path_does_not(catalog: Catalog, tmp_path: Path):
    write_cog(tmp_path / "x" / "one.tif", reflectance(), tags={"TIFFTAG_DATETIME": "2019:05:06 07:08:09"})
    write_cog(tmp_path / "x" / "two.tif", reflectance(), tags={"TIFFTAG_DATETIME": "not a date"})
    index(catalog, tmp_path / "x")
    assert catalog.item("x", "one").datetime == datetime(2019, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert catalog.item("x", "two").datetime is None


def test_a_year_is_a_period(catalog: Catalog, tmp_path: Path):
    write_cog(tmp_path / "x" / "1985.tif", np.ones((4, 64, 64), np.uint8), nodata=0)
    index(catalog, tmp_path / "x")
    item = catalog.item("x", "1985")
    assert (item.datetime, item.end_datetime) == (
        datetime(1985, 1, 1, tzinfo=UTC),
        datetime(1985, 12, 31, 23, 59, 59, tzinfo=UTC),
    )
    assert item.band("b4") is not None
    assert item.band("data_b4") is not None


def test_a_month_without_data(catalog: Catalog, tmp_path: Path):
    for month in (1, 2):
        for band in ("B03", "B04", "B02"):
            values = np.zeros((64, 64), np.uint16) if month == 1 else reflectance()
            write_cog(tmp_path / "s2" / f"2021-0{month}-01" / f"{band}.tif", values, nodata=0)
    index(catalog, tmp_path / "s2")
    assert catalog.count("s2") == 2
    assert catalog.collection("s2").styles[0].rescale == ((0.0, 0.3),)


@pytest.mark.parametrize(
    ("values", "style"),
    [
        (lambda: RNG.normal(-12, 3, (64, 64)).astype(np.float32), "vv"),
        (lambda: RNG.gamma(2, 0.05, (64, 64)).astype(np.float32), "vv-linear"),
        (lambda: RNG.integers(2000, 9000, (64, 64), np.uint16), "vv-stored"),
    ],
)
def test_radar_in_decibels_or_not(catalog: Catalog, tmp_path: Path, values: Callable[[], np.ndarray], style: str):
    write_cog(tmp_path / "s1" / "2023-08-10" / "VV.tif", values())
    index(catalog, tmp_path / "s1")
    found = [one.id for one in catalog.collection("s1").styles]
    assert style in found
    assert not ({"vv", "vv-linear", "vv-stored"} - {style}) & set(found)


def test_thousands_of_files(catalog: Catalog, tmp_path: Path):
    first = write_cog(tmp_path / "many" / "1900-01-01" / "x.tif", classes(1, 2))
    for number in range(1500):
        folder = (
            tmp_path
            / "many"
            / f"tile{number % 30}"
            / f"20{number // 360 + 10}{number // 30 % 12 + 1:02d}{number % 28 + 1:02d}"
        )
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / f"x{number}.tif").exists():
            os.link(first, folder / f"x{number}.tif")
    index(catalog, tmp_path / "many")
    count = sum(len(item.assets) for item in catalog.iterate("many"))
    assert count == 1501


def test_the_index_is_named_by_its_folders(tmp_path: Path):
    settings = Settings(cache_dir=tmp_path / "cache")
    one, two = index_uri([tmp_path / "a"], settings), index_uri([tmp_path / "b"], settings)
    assert one != two
    assert one == index_uri([tmp_path / "c" / ".." / "a"], settings)
    assert str(tmp_path / "cache") in one


@pytest.mark.data
def test_the_real_imagery(catalog: Catalog, shared_data: Path):
    report = index(catalog, shared_data)
    assert report.skipped == []
    assert report.hints == []
    counts = {one.id: catalog.count(one.id) for one in catalog.collections()}
    assert counts == {"landsat_ucayali": 4, "multires": 1, "s2": 10, "s2_monthly": 13, "s2_ndvi": 70, "single": 11}
    days = [
        item.datetime
        for item in catalog.items("s2_ndvi", undated=False)
        if item.datetime.date().isoformat() == "2015-12-08"
    ]
    assert len(days) == 2
    assert catalog.collection("s2_ndvi").mask.asset == "CLM"
    assert catalog.item("landsat_ucayali", "1985").datetime.year == 1985
    assert all(item.datetime is None for item in catalog.items("single"))
    for one in catalog.collections():
        assert one.styles
        items = catalog.items(one.id)
        for item in items:
            names = [variables(style) for style in one.styles if not style.items or item.id in style.items]
            assert any(all(item.band(name) for name in wanted) for wanted in names), item.id
