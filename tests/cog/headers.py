"""What we say of files and what GDAL says of them."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck
from rasterio.transform import from_origin

from tests.cog.files import asset, write
from tileserver.cog import description, open_cog
from tileserver.gdal import describe
from tileserver.ports import Header

HYPOTHESIS = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


class Asked:
    """Counts how often GDAL is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        real = description._by_gdal

        def counted(*args: Any) -> description.Description:
            self.count += 1
            return real(*args)

        monkeypatch.setattr(description, "_by_gdal", counted)


def facts(header: Header) -> str:
    """All of it, so that NaN equals NaN and tags have no order."""
    parts = dataclasses.asdict(header)
    parts["tags"] = sorted(parts["tags"].items())
    return repr(parts)


def truth(path: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path) as dataset:
            return facts(describe(dataset))


def told(path: Path) -> str:
    return facts(open_cog(asset(path)).header)


def image(side: int = 150, bands: int = 1, dtype: str = "uint16") -> np.ndarray:
    return np.full((bands, side, side), 7, dtype)


def other(path: Path, **options: Any) -> Path:
    """Another file of a make: elsewhere and of another size."""
    profile = {"transform": from_origin(-123_456.789, 654_321.125, 20, 20), **options}
    bands, dtype = profile.pop("bands", 1), profile.pop("dtype", "uint16")
    side = profile.pop("side", 150 if profile.get("tiled") is False or profile.get("compress") == "jpeg" else 391)
    return write(path, image(side, bands, dtype), **profile)


def check(gdal: Asked, first: Path, second: Path, asked: int = 1) -> None:
    """Both are described as by GDAL, which is asked so often."""
    assert told(first) == truth(first)
    assert told(second) == truth(second)
    assert gdal.count == asked


def dress(path: Path, tags: dict[str, str], *, scale: float | None = None, bands: int = 1, **bands_say: Any) -> None:
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(**tags)
        if scale is not None:
            dataset.scales = [scale * (band + 1) for band in range(bands)]
            dataset.offsets = [-scale / 3] * bands
        for name, value in bands_say.items():
            setattr(dataset, name, value)
