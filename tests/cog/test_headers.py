"""Headers of files that GDAL does not open any more: exactly what GDAL would say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from tests.cog.files import asset, write
from tests.cog.headers import HYPOTHESIS, Asked, check, dress, facts, image, other, told, truth
from tests.cogs import write_cog
from tileserver.cog import Unsupported, open_cog
from tileserver.errors import SourceUnreadable

UTM = "EPSG:32633"
SINUSOIDAL = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"
LAEA = "+proj=laea +lat_0=-13 +lon_0=27 +x_0=12 +y_0=0 +ellps=GRS80 +towgs84=1,2,3,0,0,0,0 +units=us-ft +no_defs"
CRSS = [
    "EPSG:4326", "EPSG:4258", "EPSG:3857", UTM, "EPSG:32733", "EPSG:3035", "EPSG:5514", "EPSG:27700", "EPSG:2056",
    "EPSG:3031", "EPSG:3413", "EPSG:3995", "EPSG:2263", "EPSG:4326+5773", "EPSG:6933", "ESRI:54009", SINUSOIDAL, LAEA,
]  # fmt: skip


VARIANTS: dict[str, dict[str, Any]] = {
    **{f"crs-{number}": {"crs": crs} for number, crs in enumerate(CRSS)},
    **{dtype: {"dtype": dtype} for dtype in ("uint8", "int8", "int16", "uint32", "int32", "int64", "float32", "float64")},
    **{
        f"nodata-{dtype}-{value}": {"dtype": dtype, "nodata": value}
        for dtype, value in [
            ("uint8", 0), ("uint8", 255), ("int16", -9999), ("uint16", 65535), ("float32", -9999.0), ("float64", 1e300),
            ("float32", float("nan")), ("float32", float("inf")), ("float32", -3.4028234663852886e38), ("float32", 0.1),
            ("int64", -(2**63)), ("uint64", 2**63), ("int8", -128),
        ]
    },
    "bigtiff": {"BIGTIFF": "YES"},
    "big-endian": {"ENDIANNESS": "BIG"},
    "big-endian-bigtiff": {"ENDIANNESS": "BIG", "BIGTIFF": "YES", "nodata": 3},
    "strips": {"tiled": False},
    "strips-deflate": {"tiled": False, "compress": "deflate", "blockysize": 16},
    "one-strip": {"tiled": False, "blockysize": 150},
    "deflate": {"compress": "deflate", "predictor": 2},
    "zstd-float": {"compress": "zstd", "predictor": 3, "dtype": "float32"},
    "lerc": {"compress": "lerc", "dtype": "float32"},
    "jpeg": {"compress": "jpeg", "dtype": "uint8"},
    "jpeg-ycbcr": {"compress": "jpeg", "dtype": "uint8", "bands": 3, "photometric": "ycbcr", "interleave": "pixel"},
    "webp": {"compress": "webp", "dtype": "uint8", "bands": 3, "interleave": "pixel"},
    "planar": {"bands": 5},
    "pixels": {"bands": 13, "interleave": "pixel"},
    "rgb": {"bands": 3, "dtype": "uint8", "photometric": "RGB"},
    "rgba": {"bands": 4, "dtype": "uint8", "photometric": "RGB", "ALPHA": "YES"},
    "rgba-premultiplied": {"bands": 4, "dtype": "uint8", "photometric": "RGB", "ALPHA": "PREMULTIPLIED"},
    "grey-alpha": {"bands": 2, "dtype": "uint16", "ALPHA": "YES"},
    "minimum-is-white": {"photometric": "MINISWHITE", "dtype": "uint8"},
}  # fmt: skip


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_the_second_file_of_a_make(options: dict[str, Any], gdal: Asked, tmp_path: Path) -> None:
    dtype = options.get("dtype", "uint16")
    plain = {key: value for key, value in options.items() if key not in ("dtype", "bands")}
    first = write(tmp_path / "a.tif", image(150, options.get("bands", 1), dtype), **plain)
    # GDAL takes units from vertical systems
    check(gdal, first, other(tmp_path / "b.tif", **options), asked=1 + (options.get("crs") == "EPSG:4326+5773"))


@settings(max_examples=100, **HYPOTHESIS)
@given(
    pixel=st.floats(1e-9, 1e9), x=st.floats(-1e12, 1e12), y=st.floats(-1e12, 1e12), point=st.booleans(),
    width=st.integers(1, 4000), height=st.integers(1, 40),
)  # fmt: skip
def test_any_place(tmp_path: Path, pixel: float, x: float, y: float, point: bool, width: int, height: int) -> None:
    """The transform is GDAL's to the last bit, also where a place is that of a pixel's centre."""
    made = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path, corner, size in zip(made, [(500_000, 5_200_000), (x, y)], [(20, 20), (width, height)], strict=True):
        options = {"transform": from_origin(*corner, pixel, pixel), "SPARSE_OK": "TRUE", "crs": UTM}
        with rasterio.open(
            path, "w", driver="GTiff", count=1, dtype="uint8", tiled=True, blockxsize=16, blockysize=16,
            width=size[0], height=size[1], **options,
        ) as dataset:  # fmt: skip
            if point:
                dataset.update_tags(AREA_OR_POINT="Point")
    assert [told(path) for path in made] == [truth(path) for path in made]


@pytest.mark.parametrize("side", [1000, 1023, 1025, 1130, 2049])
def test_overviews(side: int, gdal: Asked, tmp_path: Path) -> None:
    """Factors are rounded as GDAL's."""
    first = write_cog(tmp_path / "a.tif", image(1500)[0], blocksize=128, nodata=0, scale=0.5)
    second = write_cog(
        tmp_path / "b.tif", image(side)[0], blocksize=128, nodata=0, scale=0.25, transform=Affine(20, 0, 3, 0, -20, 4)
    )
    check(
        gdal, first, second, asked=1 if len(open_cog(asset(first)).levels) == len(open_cog(asset(second)).levels) else 2
    )


