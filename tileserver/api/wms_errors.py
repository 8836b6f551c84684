"""WMS service exceptions, as XML or, where a client asks for it, as a picture."""

from __future__ import annotations

import io
import textwrap

from markupsafe import escape
from PIL import Image, ImageDraw, ImageFont
from starlette.responses import Response

from tileserver.api.kvp import KeyValues, MissingParameter
from tileserver.api.xml import clean
from tileserver.errors import InvalidParameter, Overloaded, TileserverError, TooLarge

_PICTURES = {
    "inimage": True,
    "blank": False,
    "application/vnd.ogc.se_inimage": True,
    "application/vnd.ogc.se_blank": False,
}
_MEDIA = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_LARGEST = 2048


class WmsError(TileserverError):
    """A service exception with a code of the standard's own."""

    status = 400

    def __init__(self, code: str, detail: str, *, locator: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.locator = locator


def _described(error: TileserverError) -> tuple[str, str, int]:
    """Code, locator and status."""
    if isinstance(error, WmsError):
        return error.code, error.locator, 400
    if isinstance(error, MissingParameter):
        return "MissingParameterValue", error.name, 400
    if isinstance(error, InvalidParameter):
        dimension = error.name.lower() == "time"
        return "InvalidDimensionValue" if dimension else "InvalidParameterValue", error.name, 400
    return "", "", 400 if isinstance(error, TooLarge) else error.status


def service_exception(error: TileserverError, values: KeyValues | None, *, new: bool) -> Response:
    """The answer to an error in the version and form that the request asks for."""
    code, locator, status = _described(error)
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(error.retry_after)
    picture = _picture(error, values)
    if picture:
        return Response(picture[0], status, headers, media_type=picture[1])
    attributes = f' code="{escape(code)}"' if code else ""
    if new and locator:
        attributes += f' locator="{escape(clean(locator))}"'
    entry = f"<ServiceException{attributes}>{escape(clean(error.detail))}</ServiceException>"
    if new:
        body = f'<ServiceExceptionReport version="1.3.0" xmlns="http://www.opengis.net/ogc">{entry}'
        media = "text/xml"
    else:
        body = (
            "<!DOCTYPE ServiceExceptionReport SYSTEM "
            '"http://schemas.opengis.net/wms/1.1.1/WMS_exception_1_1_1.dtd">\n'
            f'<ServiceExceptionReport version="1.1.1">{entry}'
        )
        media = "application/vnd.ogc.se_xml"
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}</ServiceExceptionReport>\n'
    return Response(xml, status, headers, media_type=media)


def _picture(error: TileserverError, values: KeyValues | None) -> tuple[bytes, str] | None:
    """The error written into a picture, or an empty one, where the request asks for that and has a size."""
    try:
        wanted = _PICTURES.get(values.get("exceptions").lower()) if values else None
        if values is None or wanted is None:
            return None
        size = int(values.get("width")), int(values.get("height"))
        media = values.get("format").split(";")[0]
    except (InvalidParameter, ValueError):
        return None
    if media not in _MEDIA or not all(1 <= side <= _LARGEST for side in size):
        return None
    clear = 0 if values.get("transparent").lower() == "true" and media != "image/jpeg" else 255
    image = Image.new("RGBA", size, (255, 255, 255, clear))
    if wanted:
        columns = max(8, size[0] // 7)
        text = "\n".join(textwrap.wrap(clean(error.detail).encode("ascii", "replace").decode(), columns))
        ImageDraw.Draw(image).multiline_text((4, 4), text, (180, 0, 0, 255), ImageFont.load_default(12))
    buffer = io.BytesIO()
    (image.convert("RGB") if media == "image/jpeg" else image).save(buffer, _MEDIA[media])
    return buffer.getvalue(), media
