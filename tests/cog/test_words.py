"""Words of files that GDAL does not open any more: exactly what GDAL would read."""

from __future__ import annotations

from pathlib import Path

import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cog.files import write
from tests.cog.headers import HYPOTHESIS, Asked, check, dress, image, other, told, truth


def test_words(gdal: Asked, tmp_path: Path) -> None:
    """Dates, scales, units and other words of the first file are not those of the second."""
    first, second = write(tmp_path / "a.tif", image(bands=2)), other(tmp_path / "b.tif", bands=2)
    dress(
        first, {"TIFFTAG_DATETIME": "2024:01:01 10:00:00", "CLOUDS": "12"}, scale=0.0001, bands=2,
        units=("m", "K"), descriptions=("red", "near infrared"),
    )  # fmt: skip
    dress(
        second, {"TIFFTAG_DATETIME": "2025:12:31 23:59:59", "Sensing Time.x-1": "two\nlines", "e": "a=b:c "},
        scale=1 / 3, bands=2, units=("°C", ""), descriptions=("µm ~", "x "),
    )  # fmt: skip
    with rasterio.open(second, "r+") as dataset:
        dataset.update_tags(2, STATISTICS_MEAN="3.5")
    check(gdal, first, second)


@pytest.mark.parametrize(
    "tags",
    [
        {"quoted": "5 < 6 & 7 > 2"},
        {"TIFFTAG_IMAGEDESCRIPTION": "Příliš"},
        {"TIFFTAG_DATETIME": "2024-05-06T07:08:09.123Z"},
        {"TIFFTAG_SOFTWARE": "a <b> & c"},
        {"TIFFTAG_COPYRIGHT": " spaces around "},
        {"NODATA_VALUES": "1 2"},
        {"Name": "1", "NAME": "2"},
        {"name with  spaces ": "1"},
        {"čeština": "1"},
        {"empty": ""},
        {"TIFFTAG_XRESOLUTION": "72", "TIFFTAG_RESOLUTIONUNIT": "2 (pixels/inch)"},
        {"AREA_OR_POINT": "Point"},
    ],
    ids=str,
)
def test_odd_words(tags: dict[str, str], gdal: Asked, tmp_path: Path) -> None:
    """Whether we read them or GDAL does."""
    first, second = write(tmp_path / "a.tif", image()), other(tmp_path / "b.tif")
    dress(first, dict.fromkeys((name for name in tags if name != "AREA_OR_POINT"), "7") | {"own": "first"})
    dress(second, tags | {"own": "second"})
    assert told(first) == truth(first)
    assert told(second) == truth(second)
    assert gdal.count in (1, 2)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
names = st.text("abAB_.- :=<\"'&é#1", min_size=1, max_size=5)


@settings(max_examples=60, **HYPOTHESIS)
@given(data=st.data())
def test_any_words(tmp_path: Path, data: st.DataObject) -> None:
    first, second = write(tmp_path / "a.tif", image(16, 2)), other(tmp_path / "b.tif", bands=2, side=17)
    dress(first, {"A": "1"})
    with rasterio.open(second, "r+") as dataset:
        dataset.update_tags(**{"A": "2"} | data.draw(st.dictionaries(names, texts, max_size=4)))
        dataset.descriptions = data.draw(st.tuples(texts, texts))
        dataset.units = data.draw(st.tuples(texts, texts))
        dataset.scales = data.draw(st.tuples(st.floats(), st.floats()))
        dataset.offsets = data.draw(st.tuples(st.floats(), st.floats()))
    try:
        expected = truth(second)
    except UnicodeDecodeError:  # rasterio itself cannot say
        return
    assert told(first) == truth(first)
    assert told(second) == expected


def choices(**attributes: str) -> st.SearchStrategy[str]:
    """XML items, with each attribute one of some words; an empty word leaves it out."""
    parts = [
        st.sampled_from([f' {name}="{value}"' if value else "" for value in values.split("|")])
        for name, values in attributes.items()
    ]
    texts = [
        "1",
        "0.5",
        "-2.50e-05",
        "nan",
        "1e",
        "0x10",
        "",
        " 2",
        "3 ",
        "a&amp;amp;b",
        "é",
        "a b",
        "<!-- c -->",
        "<b/>",
        "\n",
    ]
    return st.builds(
        lambda *parts: f"  <Item{''.join(parts[:-1])}>{parts[-1]}</Item>\n", *parts, st.sampled_from(texts)
    )


plain = st.one_of(
    choices(name="A|a|B b|C.c|SCALE"),
    choices(name="S|SCALE|STATISTICS_MEAN", sample="0|1", role="scale|offset|unittype|description|"),
)
odd = st.one_of(
    choices(
        name="A|AREA_OR_POINT|NODATA_VALUES| c|é|",
        domain="IMAGE_STRUCTURE|OTHER|",
        sample="0|-1|x||",
        role="scale|Scale|",
    ),
    st.sampled_from(
        ["<!-- c -->", "text", "<Other/>", "<Item/>", '<Item name="Z"/>', "<GDALMetadata>", "<![CDATA[a]]>"]
    ),
)


@settings(max_examples=150, **HYPOTHESIS)
@given(
    layout=st.lists(st.one_of(st.none(), st.none(), odd), max_size=5), data=st.data(),
    end=st.sampled_from(["</GDALMetadata>\n", "</GDALMetadata>\n", "</GDALMetadata>", "</GDALMetadata>x", ""]),
)  # fmt: skip
def test_any_xml(tmp_path: Path, layout: list[str | None], end: str, data: st.DataObject) -> None:
    """Whatever stands where GDAL writes words: odd items shared by two files among others that differ."""
    path = other(tmp_path / "a.tif", bands=2, side=17)
    dress(path, {"A": "x" * 600})
    bytes_ = path.read_bytes()
    start, stop = bytes_.index(b"<GDALMetadata>"), bytes_.index(b"</GDALMetadata>\n\0") + 16
    for _ in range(2):
        items = "".join(item or data.draw(plain) for item in layout)
        xml = f"<GDALMetadata>\n{items}{end}".encode().ljust(stop - start)
        path.write_bytes(bytes_[:start] + xml + bytes_[stop:])
        try:
            expected = truth(path)
        except (rasterio.errors.RasterioError, ValueError):
            return
        assert told(path) == expected
