"""OWS 1.1 exceptions: what a WMTS client reads when something is wrong."""

from __future__ import annotations

from markupsafe import escape
from starlette.responses import Response

from tileserver.api.kvp import MissingParameter
from tileserver.api.xml import clean
from tileserver.errors import InvalidParameter, Overloaded, TileserverError


class OwsError(TileserverError):
    """An exception with a code of the standard's own."""

    status = 400

    def __init__(self, code: str, detail: str, *, locator: str = "", status: int = 400) -> None:
        super().__init__(detail)
        self.code = code
        self.locator = locator
        self.status = status


def out_of_range(locator: str, first: int, last: int) -> OwsError:
    """A tile beyond the published limits."""
    return OwsError("TileOutOfRange", f"{locator} must be from {first} to {last} here.", locator=locator)


def ows_error(error: TileserverError) -> OwsError:
    """Any error of ours in the standard's words; what is not the client's fault keeps its status."""
    if isinstance(error, OwsError):
        return error
    if isinstance(error, MissingParameter):
        text = f"Parameter '{error.name}' is missing."
        return OwsError("MissingParameterValue", text, locator=error.name)
    if isinstance(error, InvalidParameter):
        return OwsError("InvalidParameterValue", error.detail, locator=error.name)
    return OwsError("NoApplicableCode", error.detail, status=error.status)


def exception_report(error: TileserverError) -> Response:
    """The ExceptionReport of an error."""
    ows = ows_error(error)
    locator = f' locator="{escape(clean(ows.locator))}"' if ows.locator else ""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="http://www.opengis.net/ows/1.1 '
        'http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd" version="1.1.0" xml:lang="en">'
        f'<ows:Exception exceptionCode="{ows.code}"{locator}>'
        f"<ows:ExceptionText>{escape(clean(ows.detail))}</ows:ExceptionText></ows:Exception></ows:ExceptionReport>\n"
    )
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(error.retry_after)
    return Response(body, ows.status, headers, media_type="application/xml")