def test_palette(gdal: Asked, tmp_path: Path) -> None:
    """Files of other colours are of another make."""
    colors = {number: (number, 2 * number, 255 - number, 255) for number in range(100)}
    paths = [tmp_path / f"{name}.tif" for name in "abc"]
    for path, change in zip(paths, [{}, {}, {5: (1, 2, 3, 255)}], strict=True):
        with rasterio.open(other(path, dtype="uint8", photometric="palette"), "r+") as dataset:
            dataset.write_colormap(1, colors | change)
    check(gdal, paths[0], paths[1])
    assert told(paths[2]) == truth(paths[2])
    assert gdal.count == 2


def test_masks(gdal: Asked, tmp_path: Path) -> None:
    """Internal masks, with and without overviews."""
    paths = []
    for name, side in (("a", 300), ("b", 280)):
        for overviews in ([], [2]):
            paths.append(tmp_path / f"{name}{len(overviews)}.tif")
            path = other(paths[-1], side=side)
            with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
                dataset.write_mask(np.ones((side, side), bool))
                if overviews:
                    dataset.build_overviews(overviews)
    cogs = [open_cog(asset(path)) for path in paths]
    assert [facts(cog.header) for cog in cogs] == [truth(path) for path in paths]
    assert all(cog.levels[-1].mask is not None for cog in cogs)
    assert gdal.count == 2


def test_alpha_told_in_words(gdal: Asked, tmp_path: Path) -> None:
    """A band that only GDAL's XML calls alpha."""
    first, second = (other(tmp_path / f"{name}.tif", bands=2) for name in "ab")
    dress(first, {"A": "1"})
    dress(second, {"A": "1"}, colorinterp=(ColorInterp.alpha, ColorInterp.gray))
    check(gdal, first, second, asked=2)
    assert open_cog(asset(second)).alpha == 0


PAM = """<PAMDataset><Metadata><MDI key="A">1</MDI></Metadata><PAMRasterBand band="1"><NoDataValue>7</NoDataValue>
<Scale>3</Scale></PAMRasterBand></PAMDataset>"""


