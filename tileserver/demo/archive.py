"""The demo archive on disk: made beside its place, then moved there, so that it is whole or not there."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tileserver.demo.collections import DEM, LAND_COVER, SENTINEL, collections
from tileserver.demo.cover import COLORS, land_cover
from tileserver.demo.landscape import Landscape, make_landscape
from tileserver.demo.passes import CALENDAR, Pass
from tileserver.demo.picture import take
from tileserver.demo.rasters import Layer, stored, write
from tileserver.demo.spectra import BANDS
from tileserver.demo.terrain import SIDE

VERSION = 3
"""Another number makes existing archives be built anew."""

STAMP = ".tilescope-demo.json"

OVERLAP = 1200.0
"""Metres that the two tiles share."""

FINE = ("B02", "B03", "B04", "B08")
COARSE = ("B11", "B12")

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How much is made. Only tests make less."""

    pixel: float = 10.0
    """Metres; the coarse bands have twice that."""
    passes: tuple[Pass, ...] = CALENDAR
    workers: int = 2

    def tiles(self) -> dict[str, slice]:
        """The columns of each tile, by its name."""
        size, half = round(SIDE / self.pixel), round(OVERLAP / 2 / self.pixel / 2) * 2
        return {"T33XVR": slice(0, size // 2 + half), "T33XWR": slice(size // 2 - half, size)}


def is_complete(folder: Path) -> bool:
    """Is there a whole archive of this version?"""
    try:
        stamp = json.loads((folder / STAMP).read_bytes())
    except (OSError, ValueError):
        return False
    names = (SENTINEL, LAND_COVER, DEM)
    return stamp == {"version": VERSION} and all((folder / name / "collection.json").exists() for name in names)


def make_demo(folder: Path, *, progress: Progress | None = None, scene: Scene | None = None) -> Path:
    """Make the archive in `folder` unless it is there; returns the folder.

    Args:
        folder: other things in it are left alone.
        progress: told of each step.
        scene: the whole one without it.
    """
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if not is_complete(folder):
            _make(folder, progress or (lambda _text, _share: None), scene or Scene())
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Whoever comes second waits and finds the work done."""
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path, progress: Progress, scene: Scene) -> None:
    building = folder.parent / f".{folder.name}.building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        _fill(building, progress, scene)
        folder.mkdir(exist_ok=True)
        (folder / STAMP).unlink(missing_ok=True)
        for part in building.iterdir():
            shutil.rmtree(folder / part.name, ignore_errors=True)
            part.rename(folder / part.name)
        (folder / STAMP).write_text(json.dumps({"version": VERSION}))
    finally:
        shutil.rmtree(building, ignore_errors=True)
    progress("The demo archive is ready", 1.0)


def _fill(building: Path, progress: Progress, scene: Scene) -> None:
    land = make_landscape(scene.pixel, progress)
    first, last = (str(visit.day) for visit in (scene.passes[0], scene.passes[-1]))
    for name, text in collections(first, last).items():
        (building / name).mkdir()
        (building / name / "collection.json").write_text(json.dumps(text, indent=2))
    with ThreadPoolExecutor(scene.workers) as pool:
        work = [pool.submit(_write_pass, building / SENTINEL, land, visit, scene) for visit in scene.passes]
        work += [pool.submit(_write_cover, building / LAND_COVER, land, year, scene) for year in _years(scene)]
        work.append(pool.submit(_write_heights, building / DEM, land, scene))
        try:
            for done, job in enumerate(as_completed(work), start=1):
                progress(job.result(), 0.2 + 0.79 * done / len(work))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _years(scene: Scene) -> list[int]:
    return sorted({visit.day.year for visit in scene.passes})


def _write_pass(folder: Path, land: Landscape, visit: Pass, scene: Scene) -> str:
    """Both tiles of one day."""
    picture = take(land, visit)
    for tile, columns in scene.tiles().items():
        if visit.tiles == "east" and tile != "T33XWR":
            continue
        place = folder / tile / str(visit.day)
        place.mkdir(parents=True)
        half = slice(columns.start // 2, columns.stop // 2)
        seen = _swath(land.terrain.shape, visit, tile)[:, columns]
        for name in FINE:
            data = stored(picture.bands[BANDS.index(name), :, columns].copy()) * seen
            write(place / f"{name}.tif", _reflectance(name, data, scene.pixel, columns.start))
        for name in COARSE:
            data = stored(_halved(picture.bands[BANDS.index(name), :, columns])) * seen[::2, ::2]
            write(place / f"{name}.tif", _reflectance(name, data, 2 * scene.pixel, half.start))
        classes = picture.classes[:, half] * seen[::2, ::2]
        write(
            place / "SCL.tif",
            Layer(data=classes, pixel=2 * scene.pixel, left=half.start, nodata=0, description="SCL", classes=True),
        )
    return f"Picture of {visit.day}"


def _reflectance(name: str, data: NDArray[np.uint16], pixel: float, left: int) -> Layer:
    return Layer(data=data, pixel=pixel, left=left, nodata=0, description=name, scale=0.0001, offset=-0.1, unit="1")


def _halved(band: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2 x 2 pixels."""
    height, width = band.shape
    return band.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3), dtype=np.float32)


def _swath(shape: tuple[int, int], visit: Pass, tile: str) -> NDArray[np.bool_]:
    """True where the satellite looked; its swath ends along a slanting line, in steps of the 20 m pixels."""
    if not (visit.swath and tile == "T33XVR"):
        return np.ones(shape, bool)
    row, col = np.mgrid[: shape[0], : shape[1]] // 2 * 2
    return np.asarray(col > 0.27 * shape[1] - 0.21 * row)


def _write_cover(folder: Path, land: Landscape, year: int, scene: Scene) -> str:
    data = land_cover(land, year)
    layer = Layer(
        data=data,
        pixel=scene.pixel,
        nodata=0,
        description="land cover",
        classes=True,
        colors={0: (0, 0, 0, 0), **COLORS},
    )
    write(folder / f"{year}.tif", layer)
    return f"Land cover of {year}"


def _write_heights(folder: Path, land: Landscape, scene: Scene) -> str:
    data = np.round(land.terrain.height * 32) / 32
    write(
        folder / "dem.tif",
        Layer(data=data.astype(np.float32), pixel=scene.pixel, nodata=-9999, description="height", unit="m"),
    )
    return "Heights"
