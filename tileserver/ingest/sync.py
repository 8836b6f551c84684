"""One collection brought up to date with the files below a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tileserver.errors import NotFound, SourceUnreadable
from tileserver.ingest.collection_file import apply_collection_file, declared, read_document, stamp
from tileserver.ingest.convert import Converter
from tileserver.ingest.guess import describe, keep_styles
from tileserver.ingest.kinds import identify
from tileserver.ingest.layout import Group, groups, slug
from tileserver.ingest.raster import Inspection, inspect
from tileserver.ingest.report import Report
from tileserver.ingest.safe import read_safe
from tileserver.ingest.scan import Found
from tileserver.ingest.template import Template, best_template, template
from tileserver.ingest.union import united
from tileserver.items import versioned
from tileserver.models import Asset, Collection, Item
from tileserver.ports import Catalog
from tileserver.styles import PREFIX

_DESCRIBED = PREFIX + "described_by"
"""The version of collection.json that was read."""
_THREADS = 8
"""Headers are waited for more than computed."""


class Sync:
    """The files of one folder and the items of one collection."""

    def __init__(
        self,
        catalog: Catalog,
        found: Found,
        report: Report,
        rejected: dict[tuple[str, str], str],
        *,
        template_id: str = "",
        converter: Converter | None = None,
        shared: bool = False,
    ) -> None:
        """Keep a collection like a folder.

        Args:
            rejected: files that were reported already, by path and version; added to.
            template_id: instead of the best guess.
            converter: makes COGs of what is none.
            shared: the collection may have items of other origin, which stay.
        """
        self._catalog = catalog
        self._found = found
        self._report = report
        self._rejected = rejected
        self._template_id = template_id
        self._converter = converter
        self._shared = shared
        self._document = read_document(found.root)
        self._words = f"{found.title} {found.root.name}"

    def run(self) -> bool:
        """True if any item was added, changed or removed."""
        wanted = groups(self._found.files)
        main = self._template(wanted)
        known, anew = self._known(main)
        wanted = [self._named(group, known) for group in wanted]
        stale = [group for group in wanted if anew or not self._unchanged(group, known.get(group.id))]
        self._report.begin(self._found.title, sum(len(group.files) for group in stale) + len(self._found.safes))
        fresh = {item.id: item for item in self._read(stale, main)}
        for safe in self._found.safes:
            fresh |= self._read_safe(safe, main)
        unread = {group.id for group in stale} - set(fresh)
        here = {group.id for group in wanted} | set(fresh)
        gone = [name for name, item in known.items() if name in unread or (name not in here and self._is_ours(item))]
        versions = {name: item.version for name, item in known.items()}
        changed = [item for name, item in fresh.items() if versions.get(name) != item.version]
        current = {name: item for name, item in {**known, **fresh}.items() if name not in gone}
        if changed or gone or not known or anew:
            self._store(current, changed, gone, main)
        self._report.done(self._found.id, len(current), len(changed), len(gone))
        return bool(changed or gone)

    def _template(self, wanted: Sequence[Group]) -> Template:
        """By the names of assets and folders alone, so that items are complete when they are first stored."""
        if self._template_id:
            return template(self._template_id)
        chosen = apply_collection_file(self._found.root, None, self._report) or (
            self._before() if self._shared else None
        )
        if chosen and chosen.template != "generic":
            return template(chosen.template)
        keys = {key for group in wanted for key, _ in group.files if key != "data"}
        safes = [safe.name for safe in self._found.safes]
        if safes:
            keys |= {"B02", "B03", "B04", "B08"}
        return best_template(keys, self._words, " ".join([*safes, *(group.id for group in wanted[:20])]))

    def _before(self) -> Collection | None:
        """The collection as it was the last time."""
        try:
            return self._catalog.collection(self._found.id)
        except NotFound:
            return None

    def _known(self, main: Template) -> tuple[dict[str, Item], bool]:
        """Items of the last time, and whether all files must be read again for another description."""
        before = self._before()
        if before is None:
            return {}, False
        anew = before.template != main.id or before.extra.get(_DESCRIBED, "") != stamp(self._found.root)
        return {item.id: item for item in self._catalog.iterate(self._found.id)}, anew

    def _named(self, group: Group, known: dict[str, Item]) -> Group:
        """The same name may come from several folders that are put into one collection."""
        other = known.get(group.id)
        if other is None or self._is_ours(other):
            return group
        return replace(group, id=f"{slug(self._found.root.name)}_{group.id}")

    def _is_ours(self, item: Item) -> bool:
        """Made from files of this folder."""
        if not self._shared:
            return True
        roots = [self._found.scope, *([self._converter.folder] if self._converter else [])]
        return all(any(Path(asset.href).is_relative_to(root) for root in roots) for asset in item.assets.values())

    def _unchanged(self, group: Group, item: Item | None) -> bool:
        if item is None:
            return False
        pairs = {self._located(path) for _, path in group.files if self._source(path) not in self._rejected}
        return pairs == {(asset.href, asset.version) for asset in item.assets.values()}

    def _source(self, path: PurePosixPath) -> tuple[str, str]:
        return str(self._found.root / path), self._found.files[path]

    def _located(self, path: PurePosixPath) -> tuple[str, str]:
        """Where the pixels are and their version: the file itself, or the COG that was made of it."""
        made = self._converter.made(self._found.root / path) if self._converter else None
        return made or self._source(path)

    def _read(self, stale: Sequence[Group], main: Template) -> Iterator[Item]:
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="inspect") as pool:
            for item in pool.map(lambda group: self._item(group, main), stale):
                if item is not None:
                    yield item

    def _item(self, group: Group, main: Template) -> Item | None:
        """Runs in a thread. None where no file of the group can be drawn."""
        seen = [one for key, path in group.files if (one := self._inspect(key, path))]
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
        return complete(declared(item, self._document), main)

    def _inspect(self, key: str, path: PurePosixPath) -> Inspection | None:
        source = self._source(path)
        file = f"{self._found.title}/{path}"
        try:
            href, _ = self._located(path)
            seen = inspect(href, key)
            if self._converter and self._converter.wants(seen):
                seen = inspect(self._converter.convert(Path(source[0])), key)
            if seen.hint:
                self._report.hint(file, seen.hint)
        except SourceUnreadable as error:
            if self._rejected.get(source) != error.detail:
                self._rejected[source] = error.detail
                self._report.skip(file, error.detail)
            return None
        finally:
            self._report.advance()
        return seen

    def _read_safe(self, safe: PurePosixPath, main: Template) -> dict[str, Item]:
        try:
            items = read_safe(self._found.root / safe, self._found.id)
            items = [complete(self._converted(item), main) for item in items]
        except SourceUnreadable as error:
            self._report.skip(f"{self._found.title}/{safe}", error.detail)
            items = []
        self._report.advance()
        return {item.id: item for item in items}

    def _converted(self, item: Item) -> Item:
        """A product's item with COGs instead of JPEG 2000."""
        if self._converter is None:
            self._report.hint(item.id, "it is JPEG 2000, not a Cloud Optimized GeoTIFF")
            return item

        def cog(asset: Asset, converter: Converter) -> Asset:
            made = inspect(converter.convert(Path(asset.href), nodata=asset.bands[0].nodata), asset.key).asset
            return replace(made, bands=asset.bands)

        return replace(item, assets={key: cog(asset, self._converter) for key, asset in item.assets.items()})

    def _store(self, current: dict[str, Item], changed: list[Item], gone: list[str], main: Template) -> None:
        found = self._found
        if not current:
            if self._before():
                self._catalog.remove_collection(found.id)
            return
        guessed = describe(found.id, found.title, current.values(), main)
        guessed = keep_styles(guessed, self._catalog)
        described = apply_collection_file(found.root, guessed, self._report) or guessed
        said = stamp(found.root)
        extra = {**described.extra, _DESCRIBED: said} if said else described.extra
        self._catalog.put_collection(replace(described, extra=extra))
        self._catalog.put_items(changed)
        self._catalog.remove_items(found.id, gone)


def complete(item: Item, main: Template) -> Item:
    """An item with what the templates know of its assets and its files do not say."""
    for key, asset in item.assets.items():
        known = identify(asset, item, main)
        if known:
            item = template(known[0]).complete(item, {key: known[1]})
    return versioned(replace(item, version=""))
