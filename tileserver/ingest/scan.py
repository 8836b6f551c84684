"""Which raster files lie below a folder, and which collections they belong to."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tileserver.ingest.collection_file import read_document
from tileserver.ingest.layout import is_dated_folder, slug
from tileserver.ingest.raster import SUFFIXES


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The files of one collection."""

    id: str
    title: str
    root: Path
    files: Mapping[PurePosixPath, str]
    """Path below the root -> version (size and modification time)."""
    safes: tuple[PurePosixPath, ...] = ()
    """Sentinel SAFE folders below the root."""
    only: Path | None = None
    """The one file or product that was asked for, where it is not all of the root."""

    @property
    def scope(self) -> Path:
        """What lies outside of it is none of this look's business."""
        return self.only or self.root


def scan(paths: list[Path]) -> list[Found]:
    """The collections below the given folders (or single files), with distinct ids, in the order given."""
    found: list[Found] = []
    for path in paths:
        found += _collections(Path(os.path.abspath(path)))  # noqa: PTH100 - links keep their names
    taken: set[str] = set()
    out = []
    for one in found:
        name, number = one.id, 1
        while name in taken:
            number += 1
            name = f"{one.id}-{number}"
        taken.add(name)
        out.append(replace(one, id=name))
    return out


def scan_one(path: Path) -> Found:
    """Everything below a folder (or a single file, or a product) as one collection."""
    path = Path(os.path.abspath(path))  # noqa: PTH100
    if path.is_file():
        return replace(_found(path.parent, path.stem, {PurePosixPath(path.name): _version(path)}, []), only=path)
    if _is_safe(path.name):
        return replace(_found(path.parent, path.parent.name, {}, [PurePosixPath(path.name)]), only=path)
    return _found(path, path.name, *_walk(path))


def _is_safe(name: str) -> bool:
    """A folder of a Sentinel-2 product."""
    return name.upper().endswith(".SAFE") and "MSIL" in name.upper()


def _collections(path: Path) -> list[Found]:
    if path.is_file() or _is_safe(path.name):
        return [scan_one(path)]
    files, safes = _walk(path)
    if _is_collection(path, files, safes):
        return [_found(path, path.name, files, safes)]
    below: dict[str, tuple[dict[PurePosixPath, str], list[PurePosixPath]]] = defaultdict(lambda: ({}, []))
    for file, version in files.items():
        below[file.parts[0]][0][PurePosixPath(*file.parts[1:])] = version
    for safe in safes:
        below[safe.parts[0]][1].append(PurePosixPath(*safe.parts[1:]))
    return [_found(path / name, name, *below[name]) for name in sorted(below)]


def _found(root: Path, name: str, files: Mapping[PurePosixPath, str], safes: list[PurePosixPath]) -> Found:
    said = read_document(root).get("id")
    own = said if isinstance(said, str) and said and slug(said) == said else slug(name)
    return Found(id=own, title=name, root=root, files=files, safes=tuple(safes))


def _is_collection(path: Path, files: Mapping[PurePosixPath, str], safes: list[PurePosixPath]) -> bool:
    """The folder given is the collection when it directly holds rasters, dated folders or a collection.json."""
    if (path / "collection.json").is_file() or any(len(safe.parts) == 1 for safe in safes):
        return True
    return any(len(file.parts) == 1 or is_dated_folder(file.parts[0]) for file in files)


def _walk(root: Path) -> tuple[dict[PurePosixPath, str], list[PurePosixPath]]:
    """Raster files and SAFE folders below a folder; each real folder once, so that links cannot go in circles."""
    files: dict[PurePosixPath, str] = {}
    safes: list[PurePosixPath] = []
    seen: set[tuple[int, int]] = set()
    waiting = [(root, PurePosixPath())]
    while waiting:
        folder, below = waiting.pop(0)
        for entry in _entries(folder, seen):
            name = below / entry.name
            if not entry.is_dir():
                if PurePosixPath(entry.name.lower()).suffix in SUFFIXES and (version := _version(Path(entry.path))):
                    files[name] = version
            elif _is_safe(entry.name):
                safes.append(name)
            else:
                waiting.append((Path(entry.path), name))
    return files, safes


def _entries(folder: Path, seen: set[tuple[int, int]]) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder, real things before links; hidden and unreadable things are left out."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            entries = [entry for entry in listing if not entry.name.startswith((".", "__"))]
    except OSError:
        return
    yield from sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))


def _version(path: Path) -> str:
    """As `raster.file_version`; empty for a file that vanished."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"
