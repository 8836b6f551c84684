"""Coordinate reference systems by their names: are two one, and where points of one lie in another."""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np
import pyproj
import pyproj.exceptions
from numpy.typing import NDArray
from rasterio.crs import CRS

from tileserver.errors import SourceUnreadable

Floats = NDArray[np.float64]

UNDRAWABLE = "The file cannot be drawn in this coordinate reference system."
_threads = threading.local()


@lru_cache(256)
def parsed(crs: str) -> CRS:
    """A CRS as rasterio has it."""
    return CRS.from_user_input(crs)


@lru_cache(1024)
def same_crs(one: str, other: str) -> bool:
    """Do two names mean one CRS."""
    return one == other or bool(parsed(one) == parsed(other))


@lru_cache(256)
def is_geographic(crs: str) -> bool:
    """Are its coordinates degrees."""
    return bool(parsed(crs).is_geographic)


def project(source: str, target: str, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Points of one CRS in another, x before y; infinite where there is no place."""
    # PROJ objects are not thread-safe
    known: dict[tuple[str, str], pyproj.Transformer] = _threads.__dict__.setdefault("transformers", {})
    transformer = known.get((source, target))
    if transformer is None:
        if len(known) > 64:
            known.clear()
        try:
            transformer = known[source, target] = pyproj.Transformer.from_crs(source, target, always_xy=True)
        except pyproj.exceptions.ProjError as error:
            raise SourceUnreadable(UNDRAWABLE) from error
    xs, ys = transformer.transform(x, y)
    return np.asarray(xs), np.asarray(ys)
