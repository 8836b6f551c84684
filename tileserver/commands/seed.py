"""`tileserver seed`: a whole pyramid of tiles, rendered before anybody asks."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import cast

import click
import mercantile
from rich.console import Console
from rich.progress import track

from gpu.backend import Format
from tileserver.cache import DiskCache
from tileserver.catalog.extents import halves
from tileserver.commands.options import catalog_option, settings_with
from tileserver.cores import cores
from tileserver.engine import open_engine
from tileserver.errors import InvalidParameter, NotFound
from tileserver.mercator import mercator_tile
from tileserver.models import Bbox, Collection, Style
from tileserver.pipeline import in_order
from tileserver.render import MapRequest
from tileserver.seeder import Outcome, Seeder
from tileserver.settings import Settings
from tileserver.times import parse_time

_SQUARE = 3
"""Zooms between a square and its finest tiles: 8 x 8 of them."""
_BUDGET = 16 << 30
_BLOCKS = 256 << 20
"""Neighbours follow each other, so blocks are soon of no use; memory that is new is dearer than the few lost."""
_MAX_ZOOM = 22
_LATITUDE = 85.0511287


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
    settings = _for_squares(given)
    engine = open_engine(settings, warm=False)
    disk = DiskCache.of(settings)
    revision = engine.catalog.revision(collection_id)
    collection = engine.catalog.collection(collection_id)
    style = next((one for one in collection.styles if one.id == style_id), None)
    if style is None:
        raise NotFound("style", style_id, [one.id for one in collection.styles])
    template = replace(_request(collection, style, time), revision=revision)
    found = list(squares(collection.bbox, parse_zooms(zooms, collection)))
    console = Console(stderr=True, highlight=False)
    seeder = Seeder(engine.renderer, disk)

    def draw(tiles: Sequence[mercantile.Tile]) -> Counter[Outcome]:
        return seeder.draw([request_for(template, tile, 256 * scale, form) for tile in tiles for form in formats])

    counts: Counter[Outcome] = Counter()
    threads = cores()
    gc.freeze()  # what was loaded stays
    with ThreadPoolExecutor(threads, "seed") as pool:
        outcomes = in_order(pool, draw, found, ahead=2 * threads)
        told = f"Rendering {len(formats) * sum(map(len, found))} tiles"
        for outcome in track(outcomes, told, total=len(found), console=console, transient=True):
            counts += outcome
    console.print(
        f"{counts['drawn']} tiles drawn, {counts['there']} were there, {counts['empty']} have no image, "
        f"{counts['unreadable']} could not be read."
    )
    if not given.tile_cache_dir_bytes:
        console.print(f"Serve them with TILESERVER_TILE_CACHE_DIR_BYTES={_BUDGET}.")
    raise SystemExit(1 if counts["unreadable"] else 0)


def _for_squares(given: Settings) -> Settings:
    """The settings with what the operator left open."""
    wanted = {"tile_cache_dir_bytes": _BUDGET} if not given.tile_cache_dir_bytes else {}
    if "block_cache_bytes" not in given.model_fields_set:
        wanted["block_cache_bytes"] = _BLOCKS
    return given.model_copy(update=wanted)


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


def squares(bbox: Bbox, zooms: range) -> Iterator[list[mercantile.Tile]]:
    """All Web Mercator tiles over a box in squares of neighbours, from the coarsest zoom to the finest.

    The last two zooms come together, each tile before the four below it: both often show the same blocks of a file.
    Squares follow each other as the quarters of larger ones, so that blocks at their edges are still there.
    """
    for together in [[zoom] for zoom in zooms[:-2]] + [list(zooms[-2:])]:
        tiles = {mercantile.quadkey(tile): tile for zoom in together for tile in _level(bbox, zoom)}
        digits = max(0, max(together, default=0) - _SQUARE)
        for _, square in groupby(sorted(tiles), key=itemgetter(slice(digits))):
            yield [tiles[key] for key in square]


def _level(bbox: Bbox, zoom: int) -> list[mercantile.Tile]:
    """The tiles of one zoom, each once, also where both sides of the antimeridian are in one."""
    west, south, east, north = bbox
    south, north = max(south, -_LATITUDE), min(north, _LATITUDE)
    if south >= north:
        return []
    sides = (mercantile.tiles(left, south, right, north, [zoom]) for left, right in halves((west, east)))
    return list(dict.fromkeys(tile for side in sides for tile in side))
