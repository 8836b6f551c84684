"""Words of a GeoTIFF: scale, offset, unit and description of its bands, and its own words, from GDAL's XML tag.

Only what GDAL writes in the ordinary case is read; what else is there is told apart, for GDAL to read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tileserver.cog.tags import ASCII, Tags

GDAL_METADATA = 42112
TEXTS = {
    269: "DOCUMENTNAME", 270: "IMAGEDESCRIPTION", 305: "SOFTWARE", 306: "DATETIME", 315: "ARTIST",
    316: "HOSTCOMPUTER", 33432: "COPYRIGHT",
}  # fmt: skip
"""Tags of text, which GDAL calls TIFFTAG_…"""

_START, _END = "<GDALMetadata>", "</GDALMetadata>"
_ITEM = re.compile(r"\s*<Item ([^<>]*)>([^<]*)</Item>", re.ASCII)
_NAMED = re.compile(
    r'name="([\w.#-]+(?: [\w.#-]+)*)"(?: sample="(\d{1,4})"(?: role="(scale|offset|unittype|description)")?)?', re.ASCII
)
_WORDS = re.compile(r"[^\s&\0-\x1f\x7f][^&\0-\b\v-\x1f\x7f]*")
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,2})?", re.ASCII)
_PLAIN = re.compile(r"[!-;=-~](?:[ -;=-~]*[!-;=-~])?", re.ASCII)
_QUOTE = re.compile("[\"']")
_DECISIVE = ("area_or_point", "nodata_values", "tifftag_", "internal_mask_flags")
"""Names that mean more to GDAL than words, or how they begin."""


@dataclass(slots=True)
class Metadata:
    """What is said of bands is by band, from 0."""

    tags: dict[str, str] = field(default_factory=dict)
    scales: dict[int, float] = field(default_factory=dict)
    offsets: dict[int, float] = field(default_factory=dict)
    units: dict[int, str] = field(default_factory=dict)
    descriptions: dict[int, str] = field(default_factory=dict)
    read: set[int] = field(default_factory=set)
    """TIFF tags that all this is from."""
    rest: tuple[tuple[int, str], ...] = ()
    """Items of the XML that were not read, and where in it they are."""


def metadata(tags: Tags) -> Metadata:
    """The words of an image."""
    found = Metadata()
    if GDAL_METADATA in tags:
        xml = _text(tags, GDAL_METADATA)
        items = None if xml is None else _items(xml)
        if items is not None:
            found = items
            found.read.add(GDAL_METADATA)
    for tag, name in TEXTS.items():
        if tag in tags:
            text = _text(tags, tag)
            if text is not None and _PLAIN.fullmatch(text):
                found.tags[f"TIFFTAG_{name}"] = text
                found.read.add(tag)
    return found


def _text(tags: Tags, tag: int) -> str | None:
    """A text in UTF-8 that ends where it should."""
    data = tags.data(tag)
    if tags.shape(tag)[0] != ASCII or data.find(b"\0") != len(data) - 1:
        return None
    try:
        return data[:-1].decode()
    except UnicodeDecodeError:
        return None


def _items(xml: str) -> Metadata | None:
    """All items, None where there is anything else."""
    if not xml.startswith(_START):
        return None
    found = Metadata()
    rest = []
    at, number = len(_START), 0
    while item := _ITEM.match(xml, at):
        at, number = item.end(), number + 1
        if not _kept(found, *item.groups()):
            rest.append((number, item[0]))
    found.rest = tuple(rest)
    # names of one file differ by more than case, for GDAL
    names = {name.lower() for name in found.tags}
    clear = len(names) == len(found.tags) and names.isdisjoint(
        word for _, each in rest for word in _QUOTE.split(each.lower())
    )
    return found if clear and xml[at:].strip("\n ") == _END else None


def _kept(found: Metadata, attributes: str, text: str) -> bool:
    """Was this an item of the ordinary kind?"""
    named = _NAMED.fullmatch(attributes)
    if not named or not _WORDS.fullmatch(text):
        return False
    name, sample, role = named.groups()
    if sample is None:
        if name in found.tags or name.lower().startswith(_DECISIVE):
            return False
        found.tags[name] = text
    elif role in ("unittype", "description"):
        (found.units if role == "unittype" else found.descriptions)[int(sample)] = text
    elif role:
        if not _NUMBER.fullmatch(text):
            return False
        (found.scales if role == "scale" else found.offsets)[int(sample)] = float(text)
    return True
