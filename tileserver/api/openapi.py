"""Pieces of OpenAPI for the plain Starlette routes, which describe themselves."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
_PICTURES = ("image/jpeg", "image/png", "image/webp")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
ERRORS = {
    "400": {"description": "InvalidParameter"},
    "404": {"description": "NotFound"},
    "502": {"description": "SourceUnreadable"},
    "503": {"description": "Overloaded"},
}
PICTURE: dict[str, Any] = {
    "200": {
        "description": "The picture; X-Tile-Datetime says what is shown, X-Tile-Empty: 1 that nothing is",
        "content": dict.fromkeys(_PICTURES, _BINARY),
    },
    "304": {"description": "Not changed"},
    **ERRORS,
}
DOCUMENT: dict[str, Any] = {"200": {"description": "The document"}, **ERRORS}


def parameter(name: str, place: str, schema: dict[str, Any] | None = None, description: str = "") -> dict[str, Any]:
    """A parameter in the path (always required) or in the query."""
    return {
        "name": name, "in": place, "required": place == "path", "schema": schema or TEXT, "description": description
    }  # fmt: skip


def get(
    summary: str, tag: str, operation: str, parameters: list[dict[str, Any]], responses: dict[str, Any]
) -> dict[str, Any]:
    """A path with one GET operation."""
    operation_object = {
        "summary": summary, "tags": [tag], "operationId": operation, "parameters": parameters, "responses": responses
    }  # fmt: skip
    return {"get": operation_object}


def paths(*names: str) -> list[dict[str, Any]]:
    """Path parameters that are text."""
    return [parameter(name, "path") for name in names]


def queries(*names: str) -> list[dict[str, Any]]:
    """Query parameters that are text."""
    return [parameter(name, "query") for name in names]
