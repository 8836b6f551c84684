"""`/collections/{c}/coverage`: raw or computed values of an area as a Cloud Optimized GeoTIFF."""

from __future__ import annotations

import tempfile
from pathlib import Path
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from gpu.expression import ExpressionError, parse
from tileserver.api.parts import Parts
from tileserver.api.queries import flag, lonlat_bbox, number, reducer
from tileserver.bands import band_names, require_bands
from tileserver.best import Clearest
from tileserver.coverage import CoverageRequest, Coverages
from tileserver.errors import InvalidParameter, Overloaded
from tileserver.geotiff import MEDIA_TYPE
from tileserver.models import Collection, Style, spelled
from tileserver.times import parse_time

Text = Annotated[str | None, Query()]
FORMATS = {"tif", "tiff", "geotiff", "cog", "image/tiff", MEDIA_TYPE}
_AT_ONCE = 2
"""Coverages made at the same time: each may hold the whole pixel budget."""
_PATIENCE_SECONDS = 20


def router(parts: Parts) -> APIRouter:
    """The one route."""
    coverages = Coverages(parts.renderer, Clearest(parts.catalog, parts.survey))
    room = BoundedSemaphore(_AT_ONCE)
    routes = APIRouter(tags=["Values"])

    @routes.get(
        "/collections/{collection_id}/coverage",
        summary="Values of an area as a GeoTIFF",
        response_class=Response,
        responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def coverage(
        collection_id: str,
        bbox: Text = None,
        properties: Text = None,
        expression: Text = None,
        datetime: Text = None,
        f: Text = None,
        reducer: Text = None,
        strict: Text = None,
        scale_factor: Annotated[str | None, Query(alias="scale-factor")] = None,
    ) -> Response:
        """Stored values with their type, scale, offset, nodata and colour table, on the file's own pixels.

        `expression` gives physical values as float32, `reducer` too; `scale-factor=4` pixels four times as wide.
        """
        collection = parts.catalog.collection(collection_id)
        if f and f.lower() not in FORMATS:
            raise InvalidParameter("f", f, "tif")
        names = _names(parts, collection, properties)
        wanted = CoverageRequest(
            collection=collection,
            time=parse_time(datetime or "latest"),
            bbox=lonlat_bbox(bbox),
            bands=names,
            computed=_computed(parts, collection, names, expression, reduced=bool(reducer)),
            reducer=_reducer(reducer),
            strict=flag(strict, "strict", default=False),
            coarser=number(scale_factor, "scale-factor", 1, 4096) if scale_factor else 1.0,
        )
        if not room.acquire(timeout=_PATIENCE_SECONDS):
            raise Overloaded("Too many coverages are being made.", retry_after=10)
        with tempfile.NamedTemporaryFile(suffix=".tif", dir=parts.settings.scratch(), delete=False) as file:
            path = Path(file.name)
        try:
            selection = coverages.write(wanted, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            room.release()
        headers = {"Cache-Control": "no-cache", "X-Tile-Datetime": selection.datetime}
        return FileResponse(
            path,
            media_type=MEDIA_TYPE,
            filename=f"{collection.id}-{selection.datetime[:10] or 'undated'}.tif",
            headers={key: value for key, value in headers.items() if value},
            background=BackgroundTask(path.unlink, missing_ok=True),
        )

    return routes


_reducer = reducer


def _names(parts: Parts, collection: Collection, properties: str | None) -> tuple[str, ...]:
    """The bands asked for, each once; without any, those that the newest item's data assets have."""
    if properties:
        names = tuple(dict.fromkeys(spelled(name.strip()) for name in properties.split(",") if name.strip()))
        require_bands(parts.catalog, collection, names, "properties")
        return names
    items = parts.catalog.items(collection.id, limit=1)
    assets = items[0].assets.values() if items else ()
    return tuple(band.name for asset in assets if "data" in asset.roles for band in asset.bands)


def _computed(
    parts: Parts, collection: Collection, names: tuple[str, ...], expression: str | None, *, reduced: bool
) -> Style | None:
    if not expression:
        return Style(id="bands", titles={"en": "bands"}, assets=names, resampling="nearest") if reduced else None
    known = band_names(parts.catalog, collection)
    try:
        outputs = parse(expression, known)
    except ExpressionError as error:
        raise InvalidParameter("expression", expression, str(error)) from None
    if not any(output.bands for output in outputs):
        raise InvalidParameter("expression", expression, f"at least one band of: {', '.join(known)}")
    return Style(id="custom", titles={"en": expression}, expression=expression, resampling="nearest")
