"""Headers of one form are parsed once: what is said of the next one is what parsing it by itself says."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import Resampling
from rasterio.transform import from_origin

from tests.cog.files import pixels, write
from tests.cog.test_fuzz_headers import FORMS, lies
from tileserver.cog import parsed
from tileserver.cog.parsed import Own
from tileserver.cog.tiff import Directory, TiffError
from tileserver.errors import SourceUnreadable


@pytest.fixture(autouse=True)
def _no_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsed, "_forms", {})


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Small files of both forms and byte orders, with overviews, the last of one block, and with words."""
    found = []
    for big, order in FORMS:
        path = tmp_path_factory.mktemp("forms") / "a.tif"
        write(path, pixels("uint16", 3), compress="deflate", predictor=2, BIGTIFF=big, ENDIANNESS=order)
        with rasterio.open(path, "r+") as dataset:
            dataset.build_overviews([2, 4], Resampling.nearest)
            dataset.update_tags(SENSOR="MSI", TIFFTAG_DATETIME="2024")
            dataset.scales = [0.5, 1, 2]
        found.append(path.read_bytes())
    return found


def said(data: bytes) -> Any:
    """All that parsing says, comparable."""

    def read(offset: int, length: int) -> bytes:
        part = data[offset : offset + length]
        if len(part) != length:
            raise SourceUnreadable("The file ends too early.")
        return part

    try:
        images, own = parsed.parse(read, len(data))
    except (TiffError, SourceUnreadable):
        return None
    return [_words(image) for image in images], _own(own)


def _words(image: Directory) -> list[Any]:
    values = [getattr(image, name) for name in Directory.__slots__]
    return [(value.dtype, value.tolist()) if isinstance(value, np.ndarray) else value for value in values]


def _own(own: Own | None) -> str:
    return repr(own)  # in which NaN is NaN


def alone(data: bytes) -> Any:
    parsed._forms.clear()
    return said(data)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_after_the_original(originals: list[bytes], data: st.DataObject) -> None:
    """Fields that lie, and any bytes changed of the directories, which are last in these files."""
    original = data.draw(st.sampled_from(originals))
    if data.draw(st.booleans()):
        changed = data.draw(lies([original]))
    else:
        raw = bytearray(original)
        for _ in range(data.draw(st.integers(1, 4))):
            raw[data.draw(st.integers(-3000, 15))] = data.draw(st.integers(0, 255))
        changed = bytes(raw)
    expected = alone(changed)
    parsed._forms.clear()
    assert said(original) is not None
    assert said(changed) == expected
    assert said(original) == alone(original)


@pytest.mark.parametrize("number", range(len(FORMS)))
def test_another_place_with_other_blocks(originals: list[bytes], number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only tables, place and words differ: nothing else is looked at a second time."""
    original = originals[number]
    order = "<" if original[:2] == b"II" else ">"
    assert said(original) is not None
    place = struct.pack(f"{order}2d", 500_000.0, 5_200_000.0)
    assert place in original
    moved = original.replace(place, struct.pack(f"{order}2d", -7.5, 60.0)).replace(b">MSI<", b">ETM<")
    expected = alone(moved)
    said(original)
    monkeypatch.setattr(parsed, "_own", None)
    assert said(moved) == expected
    assert "ETM" in expected[1]
    assert "-7.5" in expected[1]


def test_files_of_one_writer_share_a_form(tmp_path: Path) -> None:
    paths = [
        write(
            tmp_path / f"{seed}.tif",
            np.random.default_rng(seed).integers(0, 3000, (1, 600, 600)).astype("uint16"),
            transform=from_origin(500_000 + 1000 * seed, 5_200_000, 10, 10),
            compress="deflate",
            tiled=True,
            blockxsize=256,
            blockysize=256,
        )
        for seed in range(3)
    ]
    answers = [said(path.read_bytes()) for path in paths]
    assert len(parsed._forms) == 1
    assert answers == [alone(path.read_bytes()) for path in paths]
