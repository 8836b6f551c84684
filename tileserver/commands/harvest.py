"""`tileserver harvest`: register the items of an external STAC API."""

from __future__ import annotations

import sys

import click

from tileserver.commands.console import ConsoleReport
from tileserver.commands.options import catalog_of, catalog_option, parse_bbox, parse_interval, settings_with
from tileserver.ingest.api import search
from tileserver.ingest.stac import register
from tileserver.ingest.template import template


@click.command("harvest")
@click.argument("api_url")
@click.option("--collection", "collection_id", required=True, metavar="ID", help="The API's collection.")
@click.option("--bbox", default="", metavar="W,S,E,N", help="Only items that touch this box, in degrees.")
@click.option("--datetime", "interval", default="", metavar="TIME", help="2023, 2023-08-10, 2023-08-01/.. and so on.")
@click.option("--max-cloud", type=click.FloatRange(0, 100), help="Only items with at most so much cloud, in percent.")
@click.option("--template", "template_id", default="", metavar="NAME", help="What the imagery is; default: guessed.")
@catalog_option
def command(
    api_url: str,
    collection_id: str,
    bbox: str,
    interval: str,
    max_cloud: float | None,
    template_id: str,
    catalog_uri: str,
) -> None:
    """Register items of an external STAC API; their assets stay where they are."""
    if template_id:
        template(template_id)
    area, times = parse_bbox(bbox), parse_interval(interval)
    catalog = catalog_of(settings_with(catalog=catalog_uri))
    with ConsoleReport() as report:
        items = search(api_url, collection_id, report, bbox=area, interval=times, max_cloud=max_cloud)
        changed = register(catalog, collection_id, items, report, template_id=template_id)
    click.echo(f"{collection_id}: {changed} items new or changed, {len(report.skipped)} skipped.", err=True)
    sys.exit(1 if report.skipped else 0)
