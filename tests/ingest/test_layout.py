"""What trees of files mean (CONTRACT section 1)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tileserver.ingest.layout import groups, is_dated_folder, slug


def items(*paths: str) -> dict[str, tuple[str | None, dict[str, str]]]:
    """{id: (start, {asset: path})}."""
    return {
        group.id: (
            group.date and group.date.start.isoformat().removesuffix("+00:00"),
            {key: str(path) for key, path in group.files},
        )
        for group in groups(PurePosixPath(path) for path in paths)
    }


DAY = "2023-08-10T00:00:00"


def test_a_dated_folder_is_an_item():
    assert items("2023-08-10/B04.tif", "2023-08-10/B08.tif") == {
        "2023-08-10": (DAY, {"B04": "2023-08-10/B04.tif", "B08": "2023-08-10/B08.tif"})
    }


def test_tiles_keep_items_apart():
    found = items("33TWM/2023-08-10/B04.tif", "33TWL/2023-08-10/B04.tif", "2023-08-13/33TWL/B04.tif")
    assert set(found) == {"33TWM_2023-08-10", "33TWL_2023-08-10", "2023-08-13_33TWL"}


def test_a_dated_file_is_an_item():
    assert items("1985.tif", "2005.tif") == {
        "1985": ("1985-01-01T00:00:00", {"data": "1985.tif"}),
        "2005": ("2005-01-01T00:00:00", {"data": "2005.tif"}),
    }
    assert items("2023/08/10.tif") == {"2023_08_10": (DAY, {"data": "2023/08/10.tif"})}
    assert items("2023/2023-08-10.tif") == {"2023_2023-08-10": (DAY, {"data": "2023/2023-08-10.tif"})}


def test_undated_files_are_items():
    assert items("static/DEM.tif", "static/LULC.tif") == {
        "static_DEM": (None, {"data": "static/DEM.tif"}),
        "static_LULC": (None, {"data": "static/LULC.tif"}),
    }


def test_two_passes_of_a_day_are_two_items():
    assert len(items("2015-12-08T100409Z/NDVI.tif", "2015-12-08T101125Z/NDVI.tif")) == 2
    assert len(items("S2A_20230810.tif", "S2B_20230810.tif")) == 2
    found = items("2023-08-10/S2A_20230810T100031.tif", "2023-08-10/S2B_20230810T101531.tif")
    assert {start for start, _ in found.values()} == {"2023-08-10T10:00:31", "2023-08-10T10:15:31"}
    found = items(
        *(f"2023-08-10/T33TWM_20230810T{time}_{band}.tif" for time in ("100031", "101531") for band in ("B04", "B08"))
    )
    assert [sorted(assets) for _, assets in found.values()] == [["B04", "B08"]] * 2


def test_bands_in_file_names_belong_together():
    found = items("20230810_B04.tif", "20230810_B08.tif", "20230813_B04.tif", "20230813_B08.tif")
    assert {name: sorted(assets) for name, (_, assets) in found.items()} == {
        "20230810": ["B04", "B08"],
        "20230813": ["B04", "B08"],
    }
    # A tile's name at the end is no band.
    assert len(items("20230810_33TWM.tif", "20230810_33TWL.tif")) == 2


def test_products():
    name = "LC08_L2SP_189025_20230810_20230815_02_T1"
    found = items(f"{name}/{name}_SR_B4.TIF", f"{name}/{name}_QA_PIXEL.TIF", f"{name}/{name}_ST_B10.TIF")
    assert found[name][0] == DAY
    assert sorted(found[name][1]) == ["QA_PIXEL", "SR_B4", "ST_B10"]
    folder = "S2A_MSIL2A_20230810T100031_N0509"
    found = items(
        f"{folder}/R10m/T33TWM_20230810T100031_B04_10m.jp2",
        f"{folder}/R20m/T33TWM_20230810T100031_B04_20m.jp2",
        f"{folder}/R20m/T33TWM_20230810T100031_SCL_20m.jp2",
    )
    assert found[folder][1] == {
        "B04": f"{folder}/R10m/T33TWM_20230810T100031_B04_10m.jp2",
        "SCL": f"{folder}/R20m/T33TWM_20230810T100031_SCL_20m.jp2",
    }


def test_unknown_assets_lose_only_the_product_name():
    found = items("2023-08-10/x_20230810_first.tif", "2023-08-10/x_20230810_second.tif")
    assert sorted(found["2023-08-10"][1]) == ["first", "second"]
    assert sorted(items("2023-08-10/SR_B4.tif", "2023-08-10/SR_B5.tif")["2023-08-10"][1]) == ["SR_B4", "SR_B5"]


def test_equal_names_are_kept_apart():
    assert len(items("a b.tif", "a-b.tif", "a_b.tif")) == 3
    assert sorted(items("2023-08-10/x.tif", "2023-08-10/x.jp2")["2023-08-10"][1]) == ["x", "x_jp2"]
    assert len(items("2023-08-10.tif", "2023-08-10/B04.tif")) == 2


def test_order_does_not_matter():
    paths = ["33TWM/2023-08-10/B04.tif", "a b.tif", "a-b.tif", "1985.tif", "日本.tif", "2023/08/10/x.tif"]
    assert items(*paths) == items(*reversed(paths))


NAMES = st.text(min_size=1, max_size=12).filter(
    lambda name: "/" not in name and "\0" not in name and name not in {".", ".."}
)


@given(st.sets(st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: "/".join(parts) + ".tif"), max_size=12))
def test_every_file_is_in_exactly_one_item(paths: set[str]):
    found = groups(PurePosixPath(path) for path in paths)
    listed = [path for group in found for _, path in group.files]
    assert sorted(listed) == sorted({PurePosixPath(path) for path in paths})
    assert len({group.id for group in found}) == len(found)
    for group in found:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", group.id)
        assert len({key for key, _ in group.files}) == len(group.files)


@given(st.text(max_size=30))
def test_slugs_are_safe(text: str):
    made = slug(text)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", made)
    assert slug(made) == made


@pytest.mark.parametrize(
    ("name", "dated"),
    [("2023-08-10", True), ("1985", True), ("202308", True), ("S2A_29RKH_20200219", True), ("33TWM", False),
     ("landcover_2020", False), ("static", False), ("s2_ndvi", False)],
)  # fmt: skip
def test_dated_folders(name: str, dated: bool):
    assert is_dated_folder(name) is dated
