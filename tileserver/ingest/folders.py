"""Folders of rasters as collections and items, kept up to date with what lies in them.

Only files that are new or changed (size or modification time) are opened. A file that cannot be drawn is reported
with its reason and looked at again when it changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tileserver.errors import NotFound, SourceUnreadable
from tileserver.ingest.collection_file import apply_collection_file
from tileserver.ingest.guess import describe
from tileserver.ingest.kinds import identify
from tileserver.ingest.layout import Group, groups
from tileserver.ingest.raster import Inspection, inspect
from tileserver.ingest.report import Report
from tileserver.ingest.safe import read_safe
from tileserver.ingest.scan import Found, scan
from tileserver.ingest.template import Template, best_template, template
from tileserver.ingest.union import united
from tileserver.items import versioned
from tileserver.models import Item
from tileserver.ports import Catalog
from tileserver.settings import Settings

_CHUNK = 500
_THREADS = 8
"""Headers are waited for more than computed."""


def index_folders(
    catalog: Catalog, paths: Sequence[Path], settings: Settings, report: Report | None = None
) -> None:
    """Bring a catalog of served folders up to date; collections whose folder is gone are removed."""
    FolderIndex(catalog, paths, report or Report()).refresh()


class FolderIndex:
    """Served folders and the catalog that lists them."""

    def __init__(self, catalog: Catalog, paths: Sequence[Path], report: Report) -> None:
        self._catalog = catalog
        self._paths = list(paths)
        self._report = report
        self._rejected: dict[tuple[str, str], str] = {}
        self._seen: dict[str, object] = {}

    def refresh(self) -> bool:
        """Read what is new, forget what is gone; True if anything changed."""
        found = scan(self._paths)
        names = {one.id for one in found}
        gone = [one.id for one in self._catalog.collections() if one.id not in names]
        for name in gone:
            self._catalog.remove_collection(name)
            self._seen.pop(name, None)
        changed = [self._refresh(one) for one in found]
        return bool(gone) or any(changed)

    def _refresh(self, found: Found) -> bool:
        state = (found.files, found.safes, _stamp(found.root / "collection.json"))
        if self._seen.get(found.id) == state:
            return False
        sync = _Sync(self._catalog, found, self._report, self._rejected)
        changed = sync.run()
        self._seen[found.id] = state
        return changed


class _Sync:
    """One collection brought up to date."""

    def __init__(
        self, catalog: Catalog, found: Found, report: Report, rejected: dict[tuple[str, str], str]
    ) -> None:
        self._catalog = catalog
        self._found = found
        self._report = report
        self._rejected = rejected
        self._words = f"{found.title} {found.root.name}"

    def run(self) -> bool:
        found = self._found
        wanted = groups(found.files)
        main = self._template(wanted)
        known = self._known(main)
        stale = [group for group in wanted if not self._unchanged(group, known.get(group.id))]
        self._report.begin(found.title, sum(len(group.files) for group in stale) + len(found.safes))
        fresh: dict[str, Item] = {}
        for item in self._read(stale, main):
            fresh[item.id] = item
        for safe in found.safes:
            fresh |= self._read_safe(safe)
        current = {**{group.id: known[group.id] for group in wanted if group.id in known}, **fresh}
        for group in stale:
            if group.id not in fresh:
                current.pop(group.id, None)
        gone = [name for name in known if name not in current]
        changed = [item for name, item in fresh.items() if known.get(name) != item]
        self._store(current, changed, gone, main)
        self._report.done(found.id, len(current), len(changed), len(gone))
        return bool(changed or gone)

    def _template(self, wanted: Sequence[Group]) -> Template:
        """By the names of assets and folders alone, so that items are complete when they are first stored."""
        keys = {key for group in wanted for key, _ in group.files if key != "data"}
        names = " ".join(group.id for group in wanted[:20])
        chosen = apply_collection_file(self._found.root, None, self._report)
        return template(chosen.template) if chosen else best_template(keys, self._words, names)

    def _known(self, main: Template) -> dict[str, Item]:
        """Items of the last time, unless they were completed by another template."""
        try:
            collection = self._catalog.collection(self._found.id)
        except NotFound:
            return {}
        if collection.template != main.id:
            self._catalog.remove_collection(self._found.id)
            return {}
        return {item.id: item for item in self._catalog.iterate(self._found.id)}

    def _unchanged(self, group: Group, item: Item | None) -> bool:
        if item is None:
            return False
        now = {(str(self._found.root / path), self._found.files[path]) for _, path in group.files}
        now = {pair for pair in now if pair not in self._rejected}
        return now == {(asset.href, asset.version) for asset in item.assets.values()}

    def _read(self, stale: Sequence[Group], main: Template) -> Iterator[Item]:
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="inspect") as pool:
            for start in range(0, len(stale), _CHUNK):
                for item in pool.map(lambda group: self._item(group, main), stale[start : start + _CHUNK]):
                    if item is not None:
                        yield item

    def _item(self, group: Group, main: Template) -> Item | None:
        """Runs in a thread. None where no file of the group can be drawn."""
        seen = [one for key, path in group.files if (one := self._inspect(key, path))]
        self._report.advance(len(group.files))
        if not seen:
            return None
        date = group.date
        taken = min((one.taken for one in seen if one.taken), default=None)
        bbox, geometry = united(seen)
        item = Item(
            id=group.id,
            collection=self._found.id,
            datetime=date.start if date else taken,
            end_datetime=date.end if date else None,
            bbox=bbox,
            geometry=geometry,
            assets={one.asset.key: one.asset for one in seen},
            properties={"title": group.files[0][1].stem} if group.files[0][0] == "data" else {},
        )
        return complete(item, main, self._words)

    def _inspect(self, key: str, path: PurePosixPath) -> Inspection | None:
        href = str(self._found.root / path)
        file = f"{self._found.title}/{path}"
        try:
            seen = inspect(href, key)
        except SourceUnreadable as error:
            if self._rejected.setdefault((href, self._found.files[path]), "") != error.detail:
                self._rejected[href, self._found.files[path]] = error.detail
                self._report.skip(file, error.detail)
            return None
        if seen.hint:
            self._report.hint(file, seen.hint)
        return seen

    def _read_safe(self, safe: PurePosixPath) -> dict[str, Item]:
        try:
            items = read_safe(self._found.root / safe, self._found.id)
        except SourceUnreadable as error:
            self._report.skip(f"{self._found.title}/{safe}", error.detail)
            return {}
        self._report.advance()
        return {item.id: item for item in items}

    def _store(self, current: dict[str, Item], changed: list[Item], gone: list[str], main: Template) -> None:
        found = self._found
        if not current:
            self._forget()
            return
        collection = describe(found.id, found.title, current.values(), main, self._words)
        self._catalog.put_collection(apply_collection_file(found.root, collection, self._report) or collection)
        self._catalog.put_items(changed)
        self._catalog.remove_items(found.id, gone)

    def _forget(self) -> None:
        try:
            self._catalog.remove_collection(self._found.id)
        except NotFound:
            return


def complete(item: Item, main: Template, words: str) -> Item:
    """An item with what the templates know of its assets and its files do not say."""
    for key, asset in item.assets.items():
        known = identify(asset, item, main, words)
        if known:
            item = template(known[0]).complete(item, {key: known[1]})
    return versioned(replace(item, version=""))


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
