"""Words of a GeoTIFF: scale, offset, unit and description of its bands, and its own words, from GDAL's XML tag.

Only what GDAL writes in the ordinary case; anything else is no `Metadata` but a question for GDAL.
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

_ITEM = re.compile(
    r'\s*<Item name="([\w.#-]+(?: [\w.#-]+)*)"(?: sample="(\d{1,4})")?(?: role="([a-z]+)")?>'
    r"([^\s<&\0-\x1f\x7f][^<&\0-\b\v-\x1f\x7f]*)</Item>",
    re.ASCII,
)
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,2})?", re.ASCII)
_PLAIN = re.compile(r"[!-;=-~](?:[ -;=-~]*[!-;=-~])?", re.ASCII)
_DECISIVE = frozenset(("area_or_point", "nodata_values"))
"""Names that mean more to GDAL than words."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What differs between bands is by band, from 0."""

    tags: dict[str, str] = field(default_factory=dict)
    scales: dict[int, float] = field(default_factory=dict)
    offsets: dict[int, float] = field(default_factory=dict)
    units: dict[int, str] = field(default_factory=dict)
    descriptions: dict[int, str] = field(default_factory=dict)

    def say(self, role: str, band: int, text: str) -> bool:
        """Keep what an item says of a band; False where it may mean something else."""
        if role in ("unittype", "description"):
            (self.units if role == "unittype" else self.descriptions)[band] = text
            return True
        if role in ("scale", "offset") and _NUMBER.fullmatch(text):
            (self.scales if role == "scale" else self.offsets)[band] = float(text)
            return True
        return False


def metadata(tags: Tags, bands: int) -> Metadata | None:
    """The metadata of a file of so many bands; None where GDAL must read them."""
    found = Metadata()
    for tag, name in TEXTS.items():
        if tag in tags:
            text = _text(tags, tag)
            if text is None or not _PLAIN.fullmatch(text):
                return None
            found.tags[f"TIFFTAG_{name}"] = text
    if GDAL_METADATA not in tags:
        return found
    xml = _text(tags, GDAL_METADATA)
    return found if xml is not None and _items(xml, bands, found) else None


def _text(tags: Tags, tag: int) -> str | None:
    """A text that ends where it should, in UTF-8."""
    data = tags.data(tag)
    if tags.shape(tag)[0] != ASCII or data.find(b"\0") != len(data) - 1:
        return None
    try:
        return data[:-1].decode()
    except UnicodeDecodeError:
        return None


def _items(xml: str, bands: int, found: Metadata) -> bool:
    """Fills in all items; False where there is anything else."""
    start, end = "<GDALMetadata>", "</GDALMetadata>"
    if not xml.startswith(start):
        return False
    at, names = len(start), set(_DECISIVE)
    while item := _ITEM.match(xml, at):
        at = item.end()
        name, sample, role, text = item.groups()
        if sample is None:
            # GDAL's names differ by more than case
            if role or name.lower() in names or name.lower().startswith(("tifftag_", "internal_mask_flags")):
                return False
            names.add(name.lower())
            found.tags[name] = text
        elif int(sample) >= bands or (role and not found.say(role, int(sample), text)):
            return False
    return xml[at:].strip("\n ") == end
