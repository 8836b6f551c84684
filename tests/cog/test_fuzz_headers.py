"""Real headers with fields that lie: every one of them a TiffError, or an image whose numbers fit together."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import Resampling

from tests.cog.files import asset, band, pixels, write
from tileserver.cog import open_cog
from tileserver.cog.tiff import Directory, TiffError, directories
from tileserver.errors import SourceUnreadable
from tileserver.models import Grid
from tileserver.reading import FastReader

GRIDS = (
    Grid(crs="EPSG:32633", bounds=(500_000, 5_197_000, 503_000, 5_200_000), width=64, height=64),
    Grid(crs="EPSG:3857", bounds=(1_669_700, 5_929_000, 1_672_500, 5_932_000), width=48, height=48),
)
FORMS = [(big, order) for big in ("NO", "YES") for order in ("LITTLE", "BIG")]
TYPES = (*range(14), 16, 17, 18, 99)
NUMBERS = (0, 1, 2, 3, 8, 64, 255, 4096, 65535, 1 << 24, (1 << 24) + 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
HUGE = (1 << 32, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
NOT_NUMBERS = tuple(struct.unpack("<I", struct.pack("<f", value))[0] for value in (np.nan, np.inf, -np.inf, 1e30))


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Small files of both forms and byte orders, with an overview."""
    found = []
    for big, order in FORMS:
        path = tmp_path_factory.mktemp("forms") / "a.tif"
        write(path, pixels("uint16", 2), compress="deflate", predictor=2, BIGTIFF=big, ENDIANNESS=order)
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2], Resampling.nearest)
        found.append(path.read_bytes())
    return found


class Form:
    """Where the fields of a file's directories are."""

    def __init__(self, data: bytes) -> None:
        self.order = "<" if data[:2] == b"II" else ">"
        self.big = struct.unpack_from(f"{self.order}H", data, 2)[0] == 43
        self.word = "Q" if self.big else "I"
        self.size = 8 if self.big else 4
        self.entries: list[int] = []
        self.links = [8 if self.big else 4]
        (at,) = struct.unpack_from(self.order + self.word, data, self.links[0])
        while at:
            (count,) = struct.unpack_from(f"{self.order}{'Q' if self.big else 'H'}", data, at)
            start = at + (8 if self.big else 2)
            step = 4 + 2 * self.size
            self.entries += range(start, start + count * step, step)
            self.links.append(start + count * step)
            (at,) = struct.unpack_from(self.order + self.word, data, self.links[-1])

    def put(self, data: bytearray, at: int, letter: str, value: int) -> None:
        struct.pack_into(self.order + letter, data, at, value & (1 << 8 * struct.calcsize(f"={letter}")) - 1)


