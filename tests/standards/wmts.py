"""What the tests of WMTS share: requests, and how answers are read."""

from __future__ import annotations

import io

from PIL import Image
from pyproj import Transformer

from tests.standards.schemas import validated

NS = {
    "w": "http://www.opengis.net/wmts/1.0",
    "o": "http://www.opengis.net/ows/1.1",
    "x": "http://www.w3.org/1999/xlink",
}
HREF = "{http://www.w3.org/1999/xlink}href"
TILE = {
    "service": "WMTS", "request": "GetTile", "version": "1.0.0", "layer": "ramp", "style": "rgb", "format": "image/png",
    "TileMatrixSet": "WebMercatorQuad", "TileMatrix": "9", "TileRow": "173", "TileCol": "276", "Time": "2024-05-11",
}  # fmt: skip
INFO = {**TILE, "request": "GetFeatureInfo", "InfoFormat": "application/json", "I": "100", "J": "120"}
del INFO["format"]


def layer(root, name):
    return root.xpath(f"//w:Layer[o:Identifier='{name}']", namespaces=NS)[0]


def texts(node, path):
    return [str(text) for text in node.xpath(f"{path}/text()", namespaces=NS)]


def exception(response, status=400):
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"].startswith("application/xml")
    one = validated(response.content)[0]
    return one.get("exceptionCode"), one.get("locator")


def pixel(content, lon, lat, bounds, crs):
    """The colour of a place in a picture of `bounds` (left, bottom, right, top)."""
    image = Image.open(io.BytesIO(content)).convert("RGBA")
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    col = int((x - bounds[0]) / (bounds[2] - bounds[0]) * image.width)
    row = int((bounds[3] - y) / (bounds[3] - bounds[1]) * image.height)
    return image.getpixel((col, row))
