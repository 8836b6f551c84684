"""What all sections share: the archive, the ports, how long to measure."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import granule
from benchmarks.peers import titiler
from benchmarks.server import PYTHON, ROOT, TILESERVER, Server, uvicorn
from benchmarks.workloads import COLLECTION, COLOUR, DATE

COLD = {"TILESERVER_BLOCK_CACHE_BYTES": "0", "TILESERVER_TILE_CACHE_BYTES": "0"}
BLOCKS = {"TILESERVER_TILE_CACHE_BYTES": "0"}
SOME_BLOCKS = {**BLOCKS, "TILESERVER_BLOCK_CACHE_BYTES": str(192 << 20)}
"""Room for all that is panned over, and for less than half of what fills it before."""
ALL: dict[str, str] = {}
STYLE = "rgb"
_COLLECTION = {
    "type": "Collection",
    "stac_version": "1.0.0",
    "id": COLLECTION,
    "description": "A synthetic granule",
    "license": "other",
    "renders": {STYLE: {"assets": [*granule.RGB], "rescale": [[0, 0.3]], "resampling": "nearest"}},
}


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A run."""

    data: Path
    side: int
    rounds: int
    port: int
    minutes: float
    """Of load in the memory section."""
    items: int
    """Of the catalog section."""
    database: str
    """Catalog of the catalog section; empty: SQLite."""

    @property
    def folder(self) -> Path:
        """Everything that belongs to granules of this size."""
        return self.data / str(self.side)

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def bands(self) -> Path:
        """The granule's band files."""
        return self.archive / COLLECTION / DATE

    @property
    def catalog(self) -> str:
        """URI of the archive's catalog."""
        return f"sqlite:///{self.folder / 'catalog.db'}"

    def prepare(self) -> None:
        """Write what is not there yet, and register the archive anew: the catalog's form may have changed."""
        subprocess.run([PYTHON, "-m", "gpu.cpu"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        granule.write(self.bands, self.side)
        granule.write_rgb(self.archive / COLOUR / f"{DATE}.tif", self.bands)
        (self.archive / COLLECTION / "collection.json").write_text(json.dumps(_COLLECTION))
        for path in self.folder.glob("catalog.db*"):
            path.unlink()
        for name in (COLLECTION, COLOUR):
            self.ingest(self.archive / name, name)

    def ingest(self, source: Path, collection: str, environment: Mapping[str, str] | None = None) -> None:
        """Register files in the catalog."""
        self.tileserver(
            "ingest", str(source), "--collection", collection, "--catalog", self.catalog, **(environment or {})
        )

    def scratch(self, name: str) -> Path:
        """An empty folder."""
        folder = self.folder / "scratch" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def tileserver(self, *arguments: str, **environment: str) -> float:
        """Run a command of ours to its end; CPU seconds that it took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [*TILESERVER, *arguments],
            check=True,
            cwd=ROOT,
            env={**os.environ, **self._environment(), **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def ours(
        self, settings: Mapping[str, str], *options: str, slot: int = 1, folder: str = "", first: str = "/healthz"
    ) -> Server:
        """Our server over the catalog, or over a folder."""
        port = self.port + slot
        what = [folder] if folder else ["--catalog", self.catalog]
        command = [*TILESERVER, "serve", *what, "--port", str(port), *options]
        return Server(command, port, {**self._environment(), **settings}, first)

    def titiler(self, *options: str, slot: int = 0, first: str = "/healthz", **settings: str) -> Server:
        """Stock TiTiler with one task thread."""
        port = self.port + slot
        command = uvicorn("benchmarks.peers.titiler:app", port, *options)
        return Server(command, port, {**titiler.SETTINGS, **settings}, first)

    def _environment(self) -> dict[str, str]:
        return {"TILESERVER_DEVICE": "cpu", "TILESERVER_CACHE_DIR": str(self.folder / "scratch" / "cache")}