@st.composite
def lies(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A file of which one to three fields were overwritten."""
    data = bytearray(draw(st.sampled_from(originals)))
    form = Form(bytes(data))
    for _ in range(draw(st.integers(1, 3))):
        value = draw(st.sampled_from((*NUMBERS, *NOT_NUMBERS, *HUGE, len(data), len(data) - 1, *form.entries[:3])))
        part = draw(st.sampled_from(("type", "count", "value", "value", "link")))
        at = draw(st.sampled_from(form.links if part == "link" else form.entries))
        if part == "type":
            form.put(data, at + 2, "H", draw(st.sampled_from(TYPES)))
        else:
            place = {"count": at + 4, "value": at + 4 + form.size, "link": at}[part]
            form.put(data, place, form.word, value)
    return bytes(data)


def parse(data: bytes) -> list[Directory]:
    def read(offset: int, length: int) -> bytes:
        part = data[offset : offset + length]
        if len(part) != length:
            raise SourceUnreadable("The file ends too early.")
        return part

    return directories(read, len(data))


def complaint(path: Path) -> str:
    """What is said of a file that cannot be read; empty when it can."""
    reader = FastReader(1 << 20)
    try:
        for grid, resampling in zip(GRIDS, ("nearest", "bilinear"), strict=True):
            for source in reader.sources([(asset(path), band())], grid, resampling):
                assert source is None or source.pixels.ndim == 2
        reader.point([(asset(path), band())], 15.005, 46.95)
    except SourceUnreadable as error:
        return error.detail
    return ""


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fields_that_lie(originals: list[bytes], data: st.DataObject) -> None:
    try:
        images = parse(data.draw(lies(originals)))
    except (TiffError, SourceUnreadable):
        return
    for image in images:
        blocks = image.across * image.down * (image.bands if image.planar else 1)
        assert len(image.offsets) == len(image.counts) == blocks
        assert image.block_width > 0
        assert image.block_height > 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whole_files_that_lie(originals: list[bytes], tmp_path: Path, data: st.DataObject) -> None:
    """Pixels or SourceUnreadable without the path, whoever reads: our parser or GDAL."""
    path = tmp_path / "lies.tif"
    path.write_bytes(data.draw(lies(originals)))
    assert str(tmp_path) not in complaint(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("tag", [256, 257, 258, 277, 322, 339])
def test_numbers_that_are_none(originals: list[bytes], form: tuple[str, str], value: float, tag: int) -> None:
    """Found by the fuzzer: a width of type FLOAT that is no number."""
    data = bytearray(originals[FORMS.index(form)])
    places = Form(bytes(data))
    at = next(at for at in places.entries if struct.unpack_from(f"{places.order}H", data, at)[0] == tag)
    struct.pack_into(f"{places.order}H", data, at + 2, 11)
    places.put(data, at + 4, places.word, 1)
    struct.pack_into(f"{places.order}f", data, at + 4 + places.size, value)
    with pytest.raises(TiffError):
        parse(bytes(data))


@pytest.mark.parametrize("place", [0, 1, 2, 5])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e-320, 1e300, 0.0])
@pytest.mark.parametrize("sidecar", [False, True])
def test_places_that_make_no_sense(tmp_path: Path, place: int, value: float, sidecar: bool) -> None:
    """Found by the fuzzer: transforms that cannot be inverted, or whose pixels have no size."""
    if place in (2, 5) and value in (1e-320, 0.0):
        return  # a corner may be there
    transform = [20.0, 0.0, 500_000.0, 0.0, -20.0, 5_200_000.0]
    transform[place] = value
    path = write(tmp_path / "a.tif", pixels("uint16"))
    if sidecar:
        gdal = (transform[2], transform[0], transform[1], transform[5], transform[3], transform[4])
        words = ", ".join(f"{number!r}" for number in map(float, gdal))
        aux = f"<PAMDataset><GeoTransform>{words}</GeoTransform></PAMDataset>"
        Path(f"{path}.aux.xml").write_text(aux)
    else:
        data = bytearray(path.read_bytes())
        form = Form(bytes(data))
        tag, index = {0: (33550, 0), 1: (33550, 1), 2: (33922, 3), 5: (33922, 4)}[place]
        at = next(at for at in form.entries if struct.unpack_from(f"{form.order}H", data, at)[0] == tag)
        (pointer,) = struct.unpack_from(form.order + form.word, data, at + 4 + form.size)
        struct.pack_into(f"{form.order}d", data, pointer + 8 * index, value)
        path.write_bytes(data)
    if complaint(path):
        return
    with rasterio.open(path) as dataset:
        assert all(map(np.isfinite, dataset.transform[:6])), "pixels from a place that makes no sense"


LOCAL = 'LOCAL_CS["building",UNIT["metre",1]]'


def test_a_projection_that_leads_nowhere(tmp_path: Path) -> None:
    """Found by the fuzzer: coordinates of a building cannot be turned into any on Earth."""
    path = write(tmp_path / "a.tif", pixels("uint16"), crs=rasterio.crs.CRS.from_wkt(LOCAL))
    with pytest.raises(SourceUnreadable):
        FastReader().sources([(asset(path), band())], GRIDS[1], "nearest")
    with pytest.raises(SourceUnreadable):
        FastReader().point([(asset(path), band())], 15.0, 46.9)


def test_words_that_are_none(tmp_path: Path) -> None:
    """Found by the fuzzer: GDAL quotes a file's words in its messages, whatever their encoding."""
    data = bytearray(write(tmp_path / "a.tif", pixels("uint16"), compress="lzma").read_bytes())
    form = Form(bytes(data))
    path = tmp_path / "b.tif"
    for at in form.entries:
        broken = bytearray(data)
        form.put(broken, at, "H", 42112)  # GDAL's own words, in XML
        form.put(broken, at + 2, "H", 2)
        path.write_bytes(broken)
        assert str(tmp_path) not in complaint(path)


def test_an_open_file_that_shrinks_is_unreadable_and_another_is_not(originals: list[bytes], tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(originals[0])
    reader = FastReader(0)
    one, other = ([(asset(tmp_path / name), band())] for name in ("a.tif", "b.tif"))
    before = reader.sources(one, GRIDS[0], "nearest")[0]
    cog = open_cog(asset(tmp_path / "a.tif"))
    with (tmp_path / "a.tif").open("r+b") as file:
        file.truncate(int(cog.levels[0].image.offsets[-1]))
    with pytest.raises(SourceUnreadable):
        reader.sources(one, GRIDS[0], "nearest")
    after = reader.sources(other, GRIDS[0], "nearest")[0]
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.pixels, after.pixels)
