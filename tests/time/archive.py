"""Small archives: files into a catalog, without the ingest that has its own tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import rasterio
import shapely
from rasterio.warp import transform_bounds, transform_geom

from tileserver.app import create_app, open_parts
from tileserver.models import Asset, Band, CloudMask, Collection, Item, LegendClass, Style
from tileserver.settings import Settings

_versions = count()
SCL = CloudMask(asset="SCL", values=(3, 8, 9, 10), cloud_values=(8, 9, 10))
STYLES = (
    Style(
        id="natural", titles={"en": "Natural colours", "cs": "Přirozené barvy"}, assets=("B04", "B03", "B02"), rescale=((0.0, 0.3),)
    ),
    Style(
        id="ndvi", titles={"en": "Plant health", "cs": "Zdraví rostlin"}, expert="NDVI", expression="(B08-B04)/(B08+B04)",
        rescale=((-0.2, 0.9),), colormap_name="rdylgn", marks=((0.0, {"en": "bare"}), (0.8, {"en": "dense"})),
    ),
    Style(
        id="classes", titles={"en": "Scene classes"}, assets=("SCL",),
        classes=(
            LegendClass(value=4, color=(0, 160, 0, 255), words={"en": "vegetation"}),
            LegendClass(value=8, color=(255, 255, 255, 255), words={"en": "cloud"}),
        ),
    ),
    Style(
        id="season", titles={"en": "Season"}, expression=";".join(["(B08-B04)/(B08+B04)"] * 3), rescale=((-0.2, 0.9),),
        reducers=("max", "mean", "min"), period_days=30, masked=True, resampling="nearest",
    ),
)  # fmt: skip


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def asset_of(key: str, path: Path) -> Asset:
    """An asset as ingest would describe it; a file that cannot be opened keeps its name only."""
    try:
        with rasterio.open(path) as dataset:
            bands = tuple(
                Band(
                    name=key if dataset.count == 1 else f"{key}_b{index}",
                    index=index,
                    dtype=dataset.dtypes[index - 1],
                    nodata=dataset.nodata,
                    scale=dataset.scales[index - 1],
                    offset=dataset.offsets[index - 1],
                )
                for index in dataset.indexes
            )
            crs, transform, shape = dataset.crs.to_string(), tuple(dataset.transform)[:6], dataset.shape
    except rasterio.errors.RasterioIOError:
        return Asset(key=key, href=str(path), bands=(Band(name=key),), version="broken")
    stat = path.stat()
    return Asset(
        key=key, href=str(path), bands=bands, crs=crs, transform=transform, shape=shape,
        version=f"{stat.st_size}-{stat.st_mtime_ns}",
    )  # fmt: skip


def item_of(collection: str, name: str, when: str | None, files: Mapping[str, Path], **more) -> Item:
    """An item whose footprint is the first readable file's outline."""
    assets = {key: asset_of(key, path) for key, path in files.items()}
    for path in files.values():
        try:
            with rasterio.open(path) as dataset:
                bbox = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds, densify_pts=21)
                outline = shapely.segmentize(shapely.box(*dataset.bounds), max(dataset.res) * max(dataset.shape) / 20)
                geometry = transform_geom(dataset.crs, "EPSG:4326", shapely.geometry.mapping(outline))
                break
        except rasterio.errors.RasterioIOError:
            continue
    return Item(
        id=name, collection=collection, datetime=moment(when) if when else None, assets=assets,
        **{"bbox": bbox, "geometry": geometry, "version": f"{name}-{next(_versions)}"} | more,
    )  # fmt: skip


def parts_of(folder: Path, **settings):
    """Real parts over an empty catalog."""
    return open_parts(
        Settings(catalog=f"sqlite:///{folder / 'catalog.db'}", cache_dir=folder / "cache", device="cpu", **settings)
    )


def app_of(parts):
    app = create_app(parts)
    app.state.parts = parts
    return app


def shared_archive(parts, data: Path, *names: str) -> None:
    """Series of the real imagery, as the catalog would hold them."""
    for series in json.loads((data / "series.json").read_text())["series"]:
        name = series["name"]
        if name not in names:
            continue
        masks = {"s2": SCL, "s2_ndvi": CloudMask(asset="CLM", values=(1,))}
        ndvi = Style(
            id="ndvi", titles={"en": "Plant health"}, assets=("NDVI",), rescale=((-0.2, 0.9),), colormap_name="rdylgn"
        )
        styles = (ndvi,) if name == "s2_ndvi" else STYLES[:3] if name == "s2" else STYLES[:2]
        parts.catalog.put_collection(
            Collection(id=name, title=name, styles=styles, mask=masks.get(name), attribution="Copernicus")
        )
        parts.catalog.put_items(
            item_of(
                name, scene["id"], scene.get("datetime") or scene["start_datetime"],
                {key: data / path for key, path in scene["assets"].items()},
                cloud_cover=scene.get("cloud_cover"),
            )
            for scene in series["scenes"]
        )  # fmt: skip
