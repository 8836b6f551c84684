"""What a tree of files means: which folders are collections, which files make an item (CONTRACT section 1).

Files in a dated folder are the assets of one item; a file whose own name carries the date is an item with the
asset `data`; files that differ only in a band's name (`20230810_B04.tif`, `20230810_B08.tif`) belong together;
what has no date is an item of its own. Folders that only say a resolution (R10m) do not keep items apart.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from tileserver.ingest.dates import DAY, Dated, date_of, find_date

_RESOLUTION = re.compile(r"R?\d{1,4}m|IMG_DATA", re.IGNORECASE)
_BAND = (
    r"B\d{1,2}A?|band[-_]?\d+|SCL|TCI|AOT|WVP|CLM|CLD|CLP|visual|red|green|blue|nir\d*|swir\d*|rededge\d*|coastal"
    r"|VV|VH|HH|HV|ND[A-Z]I|EVI|SAVI|LAI|FAPAR|FCOVER|NBR|DEM|LST|pan|mask|QA_\w+|SR_\w+|ST_\w+|cloud[-_]?mask"
)
_LAST_BAND = re.compile(rf"(?P<before>.*?)(?:^|[-_. ])(?P<band>{_BAND})(?:_(?P<metres>\d{{1,4}})m)?$", re.IGNORECASE)
_FIRST_BAND = re.compile(rf"^(?P<band>{_BAND})[-_. ](?P<before>.*)$", re.IGNORECASE)
_RADAR = re.compile(r"(?P<before>s1[a-d]-.*)-(?P<band>vv|vh|hh|hv)-.*", re.IGNORECASE)
_PREFERRED = (".tif", ".tiff", ".jp2", ".vrt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The files of one item."""

    id: str
    date: Dated | None
    files: tuple[tuple[str, PurePosixPath], ...]
    """(asset key, path below the collection)."""


@dataclass(frozen=True, slots=True)
class _File:
    path: PurePosixPath
    folders: tuple[str, ...]
    stem: str
    date: Dated | None
    own_date: bool
    """The date stands in the file's own name."""
    band: str = ""
    rest: str = ""
    """The name without its band."""
    metres: int = 0


def groups(paths: Iterable[PurePosixPath]) -> list[Group]:
    """The items that files (paths below their collection) make, in a fixed order."""
    files = sorted((_read(path) for path in set(paths)), key=lambda f: (_rank(f.path), str(f.path)))
    together: dict[tuple[object, ...], list[_File]] = defaultdict(list)
    by_band = _banded(files)
    for file in files:
        if not file.own_date and file.date:
            # Two passes of one day may lie in the day's folder.
            above = date_of(file.folders)
            finer = above is not None and file.date.precision > above.precision
            together["folder", file.folders, file.rest if finer else ""].append(file)
        elif file.own_date and (file.folders, file.rest) in by_band and file.band:
            together["bands", file.folders, file.rest].append(replace(file, stem=file.band))
        else:
            together["file", file.path].append(file)
    found = [_group(key, members) for key, members in together.items()]
    return _distinct(found)


