"""The Reader that the house uses: the fast path where it understands a file, GDAL where it does not."""

from __future__ import annotations

from tileserver.gdal import GdalReader
from tileserver.ports import Reader
from tileserver.settings import Settings


def open_reader(settings: Settings) -> Reader:
    """The reader for an app."""
    del settings
    return GdalReader()
