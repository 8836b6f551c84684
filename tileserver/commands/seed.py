"""`tileserver seed`: a whole pyramid of tiles, rendered before anybody asks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, cast

import click
import mercantile
from rich.console import Console
from rich.progress import track

from gpu.backend import Format, Job
from tileserver.cache import DiskCache, metadata_of
from tileserver.catalog.extents import halves
from tileserver.commands.options import catalog_option, settings_with
from tileserver.engine import open_engine
from tileserver.errors import InvalidParameter, NotFound, SourceUnreadable
from tileserver.mercator import mercator_tile
from tileserver.models import Bbox, Collection, Image, Style
from tileserver.pipeline import in_order
from tileserver.render import MEDIA_TYPES, MapRequest, Renderer
from tileserver.selection import Selection
from tileserver.times import parse_time

_BATCH = 64
_BUDGET = 16 << 30
_MAX_ZOOM = 22
_LATITUDE = 85.0511287
Outcome = Literal["drawn", "there", "empty", "unreadable"]


@click.command("seed")
@click.argument("collection_id", metavar="COLLECTION")
@click.option("--style", "style_id", required=True, metavar="S", help="Style to draw.")
@click.option("--datetime", "time", default="latest", show_default=True, metavar="TIME", help="As in tile addresses.")
@click.option("--zooms", default="", metavar="A-B", help="Default: from the whole in one tile to native resolution.")
@click.option(
    "--format", "formats", multiple=True, default=("auto",), show_default=True,
    type=click.Choice(["auto", "jpg", "png", "webp"]),
    help="May be given several times; auto: as the viewer asks, without suffix.",
)  # fmt: skip
@click.option("--scale", default=1, show_default=True, type=click.IntRange(1, 2), help="2: tiles @2x.")
@catalog_option
def command(
    collection_id: str, style_id: str, time: str, zooms: str, formats: tuple[str, ...], scale: int, catalog_uri: str
) -> None:
    """Render all tiles of a style into the disk cache, in batches. Run it again to go on where it stopped."""
    given = settings_with(catalog=catalog_uri)
    settings = given if given.tile_cache_dir_bytes else given.model_copy(update={"tile_cache_dir_bytes": _BUDGET})
    engine = open_engine(settings, warm=False)
    disk = DiskCache.of(settings)
    collection = engine.catalog.collection(collection_id)
    style = next((one for one in collection.styles if one.id == style_id), None)
    if style is None:
        raise NotFound("style", style_id, [one.id for one in collection.styles])
    template = _request(collection, style, time)
    tiles = list(pyramid(collection.bbox, parse_zooms(zooms, collection)))
    console = Console(stderr=True, highlight=False)
    seeder = Seeder(engine.renderer, disk)
    wanted = [request_for(template, tile, 256 * scale, form) for form in formats for tile in tiles]
    batches = [wanted[start : start + _BATCH] for start in range(0, len(wanted), _BATCH)]
    counts: Counter[Outcome] = Counter()
    threads = os.cpu_count() or 2
    with ThreadPoolExecutor(threads, "seed") as pool:
        outcomes = in_order(pool, seeder.draw, batches, ahead=2 * threads)
        told = f"Rendering {len(wanted)} tiles"
        for outcome in track(outcomes, told, total=len(batches), console=console, transient=True):
            counts.update(outcome)
    console.print(
        f"{counts['drawn']} tiles drawn, {counts['there']} were there, {counts['empty']} have no image, "
        f"{counts['unreadable']} could not be read."
    )
    if not given.tile_cache_dir_bytes:
        console.print(f"Serve them with TILESERVER_TILE_CACHE_DIR_BYTES={_BUDGET}.")
    raise SystemExit(1 if counts["unreadable"] else 0)


def _request(collection: Collection, style: Style, time: str) -> MapRequest:
    grid, bbox = mercator_tile(0, 0, 0, 256)
    return MapRequest(collection=collection, style=style, time=parse_time(time, "--datetime"), grid=grid, bbox=bbox)


def request_for(template: MapRequest, tile: mercantile.Tile, size: int, form: str) -> MapRequest:
    """One tile of the pyramid as the server would be asked for it."""
    grid, bbox = mercator_tile(tile.z, tile.x, tile.y, size)
    return replace(template, grid=grid, bbox=bbox, format=cast("Format", form))


def parse_zooms(text: str, collection: Collection) -> range:
    """`5-12` or `9`; by default from the zoom where the collection fits a tile."""
    if not text:
        west, south, east, north = collection.bbox
        span = max((east - west) % 360 or 360, 2 * (north - south))
        first = next((zoom for zoom in range(_MAX_ZOOM) if 360 / 2**zoom < span), _MAX_ZOOM)
        return range(max(0, min(first - 1, collection.maxzoom)), collection.maxzoom + 1)
    first_text, _, last_text = text.partition("-")
    try:
        first, last = int(first_text), int(last_text or first_text)
    except ValueError as error:
        raise InvalidParameter("--zooms", text, "a-b, for example 5-12") from error
    if not 0 <= first <= last <= _MAX_ZOOM:
        raise InvalidParameter("--zooms", text, f"a-b from 0 to {_MAX_ZOOM}")
    return range(first, last + 1)


def pyramid(bbox: Bbox, zooms: range) -> Iterator[mercantile.Tile]:
    """All Web Mercator tiles over a box, zoom by zoom from the coarsest.

    The last two zooms come together, each tile before the four below it: both often show the same blocks of a file.
    """
    for zoom in zooms[:-2]:
        yield from _level(bbox, zoom)
    if len(zooms) < 2:
        yield from (tile for zoom in zooms for tile in _level(bbox, zoom))
        return
    finest = set(_level(bbox, zooms[-1]))
    for tile in _level(bbox, zooms[-2]):
        yield tile
        yield from (child for child in mercantile.children(tile) if child in finest)


def _level(bbox: Bbox, zoom: int) -> list[mercantile.Tile]:
    """The tiles of one zoom, each once, also where both sides of the antimeridian are in one."""
    west, south, east, north = bbox
    south, north = max(south, -_LATITUDE), min(north, _LATITUDE)
    if south >= north:
        return []
    sides = (mercantile.tiles(left, south, right, north, [zoom]) for left, right in halves((west, east)))
    return list(dict.fromkeys(tile for side in sides for tile in side))


@dataclass(frozen=True, slots=True)
class _Ready:
    """A tile about to be drawn."""

    key: str
    job: Job
    selection: Selection


class Seeder:
    """Draws batches of tiles into a cache."""

    def __init__(self, renderer: Renderer, cache: DiskCache) -> None:
        self._renderer = renderer
        self._cache = cache

    def draw(self, batch: Sequence[MapRequest]) -> list[Outcome]:
        """What became of each tile. Thread-safe."""
        prepared = [self._prepare(request) for request in batch]
        ready = [one for one in prepared if isinstance(one, _Ready)]
        # All that a batch needs goes to the device at once.
        drawn = self._renderer.backend.draw([one.job for one in ready]) if ready else []
        for one, encoded in zip(ready, drawn, strict=True):
            image = Image(
                content=encoded.content,
                media_type=MEDIA_TYPES[encoded.format],
                empty=encoded.empty,
                datetime=one.selection.datetime,
                exact=one.selection.exact,
            )
            self._cache.set(one.key, image.content, metadata_of(image))
        return ["drawn" if isinstance(one, _Ready) else one for one in prepared]

    def _prepare(self, request: MapRequest) -> _Ready | Outcome:
        selection = self._renderer.select(request)
        if not selection.items:
            return "empty"
        key = self._renderer.key(request, selection)
        if self._cache.has(key):
            return "there"
        try:
            return _Ready(key, self._renderer.job(request, selection), selection)
        except SourceUnreadable:
            return "unreadable"
