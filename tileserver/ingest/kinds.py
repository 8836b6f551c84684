"""The kinds of rasters in a collection: what is drawn in the same way is of one kind."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tileserver.ingest.template import Template, template, templates
from tileserver.models import Asset, Item

_SAMPLES = 6
MAX_NAMED = 200
"""A style names the items that it draws only up to so many."""


@dataclass(slots=True)
class Kind:
    """Assets of many items that belong together."""

    key: str
    """The asset's key in its items."""
    known: tuple[str, str] | None
    """Template and the template's own name of the asset."""
    examples: list[Asset] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    """Ids of the items that have it, in order; cut off beyond `MAX_NAMED`."""
    count: int = 0
    area: float = 0.0
    """Of the boxes of all items, in square degrees."""
    lone: bool = False
    """A file of its own (asset `data`)."""

    @property
    def bands(self) -> tuple[str, ...]:
        """What the bands are called in expressions."""
        return tuple(band.name for band in self.examples[0].bands)

    @property
    def title(self) -> str:
        """A readable name: the asset's, or the lone file's."""
        if self.known and not self.lone:
            words = template(self.known[0]).item_assets[self.known[1]].get("title")
            return str(words or self.key)
        name = self.items[0] if self.lone and self.count == 1 else self.key
        return re.sub(r"[_\s]+", " ", name).strip()


def kinds_of(items: Iterable[Item], main: Template) -> list[Kind]:
    """The kinds in a collection, those of the main template first, then in the order of their names."""
    found: dict[tuple[object, ...], Kind] = {}
    for item in items:
        for asset in item.assets.values():
            known = identify(asset, item, main)
            signature = _signature(asset, item, known)
            kind = found.get(signature)
            if kind is None:
                kind = found[signature] = Kind(key=asset.key, known=known, lone=asset.key == "data")
            kind.count += 1
            west, south, east, north = item.bbox
            kind.area += ((east - west) % 360 or 360) * (north - south)
            _keep(kind, asset, item)
    return sorted(found.values(), key=lambda kind: (kind.known is None, kind.key, kind.items[:1]))


def _keep(kind: Kind, asset: Asset, item: Item) -> None:
    """Remember examples spread over the collection: the first few, then at doubling distances."""
    if len(kind.examples) < _SAMPLES // 2 or kind.count & (kind.count - 1) == 0:
        kind.examples.append(asset)
        if len(kind.examples) > _SAMPLES:
            del kind.examples[_SAMPLES // 2]
    if len(kind.items) < MAX_NAMED:
        kind.items.append(item.id)


def identify(asset: Asset, item: Item, main: Template) -> tuple[str, str] | None:
    """The template and its name for an asset: the main template's word first, then any other's."""
    order = (main, *(one for one in templates() if one is not main))
    if asset.key != "data":
        for one in order:
            needs_words = one is not main and one.document.get("match", {}).get("words_needed")
            if not needs_words and (name := one.asset(asset.key)):
                return one.id, name
    if asset.key == "data" and main.by_folder and main.takes(len(asset.bands)):
        # A folder called "dem" says what its files are, one called "s2_ndvi" does not.
        return main.id, next(iter(main.item_assets))
    name = item.id if asset.key == "data" else asset.key
    for one in order:
        if one.takes(len(asset.bands)) and (single := one.single(name)):
            return one.id, single
    return None


def _signature(asset: Asset, item: Item, known: tuple[str, str] | None) -> tuple[object, ...]:
    if known:
        return (asset.key, *known)
    first = asset.bands[0]
    form = (asset.key, len(asset.bands), first.dtype)
    if asset.key != "data" or item.datetime is not None:
        return form
    if len(asset.bands) in (3, 4) and first.dtype == "uint8":
        return (*form, "picture")
    # Undated files of one pixel size are sheets of one map; others are different things.
    return (*form, str(first.nodata), _pixel(asset), asset.crs if len(asset.crs) < 20 else "wkt")


def _pixel(asset: Asset) -> Sequence[float]:
    if asset.transform is None:
        return ()
    a, b, _, d, e, _ = asset.transform
    return float(f"{math.hypot(a, d):.3g}"), float(f"{math.hypot(b, e):.3g}")
