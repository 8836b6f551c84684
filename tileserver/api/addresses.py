"""Absolute addresses as the client sees them: a setting, a proxy's headers, or the request itself."""

from __future__ import annotations

import re

from starlette.requests import Request

from tileserver.settings import Settings

_HOST = re.compile(r"[A-Za-z0-9._\-\[\]:]{1,255}")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~\-]{1,100}){0,8}")


def base_address(request: Request, settings: Settings) -> str:
    """ "https://maps.example.org/prefix" without a trailing slash.

    `TILESERVER_PUBLIC_URL` wins; else X-Forwarded-Proto, -Host and -Prefix as far as they are plausible, so that
    no header can put markup or another scheme into our documents.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    headers = request.headers
    scheme = _first(headers.get("x-forwarded-proto")) or request.url.scheme
    host = _first(headers.get("x-forwarded-host")) or headers.get("host") or request.url.netloc
    prefix = _first(headers.get("x-forwarded-prefix")).rstrip("/")
    if scheme not in {"http", "https"}:
        scheme = "http"
    if not _HOST.fullmatch(host):
        host = "localhost"
    if not _PREFIX.fullmatch(prefix):
        prefix = ""
    return f"{scheme}://{host}{prefix}"


def _first(header: str | None) -> str:
    """The first of a list of proxies is the one that the client spoke to."""
    return (header or "").split(",")[0].strip()
