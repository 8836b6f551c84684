"""Files that the fast path does not understand: GDAL opens each once for a picture, whatever bands are wanted of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from tests.cogs import ramp, write_cog
from tileserver import gdal
from tileserver.models import Asset, Band, Grid
from tileserver.reading import FastReader

TURNED = Affine.translation(500_000, 5_200_000) * Affine.rotation(10) * Affine.scale(20, -20)
GRID = Grid(crs="EPSG:32633", bounds=(501_000, 5_197_000, 503_560, 5_199_560), width=64, height=64)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What GDAL opened."""
    names: list[str] = []
    known = gdal.opened
    monkeypatch.setattr(gdal, "opened", lambda asset, **options: names.append(asset.key) or known(asset, **options))
    return names


def test_bands_of_one_file_are_read_together(tmp_path: Path, opened: list[str]) -> None:
    data = np.stack([ramp() + band for band in range(4)])
    assets = [Asset(key=key, href=str(write_cog(tmp_path / key, data, transform=TURNED))) for key in ("one", "other")]
    wanted = [(assets[which], Band(name=f"b{index}", index=index)) for which, index in ((0, 3), (1, 1), (0, 1), (1, 4))]
    reader = FastReader()
    assert all(reader.explain(asset) for asset in assets)
    opened.clear()
    together = reader.sources(wanted, GRID, "bilinear")
    assert opened == ["one", "other"]
    for each, source in zip(wanted, together, strict=True):
        [alone] = reader.sources([each], GRID, "bilinear")
        assert alone is not None
        assert source is not None
        np.testing.assert_array_equal(source.pixels, alone.pixels)
