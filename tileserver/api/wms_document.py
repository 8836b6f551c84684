"""The capabilities documents of WMS 1.3.0 and 1.1.1."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from tileserver.api.dimension import Dimension
from tileserver.api.wms_crs import mercator_box
from tileserver.api.xml import environment, with_base
from tileserver.legend import legend_of
from tileserver.legend_picture import legend_size
from tileserver.models import Collection
from tileserver.settings import Settings
from tileserver.styles import word

FORMATS = ("image/png", "image/jpeg", "image/webp")
INFO_FORMATS = ("application/json", "text/html", "text/plain")
EXCEPTIONS = {
    True: ("XML", "INIMAGE", "BLANK"),
    False: ("application/vnd.ogc.se_xml", "application/vnd.ogc.se_inimage", "application/vnd.ogc.se_blank"),
}
# Listed for choosing; every CRS that PROJ knows is answered.
CRS_LIST = (
    "CRS:84", "EPSG:4326", "EPSG:3857", "EPSG:4258", "EPSG:3035", "EPSG:3034", "EPSG:5514", "EPSG:25831", "EPSG:25832",
    "EPSG:25833", "EPSG:25834", "EPSG:2154", "EPSG:31287", "EPSG:2056", "EPSG:2180", "EPSG:27700", "EPSG:32631",
    "EPSG:32632", "EPSG:32633", "EPSG:32634", "EPSG:3413", "EPSG:3995", "EPSG:3031", "EPSG:6933", "EPSG:8857",
)  # fmt: skip


@lru_cache(maxsize=1)
def _template() -> Any:
    return environment().get_template("wms.xml").module


def layer_fragment(collection: Collection, dimension: Dimension | None, *, new: bool) -> bytes:
    """The layer of a collection, with a placeholder for the address; `new` means 1.3.0."""
    west, south, east, north = collection.bbox
    box = (west, south, east, north) if west <= east else (-180.0, south, 180.0, north)
    entry = {
        "id": collection.id,
        "title": collection.title,
        "abstract": collection.description,
        "keywords": collection.keywords,
        "credit": collection.attribution,
        "bbox": box,
        "mercator": mercator_box(box),
        "times": ",".join(dimension.values) if dimension else "",
        "default": dimension.default if dimension else "",
        "styles": [
            {
                "id": style.id,
                "title": style.title,
                "abstract": word(style.descriptions, "en"),
                "legend": f"/collections/{quote(collection.id)}/styles/{quote(style.id)}/legend.png",
                "size": legend_size(legend_of(collection, style)),
            }
            for style in collection.styles
        ],
    }
    return str(_template().layer(entry, new)).encode()


def capabilities(layers: Iterable[bytes], settings: Settings, *, base: str, new: bool, sequence: int) -> bytes:
    """The document of 1.3.0 (`new`) or 1.1.1 for a server at `base`."""
    entry = {
        "title": settings.title,
        "contact_name": settings.contact_name,
        "contact_email": settings.contact_email,
        "address": f"{base}/wms?",
        "side": math.isqrt(settings.max_pixels),
        "formats": FORMATS,
        "info_formats": INFO_FORMATS,
        "exceptions": EXCEPTIONS[new],
        "crs_list": [crs for crs in CRS_LIST if new or crs != "CRS:84"],
    }
    template = _template()
    head = f"{template.head(new, sequence)}{template.service(new, entry)}{template.capability(new, entry)}"
    return b"".join([
        head.encode(),
        with_base(b"".join(layers), base),
        str(template.foot(new)).encode(),
    ])  # fmt: skip
