"""`tileserver ingest`: register imagery in a catalog."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from tileserver.commands.console import ConsoleReport
from tileserver.commands.options import Refused, catalog_of, catalog_option, catalog_uri_of, existing, settings_with
from tileserver.ingest.convert import Converter, folder_name
from tileserver.ingest.layout import slug
from tileserver.ingest.report import Report
from tileserver.ingest.scan import scan_one
from tileserver.ingest.stac import is_stac, read_static, register
from tileserver.ingest.sync import Sync
from tileserver.ingest.template import template
from tileserver.ingest.watch import Watcher
from tileserver.ports import Catalog
from tileserver.settings import Settings


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--collection", "collection_id", required=True, metavar="ID", help="Where the items go.")
@click.option("--template", "template_id", default="", metavar="NAME", help="What the imagery is; default: guessed.")
@catalog_option
@click.option("--watch", is_flag=True, help="Stay and follow changes.")
def command(paths: tuple[str, ...], collection_id: str, template_id: str, catalog_uri: str, watch: bool) -> None:  # noqa: FBT001
    """Register rasters, STAC Items, static STAC catalogs and Sentinel-2 SAFE folders.

    What is no Cloud Optimized GeoTIFF becomes one beside the catalog. The same input gives the same items. Exit code
    1 says that some files were skipped.
    """
    sources = existing(paths)
    if slug(collection_id) != collection_id:
        raise Refused(f"'{collection_id}' is no collection id; letters, digits, '_', '.' and '-' are allowed.")
    if template_id:
        template(template_id)
    settings = settings_with(catalog=catalog_uri)
    catalog = catalog_of(settings)
    with ConsoleReport() as report:
        ingest = Ingest(catalog, sources, collection_id, template_id, settings, report)
        ingest.refresh()
    for name, (items, changed, removed) in report.collections.items():
        if not changed and not removed:
            click.echo(f"{name}: {items} items, nothing new.", err=True)
    if report.skipped:
        click.echo(f"{len(report.skipped)} skipped.", err=True)
    if watch:
        click.echo("Watching. Stop with Ctrl+C.", err=True)
        watcher = Watcher(sources, ingest.refresh, settings.rescan_seconds)
        try:
            watcher.run()
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
    sys.exit(1 if report.skipped else 0)


def cogs_folder(settings: Settings) -> Path:
    """Where made COGs live as long as the catalog that lists them."""
    if settings.cogs_dir:
        return settings.cogs_dir
    uri = catalog_uri_of(settings)
    if uri.startswith("sqlite:///"):
        return Path(uri.removeprefix("sqlite:///")).resolve().parent / "cogs"
    return settings.scratch() / "cogs"


class Ingest:
    """Sources that are put into one collection, again and again."""

    def __init__(
        self,
        catalog: Catalog,
        sources: Sequence[Path],
        collection_id: str,
        template_id: str,
        settings: Settings,
        report: Report,
    ) -> None:
        self._catalog = catalog
        self._sources = sources
        self._collection = collection_id
        self._template = template_id
        self._cogs = cogs_folder(settings) / slug(collection_id)
        self._report = report
        self._rejected: dict[tuple[str, str], str] = {}

    def refresh(self) -> bool:
        """Read what is new; True if anything changed."""
        changed = [self._one(source) for source in self._sources]
        return any(changed)

    def _one(self, source: Path) -> bool:
        if is_stac(source):
            self._report.begin(source.name, 0)
            documents = read_static(source, self._report)
            changed = register(self._catalog, self._collection, documents, self._report, template_id=self._template)
            return changed > 0
        found = replace(scan_one(source), id=self._collection)
        if source.is_dir() and not found.files and not found.safes:
            self._report.skip(str(source), "There is nothing to draw in it.")
        sync = Sync(
            self._catalog,
            found,
            self._report,
            self._rejected,
            template_id=self._template,
            converter=Converter(self._cogs / folder_name(found.scope)),
            shared=True,
        )
        return sync.run()
