"""Errors to answers, in one table. The body is always {"code", "detail"}; nothing inside leaks out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gpu.expression import ExpressionError
from tileserver.errors import InvalidParameter, NotFound, Overloaded, TileserverError

log = logging.getLogger("tileserver")
_CODES = {400: "InvalidParameter", 404: "NotFound", 405: "MethodNotAllowed", 413: "TooLarge"}


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer; dates, numpy numbers and NaN (as null) are understood."""
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, headers, media_type="application/json")


def error_response(error: TileserverError) -> Response:
    """The answer to an error of ours."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(error.retry_after)
    return json_response(error.body(), error.status, headers)


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, TileserverError)
    if error.status >= 500:
        log.warning(
            "%s: %s %s",
            error.code,
            error.detail,
            {k: v for k, v in error.body().items() if k not in {"code", "detail"}},
        )
    return error_response(error)


async def _expression(_: Request, error: Exception) -> Response:
    return json_response({"code": "InvalidParameter", "detail": f"Parameter 'expression': {error}"}, 400)


async def _validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_response(invalid_from(error.errors()))


def invalid_from(errors: Sequence[Any]) -> InvalidParameter:
    """The first of pydantic's complaints as an error of ours."""
    first = errors[0]
    place = [str(part) for part in first["loc"] if part not in {"query", "path", "body"}]
    return InvalidParameter(".".join(place) or "body", first.get("input"), str(first["msg"]))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return error_response(NotFound("page", request.url.path))
    code = _CODES.get(error.status_code, "Error")
    headers = dict(error.headers or {})
    return json_response({"code": code, "detail": str(error.detail)}, error.status_code, headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected failure of %s %s", request.method, request.url.path, exc_info=error)
    return json_response(
        {"code": "InternalError", "detail": "Something unexpected went wrong; the log says more."}, 500
    )


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    TileserverError: _ours,
    ExpressionError: _expression,
    RequestValidationError: _validation,
    HTTPException: _http,
    Exception: _unexpected,
}


async def answered(request: Request, error: Exception) -> Response:
    """The answer to any failure."""
    handler = next(_HANDLERS[kind] for kind in type(error).__mro__ if kind in _HANDLERS)
    return await handler(request, error)


def add_error_handlers(app: FastAPI) -> None:
    """Every error of ours, of the framework and of nobody gets its answer."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
