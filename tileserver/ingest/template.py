"""The shipped templates: what is known of a kind of imagery, and by which names it is recognised."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import orjson

from tileserver.errors import NotFound
from tileserver.hrefs import is_remote
from tileserver.models import Asset, Band, Item

_SIXTEEN_BITS = ("uint16", "int16")


@dataclass(frozen=True, slots=True)
class Template:
    """A template file: see the files beside this module."""

    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def item_assets(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.document.get("item_assets", {})
        return found

    @property
    def renders(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.document.get("renders", {})
        return found

    def asset(self, key: str) -> str | None:
        """The template's own name of an asset that others may call differently ("red" is B04)."""
        return _names(self.id).get(key.casefold())

    def takes(self, bands: int) -> bool:
        """Whether a lone file of so many bands can be of this kind."""
        wanted = self.document.get("match", {}).get("bands", 1)
        return bands == wanted or bands == wanted + 1 > 2  # a picture may have an alpha band or an infrared one

    def single(self, words: str) -> str | None:
        """The asset that a lone file holds, by its name ("dem_swiss" is DEM)."""
        for name, pattern in self.document.get("match", {}).get("files", {}).items():
            if re.search(pattern, words, re.IGNORECASE):
                return str(name)
        return None

    @property
    def by_folder(self) -> bool:
        """Recognised by the folder's name alone, not by names of assets."""
        return self.document.get("match", {}).get("at_least", 1) == 0

    def score(self, keys: Iterable[str], folder: str, files: str) -> float:
        """How well names of assets, folder and files fit; 0: not at all."""
        match = self.document.get("match", {})
        known = sum(self.asset(key) is not None for key in keys)
        words = folder if self.by_folder else f"{folder} {files}"
        said = bool(match.get("words") and re.search(match["words"], words, re.IGNORECASE))
        if known < match.get("at_least", 1) or (match.get("words_needed") and not said):
            return 0.0
        return known + (2.5 if said else 0.0)

    def complete(self, item: Item, names: Mapping[str, str]) -> Item:
        """An item with what its files do not say: scale and offset of stored 16-bit numbers, units.

        Args:
            names: asset key of the item -> asset of this template.
        """
        assets = {
            key: _complete(asset, self.item_assets[names[key]]) if key in names else asset
            for key, asset in item.assets.items()
        }
        return replace(item, assets=assets)


def _complete(asset: Asset, known: Mapping[str, Any]) -> Asset:
    def band(one: Band) -> Band:
        whole = one.dtype in _SIXTEEN_BITS or (one.dtype is None and is_remote(asset.href))
        unscaled = one.scale is None and one.offset is None and whole
        return replace(
            one,
            scale=known.get("scale") if unscaled else one.scale,
            offset=known.get("offset") if unscaled else one.offset,
            nodata=known.get("nodata") if one.nodata is None else one.nodata,
            unit=one.unit or str(known.get("unit", "")),
        )

    title = known.get("title", {})
    words = str(title.get("en", "")) if isinstance(title, Mapping) else str(title)
    return replace(asset, bands=tuple(band(one) for one in asset.bands), title=asset.title or words)


@cache
def templates() -> tuple[Template, ...]:
    """All shipped templates, the more particular first."""
    folder = resources.files("tileserver.ingest") / "templates"
    files = [file for file in folder.iterdir() if file.name.endswith(".json")]
    found = [Template(orjson.loads(file.read_bytes())) for file in files]
    return tuple(sorted(found, key=lambda one: (one.document.get("rank", 50), one.id)))


def template(name: str) -> Template:
    """One template by its id. Raises NotFound."""
    for one in templates():
        if one.id == name:
            return one
    raise NotFound("template", name, [one.id for one in templates()])


def best_template(keys: Iterable[str], folder: str, files: str = "") -> Template:
    """The template that fits best the assets' names and the words of folder and files, else `generic`."""
    known = list(keys)
    best = max(templates(), key=lambda one: one.score(known, folder, files))
    return best if best.score(known, folder, files) > 0 else template("generic")


@cache
def _names(template_id: str) -> Mapping[str, str]:
    """Every spelling, in lower case -> the template's own name."""
    found: dict[str, str] = {}
    for name, asset in template(template_id).item_assets.items():
        for spelling in (name, *asset.get("aliases", ())):
            found.setdefault(str(spelling).casefold(), name)
    return found
