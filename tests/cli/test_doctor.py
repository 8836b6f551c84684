"""`tileserver doctor` names what is slow, and how to make it quick."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.cogs import write_cog
from tileserver.commands import doctor, ingest


@pytest.mark.parametrize(
    ("overviews", "side", "named"), [("NONE", 1500, True), ("AUTO", 1500, False), ("NONE", 900, False)]
)
def test_files_without_overviews(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overviews: str, side: int, *, named: bool
) -> None:
    monkeypatch.setenv("TILESERVER_CACHE_DIR", str(tmp_path / "cache"))
    path = write_cog(tmp_path / "flat.tif", np.ones((side, side), np.uint8), overviews=overviews)
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "one", "links": [], "bbox": [15.0, 46.6, 15.4, 47.0],
        "geometry": {
            "type": "Polygon", "coordinates": [[[15, 46.6], [15.4, 46.6], [15.4, 47], [15, 47], [15, 46.6]]],
        },
        "properties": {"datetime": "2024-05-01T00:00:00Z"},
        "assets": {"data": {"href": str(path), "type": "image/tiff; application=geotiff", "roles": ["data"]}},
    }  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(item))
    catalog = ["--catalog", f"sqlite:///{tmp_path}/c.db"]
    taken = CliRunner().invoke(ingest.command, [str(tmp_path / "one.json"), "--collection", "flat", *catalog])
    assert taken.exit_code == 0, taken.output
    said = CliRunner().invoke(doctor.command, catalog)
    assert said.exit_code == 0, said.output
    lines = [line for line in said.output.splitlines() if "no overviews" in line]
    assert len(lines) == named
    if named:
        assert lines[0].startswith("no     one / data: has no overviews")
        assert "2 million pixels, 34 times" in lines[0]
        assert "gdaladdo" in lines[0]
