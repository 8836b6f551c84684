"""`tileserver doctor`: what works, in plain words."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from tileserver.commands.options import catalog_option, catalog_uri_of, settings_with
from tileserver.errors import TileserverError
from tileserver.hrefs import is_remote
from tileserver.models import Collection
from tileserver.ports import Catalog, Header
from tileserver.settings import Settings

_CODECS = ("deflate", "lzw", "zstd", "lerc", "webp", "jpeg2k")
_ASSETS = 12
_MAX_FLAT = 1024
"""Width or height up to which a file is quick without overviews."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    ok: bool
    text: str
    needed: bool = True
    """Nothing works without it."""


@click.command("doctor")
@catalog_option
def command(catalog_uri: str) -> None:
    """Say what works: Python, GPU, codecs, catalog, and every collection's assets. Exit code 1: something does not."""
    settings = settings_with(catalog=catalog_uri)
    broken = 0
    for finding in findings(settings):
        sign = "ok  " if finding.ok else ("BAD " if finding.needed else "no  ")
        click.echo(f"{sign} {finding.text}")
        broken += not finding.ok and finding.needed
    sys.exit(1 if broken else 0)


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything that was looked at."""
    yield Finding(sys.version_info >= (3, 11), f"Python {platform.python_version()} on {platform.machine()}")
    yield from _devices(settings)
    yield from _codecs()
    yield from _catalog(settings)


def _devices(settings: Settings) -> Iterator[Finding]:
    from gpu.devices import why_no_cuda

    reason = why_no_cuda()
    wanted = settings.device == "cuda"
    if reason:
        yield Finding(False, f"GPU: {reason}; pictures are made by the processor", needed=wanted)
    else:
        yield Finding(True, "GPU: there is one, pictures are made on it")


def _codecs() -> Iterator[Finding]:
    import imagecodecs
    from rasterio.drivers import raster_driver_extensions

    there = [name for name in _CODECS if getattr(imagecodecs, name.upper()).available]
    yield Finding("deflate" in there, f"Codecs: {', '.join(there)}")
    readable = raster_driver_extensions()
    yield Finding("jp2" in readable, "JPEG 2000 (Sentinel-2 as delivered) can be read", needed=False)
    yield Finding(True, f"GDAL {_gdal()}, rio-tiler {importlib.metadata.version('rio-tiler')}")


def _gdal() -> str:
    import rasterio

    return str(rasterio.__gdal_version__)


def _catalog(settings: Settings) -> Iterator[Finding]:
    from tileserver.catalog import open_catalog

    try:
        catalog = open_catalog(catalog_uri_of(settings))
    except TileserverError as error:
        yield Finding(False, f"Catalog: {error.detail}")
        return
    collections = catalog.collections()
    yield Finding(True, f"Catalog: {catalog.uri}, {len(collections)} collections")
    if not collections:
        yield Finding(False, "It is empty; `tileserver serve FOLDER` needs none, `ingest` fills it", needed=False)
    for collection in collections:
        yield from _collection(catalog, collection, settings)
    catalog.close()


def _collection(catalog: Catalog, collection: Collection, settings: Settings) -> Iterator[Finding]:
    from tileserver.reading import open_reader

    reader = open_reader(settings)
    count = catalog.count(collection.id)
    styles = len(collection.styles)
    yield Finding(count > 0, f"{collection.id}: {count} items, {styles} styles, template {collection.template}")
    seen: set[str] = set()
    for item in catalog.items(collection.id, limit=_ASSETS):
        for asset in item.assets.values():
            # One of each kind is enough; lone files are all of their own kind.
            if asset.key in seen and asset.key != "data":
                continue
            seen.add(asset.key)
            where = "remote" if is_remote(asset.href) else "local"
            try:
                header = reader.header(asset)
                how = _how(reader, asset)
                size = f"{header.width} x {header.height}, {header.dtype}"
                yield Finding(True, f"  {item.id} / {asset.key}: {size}, {where}{how}")
                if advice := _advice(header):
                    yield Finding(False, f"  {item.id} / {asset.key}: {advice}", needed=False)
            except TileserverError as error:
                yield Finding(False, f"  {item.id} / {asset.key}: {error.detail}")


def _advice(header: Header) -> str:
    """What would make a file quicker."""
    pixels = header.width * header.height
    if header.overviews or max(header.width, header.height) <= _MAX_FLAT:
        return ""
    return (
        f"has no overviews: from far away a tile reads all of its {pixels / 1e6:,.0f} million pixels, "
        f"{pixels // 256**2:,} times its own, and much memory if it is smoothed. "
        "`gdaladdo -r average FILE` adds them, `rio cogeo create FILE COPY` makes a COG that has them"
    )


def _how(reader: Any, asset: Any) -> str:
    explain = getattr(reader, "explain", None)
    if explain is None:
        return ""
    reason = explain(asset)
    return f", read by GDAL ({reason})" if reason else ", fast path"
