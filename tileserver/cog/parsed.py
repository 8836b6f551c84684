"""The directories of a file, and what is plain of them.

Files of one writer mostly have headers of the same form: the same bytes but for the tables of blocks, the place and
the words. What follows from these bytes is worked out once, and the others are only compared with them.
"""

from __future__ import annotations

import marshal
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from threading import Lock
from typing import Any

import numpy as np
from cachetools import LRUCache

from tileserver.cog import tiff
from tileserver.cog.codecs import JPEG
from tileserver.cog.metadata import Metadata, metadata
from tileserver.cog.tags import DOUBLE, LONG, SHORT, HeaderBytes, Read, Table, Tags, TiffError, read_tags, signature
from tileserver.cog.tiff import Directory

FORMS = 256
HEAD_BYTES = 16
"""Of a BigTIFF; that of a TIFF is shorter."""
PIXEL_SCALE, TIE_POINT, MATRIX, OLD_MATRIX = 33550, 33922, 34264, 33920
SUB_IFDS, EXIF, GPS, INTEROPERABILITY = 330, 34665, 34853, 40965
UNPLAIN = (MATRIX, OLD_MATRIX, SUB_IFDS, EXIF, GPS, INTEROPERABILITY)
"""What is placed by a matrix, and what points to further directories."""
SIZE = frozenset((tiff.WIDTH, tiff.HEIGHT))
ONE = frozenset(((SHORT, 1), (LONG, 1)))


@dataclass(frozen=True, slots=True)
class Own:
    """What we read of a plain file without GDAL."""

    make: bytes
    """Tells all that is not below."""
    size: tuple[int, int]
    scale: tuple[float, float]
    corner: tuple[float, float]
    overviews: tuple[int, ...]
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class _Table:
    """Where the numbers of all blocks are."""

    offset: int
    dtype: np.dtype[Any]
    count: int

    def read(self, header: HeaderBytes) -> Table:
        return np.frombuffer(header.part(self.offset, self.count * self.dtype.itemsize), self.dtype)


@dataclass(frozen=True, slots=True)
class _Form:
    """A header that others may be like."""

    same: tuple[tuple[int, bytes], ...]
    """What is where in it: all that counts but tables, place and words."""
    own: Own
    images: tuple[tuple[dict[str, Any], _Table, _Table], ...]
    """Directories without their tables, and these."""


_forms: LRUCache[bytes, _Form] = LRUCache(FORMS)
"""By the first directory."""
_lock = Lock()


def parse(read: Read, size: int) -> tuple[list[Directory], Own | None]:
    """All images of a file in file order, and what is plain of it: None where anything is out of the ordinary.

    Raises TiffError.
    """
    header = HeaderBytes(read, size)
    order, is_big, offset = signature(header)
    first, _ = read_tags(header, offset, order, is_big=is_big)
    with _lock:
        form = _forms.get(first.body)
    if form is not None and (found := _alike(form, header, first)):
        return found
    tags = tiff.all_tags(header)
    images = [tiff.directory(each) for each in tags]
    own = _own(tags, images)
    if own is not None:
        form = _form(header, tags, images, own)
        with _lock:
            _forms[first.body] = form
    return images, own


def _form(header: HeaderBytes, tags: Sequence[Tags], images: Sequence[Directory], own: Own) -> _Form:
    varying = _varying(own.metadata)
    parts = [(0, min(HEAD_BYTES, header.size)), *(part for each in tags for part in each.parts(varying))]
    return _Form(
        same=tuple((offset, header.part(offset, length)) for offset, length in _joined(parts)),
        own=own,
        images=tuple((_fixed(image), *_tables(each, image)) for each, image in zip(tags, images, strict=True)),
    )


def _joined(parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Parts of a file (offset, length) from its start on, as few as they can be."""
    out: list[tuple[int, int]] = []
    for offset, length in sorted(parts):
        if out and offset <= sum(out[-1]):
            start = out[-1][0]
            out[-1] = start, max(sum(out[-1]), offset + length) - start
        else:
            out.append((offset, length))
    return out


def _fixed(image: Directory) -> dict[str, Any]:
    return {each.name: getattr(image, each.name) for each in fields(image) if each.name not in ("offsets", "counts")}


def _tables(tags: Tags, image: Directory) -> tuple[_Table, _Table]:
    offsets, counts = image.table_tags
    return (
        _Table(tags.place(offsets), image.offsets.dtype, len(image.offsets)),
        _Table(tags.place(counts), image.counts.dtype, len(image.counts)),
    )


def _alike(form: _Form, header: HeaderBytes, first: Tags) -> tuple[list[Directory], Own] | None:
    """What `parse` says of another file, if it has the form."""
    try:
        if any(header.part(offset, len(data)) != data for offset, data in form.same):
            return None
        words = metadata(first)
        *origin, x, y, z = first.numbers(TIE_POINT)
    except TiffError:
        return None
    if (words.read, words.rest) != (form.own.metadata.read, form.own.metadata.rest) or not _plain(origin, x, y, z):
        return None
    images = [
        Directory(**fixed, offsets=offsets.read(header), counts=counts.read(header))
        for fixed, offsets, counts in form.images
    ]
    return images, replace(form.own, corner=(x, y), metadata=words)


def _own(tags: Sequence[Tags], images: Sequence[Directory]) -> Own | None:
    """None where anything is out of the ordinary."""
    first, base = tags[0], images[0]
    if any(tag in first for tag in UNPLAIN) or any(each.shape(tag) not in ONE for each in tags for tag in SIZE):
        return None
    if first.shape(PIXEL_SCALE) != (DOUBLE, 3) or first.shape(TIE_POINT) != (DOUBLE, 6):
        return None
    try:
        (dx, dy, _), (*origin, x, y, z) = first.numbers(PIXEL_SCALE), first.numbers(TIE_POINT)
        words = metadata(first)
        variable = _varying(words)
        if base.tiled and base.compression != JPEG:  # GDAL's blocks and overviews of others depend on the size
            variable |= SIZE
        layout = (first.order, words.rest, *(each.rest(variable) for each in tags))
    except TiffError:
        return None
    if not (_plain(origin, x, y, z) and dx > 0 and dy > 0 and math.isfinite(dx) and math.isfinite(dy)):
        return None
    overviews = (image.width for image in images[1:] if image.reduced and not image.mask)
    factors = tuple(round(base.width / width) for width in overviews)
    make = sha256(marshal.dumps(layout, 2)).digest()  # the version in which equal values give equal bytes
    return Own(make, (base.width, base.height), (dx, dy), (x, y), factors, words)


def _varying(words: Metadata) -> frozenset[int]:
    """Tags whose values tell files of a make apart."""
    return tiff.TABLES | words.read | {TIE_POINT}


def _plain(origin: Sequence[float], x: float, y: float, z: float) -> bool:
    """Is a tie point the place of a file's corner?"""
    return not any(origin) and not z and math.isfinite(x) and math.isfinite(y)
