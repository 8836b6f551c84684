"""Tiles drawn ahead of whoever asks: squares of neighbours, which share what they need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from tileserver.cache import DiskCache, metadata_of
from tileserver.errors import SourceUnreadable
from tileserver.models import Image
from tileserver.render import MEDIA_TYPES, MapRequest, Renderer
from tileserver.selection import Selection, throughout

Outcome = Literal["drawn", "there", "empty", "unreadable"]
_LAYERS = 640
"""Pictures times items of each that are in memory at once, at most."""


class Seeder:
    """Draws squares of tiles into a cache. Thread-safe."""

    def __init__(self, renderer: Renderer, cache: DiskCache) -> None:
        self._renderer = renderer
        self._cache = cache

    def draw(self, requests: Sequence[MapRequest]) -> Counter[Outcome]:
        """What became of the tiles of a square, whose requests differ in place and format only."""
        counts: Counter[Outcome] = Counter()
        alike: dict[tuple[str, ...], tuple[Selection, list[MapRequest]]] = {}
        for some, selection in self._selected(requests):
            alike.setdefault(tuple(item.id for item in selection.items), (selection, []))[1].extend(some)
        for selection, some in alike.values():
            counts += self._missing(some, selection) if selection.items else _counted("empty", len(some))
        return counts

    def _missing(self, requests: Sequence[MapRequest], selection: Selection) -> Counter[Outcome]:
        """What became of tiles that show the same items."""
        keyed = {self._renderer.key(request, selection): request for request in requests}
        missing = [key for key in keyed if not self._cache.has(key)]
        counts = _counted("there", len(keyed) - len(missing))
        most = max(1, _LAYERS // len(selection.items))
        for start in range(0, len(missing), most):
            counts += self._drawn({key: keyed[key] for key in missing[start : start + most]}, selection)
        return counts

    def _selected(self, requests: Sequence[MapRequest]) -> Iterator[tuple[Sequence[MapRequest], Selection]]:
        """The requests with their items, chosen once for as many neighbours as have the same."""
        first = requests[0]
        if len(requests) == 1:
            yield requests, self._renderer.select(first)
            return
        if first.time.kind != "best" and not first.style.period_days:
            west, south, east, north = zip(*(request.bbox for request in requests), strict=True)
            bbox = min(west), min(south), max(east), max(north)
            selection = self._renderer.select(replace(first, bbox=bbox))
            if throughout(selection, bbox):
                yield requests, selection
                return
        half = len(requests) // 2
        yield from self._selected(requests[:half])
        yield from self._selected(requests[half:])

    def _drawn(self, wanted: dict[str, MapRequest], selection: Selection) -> Counter[Outcome]:
        """Pictures by key; where a file cannot be read, as many of them as can be drawn."""
        try:
            jobs = self._renderer.jobs(list(wanted.values()), selection)
        except SourceUnreadable:
            if len(wanted) == 1:
                return _counted("unreadable", 1)
            return sum((self._drawn({key: one}, selection) for key, one in wanted.items()), Counter())
        datetime = selection.datetime
        for key, encoded in zip(wanted, self._renderer.backend.draw(jobs), strict=True):
            kind = MEDIA_TYPES[encoded.format]
            image = Image(content=encoded.content, media_type=kind, empty=encoded.empty, datetime=datetime)
            self._cache.set(key, image.content, metadata_of(image))
        return _counted("drawn", len(wanted))


def _counted(outcome: Outcome, count: int) -> Counter[Outcome]:
    return Counter({outcome: count})