def slug(text: str) -> str:
    """Text as an identifier of [A-Za-z0-9_.-]; accents are dropped, what is left empty gets a hash."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    out = re.sub(r"[^A-Za-z0-9_.-]+", "-", plain).strip("-.")
    return out or f"x{_digest(text)}"


def is_dated_folder(name: str) -> bool:
    """A folder whose name is a year, or carries at least a month."""
    date = find_date(name)
    return date is not None and (date.precision > 1 or date.span == (0, len(name)))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=3).hexdigest()


def _rank(path: PurePosixPath) -> int:
    """Of two files with one name the GeoTIFF comes first."""
    suffix = path.suffix.lower()
    return _PREFERRED.index(suffix) if suffix in _PREFERRED else len(_PREFERRED)


def _read(path: PurePosixPath) -> _File:
    folders = tuple(part for part in path.parts[:-1] if not _RESOLUTION.fullmatch(part))
    stem = path.stem
    above, whole, name = date_of(folders), date_of([*folders, stem]), find_date(stem)
    # In a folder of the same day the name's date only repeats the folder's.
    match = _LAST_BAND.match(stem) or _FIRST_BAND.match(stem) or _RADAR.match(stem)
    repeats = (
        above is not None
        and name is not None
        and above.precision >= DAY
        and _same_day(above, name)
        and (name.precision <= above.precision or match is not None)
    )
    own = whole is not None and whole != above and not repeats
    if above is not None and name is not None and not repeats and name.precision >= above.precision:
        own, whole = True, whole if whole and whole.precision > name.precision else name
    if match is None:
        return _File(path, folders, stem, whole, own)
    metres = match.groupdict().get("metres")
    return _File(path, folders, stem, whole, own, match["band"], match["before"], int(metres or 0))


def _same_day(one: Dated, other: Dated) -> bool:
    return one.start.date() == other.start.date()


def _banded(files: Sequence[_File]) -> set[tuple[tuple[str, ...], str]]:
    """Names that several bands share; once some do, single bands of the collection are read the same way."""
    own = [file for file in files if file.own_date and file.band]
    bands: dict[tuple[tuple[str, ...], str], set[str]] = defaultdict(set)
    for file in own:
        bands[file.folders, file.rest].add(file.band)
    if not any(len(names) > 1 for names in bands.values()):
        return set()
    return set(bands)


def _group(key: tuple[object, ...], members: list[_File]) -> Group:
    first = members[0]
    if key[0] == "file":
        words = [*first.folders, first.stem]
        assets = [("data", first.path)]
    elif key[0] == "bands":
        words = [*first.folders, first.rest.strip("-_. ") or first.stem]
        assets = _assets([(file, file.band) for file in members])
    else:
        words = [*first.folders, *([first.rest.strip("-_. ")] if key[2] else [])]
        assets = _assets(_names(members))
    date = max((file.date for file in members if file.date), key=lambda d: d.precision, default=None)
    return Group(id="_".join(slug(word) for word in words), date=date, files=tuple(assets))


def _names(members: list[_File]) -> list[tuple[_File, str]]:
    """Asset names in a dated folder: the file's name, without what all of them say of the product."""
    if all(find_date(file.stem) and file.band for file in members):
        return [(file, file.band) for file in members]
    if len(members) > 1 and (start := _product(members)):
        return [(file, file.stem[start:]) for file in members]
    return [(file, file.stem) for file in members]


def _product(members: list[_File]) -> int:
    """Length of the beginning that all names share, up to a separator, if it carries a date."""
    stems = [file.stem for file in members]
    shared = 0
    while all(len(stem) > shared and stem[shared] == stems[0][shared] for stem in stems):
        shared += 1
    start = max(stems[0].rfind(sign, 0, shared) for sign in "_-. ") + 1
    date = find_date(stems[0][:start])
    return start if date and all(len(stem) > start for stem in stems) else 0


def _assets(named: list[tuple[_File, str]]) -> list[tuple[str, PurePosixPath]]:
    """Asset keys, the finest resolution first; coarser copies of a band are left out."""
    found: dict[str, PurePosixPath] = {}
    finest: dict[str, int] = {}
    for file, name in sorted(named, key=lambda pair: pair[0].metres):
        key = slug(name)
        if key in found:
            if file.metres != finest[key]:
                continue
            key = f"{key}_{slug(file.path.suffix.removeprefix('.').lower())}"
            if key in found:
                key = f"{key}_{_digest(str(file.path))}"
        found[key] = file.path
        finest[key] = file.metres
    return sorted(found.items())


def _distinct(found: list[Group]) -> list[Group]:
    """Equal ids (a-b.tif and a b.tif) are kept apart by a hash of the path."""
    counts = Counter(group.id for group in found)
    out = [
        replace(group, id=f"{group.id}-{_digest(str(group.files[0][1]))}") if counts[group.id] > 1 else group
        for group in found
    ]
    return sorted(out, key=lambda group: group.id)