@pytest.mark.parametrize("end", [".aux.xml", ".msk", ".ovr", ".MSK", ".OVR"])
def test_files_beside(end: str, gdal: Asked, tmp_path: Path) -> None:
    first, second = other(tmp_path / "a.tif"), other(tmp_path / "b.tif")
    lower = end.lower()
    with rasterio.Env(TIFF_USE_OVR=True, GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(second, "r+") as dataset:
        if lower == ".ovr":
            dataset.build_overviews([2])
        elif lower == ".msk":
            dataset.write_mask(np.ones((391, 391), bool))
    if lower == ".aux.xml":
        Path(f"{second}{end}").write_text(PAM)
    else:
        Path(f"{second}{lower}").rename(f"{second}{end}")
    assert Path(f"{second}{end}").exists()
    assert told(first) == truth(first)
    plain = truth(first).partition("nodata")[2]
    assert truth(second).partition("nodata")[2] != plain
    if end in (".msk", ".MSK", ".OVR"):
        with pytest.raises(Unsupported, match="elsewhere"):
            told(second)
    else:
        assert told(second) == truth(second)
    assert gdal.count == 2


@pytest.mark.parametrize("value", ["99999", "-1", "nan", "1e400", "abcde", "5.5  ", " 0012", "0x10 "])
def test_nodata_that_gdal_reads_in_its_own_way(value: str, gdal: Asked, tmp_path: Path) -> None:
    paths = [other(tmp_path / f"{name}.tif", nodata=54321) for name in "ab"]
    for path in paths:
        data = path.read_bytes()
        assert data.count(b"54321\0") == 1
        path.write_bytes(data.replace(b"54321\0", value.ljust(5, "\0").encode() + b"\0"))
    check(gdal, *paths)


def test_what_is_placed_otherwise(gdal: Asked, tmp_path: Path) -> None:
    """Turned, south-up, placed by points or nowhere: for GDAL, also after a plain file."""
    assert told(other(tmp_path / "plain.tif"))
    turned = other(tmp_path / "turned.tif", transform=Affine(20, 1, 0, 1, -20, 0))
    south_up = other(tmp_path / "south.tif", transform=Affine(20, 0, 0, 0, 20, 0))
    nowhere = other(tmp_path / "nowhere.tif", crs=None)
    for path in (turned, south_up, nowhere):
        with pytest.raises(Unsupported):
            told(path)


def test_a_world_file_changes_nothing(gdal: Asked, tmp_path: Path) -> None:
    first, second = other(tmp_path / "a.tif"), other(tmp_path / "b.tif")
    second.with_suffix(".tfw").write_text("5\n0\n0\n-5\n1\n2\n")
    check(gdal, first, second)


def test_several_images_in_one_file(gdal: Asked, tmp_path: Path) -> None:
    """The first is what GDAL opens."""
    paths = [other(tmp_path / f"{name}.tif") for name in "ab"]
    for path in paths:
        other(path, side=50, APPEND_SUBDATASET="YES")
    assert len(rasterio.open(paths[0]).subdatasets) == 2
    check(gdal, *paths)


@pytest.fixture(scope="module")
def header_of(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Whole small files by layout."""
    folder = tmp_path_factory.mktemp("whole")
    write(folder / "plain.tif", image(64), nodata=0)
    write(folder / "big.tif", image(64), nodata=0, BIGTIFF="YES", ENDIANNESS="BIG")
    write(folder / "rgba.tif", image(64, 4, "uint8"), photometric="RGB", ALPHA="YES", interleave="pixel")
    write_cog(folder / "cog.tif", image(300)[0], nodata=0, scale=0.1, tags={"A": "1"})
    write(folder / "strips.tif", image(64), tiled=False)
    return {path.stem: path.read_bytes() for path in folder.glob("*.tif")}


@pytest.mark.parametrize("layout", ["plain", "big", "rgba", "cog", "strips"])
@settings(max_examples=80, **HYPOTHESIS)
@given(data=st.data())
def test_changed_headers(header_of: dict[str, bytes], layout: str, tmp_path: Path, data: st.DataObject) -> None:
    """Where we and GDAL both read a broken header, we read the same."""
    good = header_of[layout]
    broken = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(4, min(1400, len(good) - 9)))
        word = data.draw(st.sampled_from([1, 2, 4, 8]))
        broken[place : place + word] = data.draw(st.binary(min_size=word, max_size=word))
    path = tmp_path / "good.tif"
    path.write_bytes(good)
    assert told(path) == truth(path)
    path.write_bytes(broken)
    try:
        ours = told(path)
    except (Unsupported, SourceUnreadable):
        return
    try:
        expected = truth(path)
    except (rasterio.errors.RasterioError, ValueError):
        return
    assert ours == expected


@pytest.mark.data
def test_real_imagery(shared_data: Path, gdal: Asked) -> None:
    """Every GeoTIFF of the archive, in one process."""
    paths = sorted(shared_data.rglob("*.tif"))
    for path in paths:
        assert told(path) == truth(path), path.name
    assert gdal.count < len(paths) / 4
