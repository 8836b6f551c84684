"""Folders of rasters as collections and items, kept up to date with what lies in them.

Only files that are new or changed (size or modification time) are opened. A file that cannot be drawn is reported
with its reason and looked at again when it changes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tileserver.ingest.collection_file import stamp
from tileserver.ingest.report import Report
from tileserver.ingest.scan import Found, scan
from tileserver.ingest.sync import Sync
from tileserver.ports import Catalog
from tileserver.settings import Settings

_FORMAT = 3
"""Goes up when an older index would be understood differently."""


def index_uri(paths: Sequence[Path], settings: Settings) -> str:
    """The catalog of served folders: in the user's cache folder, named by the folders."""
    names = "\n".join([str(_FORMAT), *(os.path.abspath(path) for path in paths)])  # noqa: PTH100
    digest = hashlib.blake2b(names.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return f"sqlite:///{settings.scratch() / 'served' / f'{digest}.db'}"


def index_folders(catalog: Catalog, paths: Sequence[Path], report: Report | None = None) -> None:
    """Bring a catalog of served folders up to date; collections whose folder is gone are removed."""
    FolderIndex(catalog, paths, report or Report()).refresh()


class FolderIndex:
    """Served folders and the catalog that lists them."""

    def __init__(self, catalog: Catalog, paths: Sequence[Path], report: Report, *, alone: bool = True) -> None:
        """`alone`: nothing else is in the catalog, so that what has no folder is removed."""
        self._catalog = catalog
        self._paths = list(paths)
        self.report = report
        self._alone = alone
        self._rejected: dict[tuple[str, str], str] = {}
        self._seen: dict[str, tuple[Found, str]] = {}
        """What the last look found, and the version of its collection.json."""

    def refresh(self) -> bool:
        """Read what is new, forget what is gone; True if anything changed."""
        found = scan(self._paths)
        changed = [self._forget({one.id for one in found})]
        changed += [self._refresh(one) for one in found]
        return any(changed)

    def _forget(self, names: set[str]) -> bool:
        """Remove what has no folder any more."""
        gone = [one.id for one in self._catalog.collections() if self._alone and one.id not in names]
        for name in gone:
            self._catalog.remove_collection(name)
        for name in [name for name in self._seen if name not in names]:
            before, _ = self._seen.pop(name)
            if not self._alone:
                self._sync(replace(before, files={}, safes=()))
                gone.append(name)
        return bool(gone)

    def _refresh(self, found: Found) -> bool:
        state = (found, stamp(found.root))
        if self._seen.get(found.id) == state:
            return False
        changed = self._sync(found)
        self._seen[found.id] = state
        return changed

    def _sync(self, found: Found) -> bool:
        return Sync(self._catalog, found, self.report, self._rejected, shared=not self._alone).run()
