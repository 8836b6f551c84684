"""Options that several commands share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from tileserver.catalog import open_catalog
from tileserver.errors import InvalidParameter
from tileserver.models import Bbox
from tileserver.ports import Catalog
from tileserver.settings import Settings
from tileserver.times import parse_time

catalog_option = click.option(
    "--catalog",
    "catalog_uri",
    default="",
    metavar="URI",
    help="sqlite:///relative, sqlite:////absolute or postgresql://…; default: TILESERVER_CATALOG, else one in "
    "the cache folder.",
)


class Refused(click.ClickException):
    """What was asked cannot be done; one sentence."""

    exit_code = 2

    def show(self, file: object = None) -> None:  # noqa: ARG002
        click.echo(f"tileserver: {self.message}", err=True)


def settings_with(**changes: object) -> Settings:
    """The settings of the environment with what the command line says instead; empty values say nothing."""
    return Settings(**{key: value for key, value in changes.items() if value not in (None, "")})  # type: ignore[arg-type]


def catalog_uri_of(settings: Settings) -> str:
    """The catalog's address, by default one in the cache folder."""
    return settings.catalog or f"sqlite:///{settings.scratch() / 'catalog.db'}"


def catalog_of(settings: Settings) -> Catalog:
    return open_catalog(catalog_uri_of(settings))


def existing(paths: tuple[str, ...]) -> list[Path]:
    """Paths that exist; the first that does not is an error."""
    found = [Path(path).expanduser() for path in paths]
    for path in found:
        if not path.exists():
            raise Refused(f"There is no file or folder '{path}'.")
    return found


def parse_bbox(text: str) -> Bbox | None:
    """`west,south,east,north` in degrees."""
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidParameter("--bbox", text, "west,south,east,north in degrees") from error
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90):
        raise InvalidParameter("--bbox", text, "west,south,east,north in degrees, south below north")
    return west, south, east, north


def parse_interval(text: str) -> tuple[datetime | None, datetime | None] | None:
    """`2023`, `2023-08/2023-09`, `2023-08-10/..`."""
    if not text:
        return None
    time = parse_time(text, name="--datetime")
    return time.start, time.end
