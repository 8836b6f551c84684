"""The server's address as a client sees it, behind any number of proxies.

In this order: the operator's `public_url`; `Forwarded` (RFC 7239); `X-Forwarded-Proto`, `-Host`, `-Port` and
`-Prefix`; the request itself. What does not look like a scheme, a host or a path is not believed.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.requests import Request

from tileserver.settings import Settings

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+){1,8}")
_PAIR = re.compile(r'\s*(\w+)\s*=\s*("[^"]*"|[^;,\s]*)\s*')
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def base_address(request: Request, settings: Settings) -> str:
    """Scheme, host and prefix without a trailing slash: https://maps.example.org/tiles."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    headers = request.headers
    forwarded = _forwarded(headers.get("forwarded", ""))
    scheme = forwarded.get("proto") or _first(headers, "x-forwarded-proto")
    if scheme not in _DEFAULT_PORTS:
        scheme = request.url.scheme if request.url.scheme in _DEFAULT_PORTS else "http"
    host = forwarded.get("host") or _forwarded_host(headers, scheme) or headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = _own_host(request)
    prefix = _first(headers, "x-forwarded-prefix").rstrip("/") or request.scope.get("root_path", "").rstrip("/")
    return f"{scheme}://{host}{prefix if _PREFIX.fullmatch(prefix) else ''}"


def _first(headers: Headers, name: str) -> str:
    """The value that the outermost proxy wrote."""
    return headers.get(name, "").split(",")[0].strip()


def _forwarded(value: str) -> dict[str, str]:
    """The first element of a Forwarded header: {"proto": "https", "host": "example.org"}."""
    pairs = _PAIR.findall(value.split(",", maxsplit=1)[0])
    return {name.lower(): text.strip('"') for name, text in pairs}


def _forwarded_host(headers: Headers, scheme: str) -> str:
    host, port = _first(headers, "x-forwarded-host"), _first(headers, "x-forwarded-port")
    bare = host and not re.search(r":\d+$", host)
    if bare and port.isascii() and port.isdigit() and port != _DEFAULT_PORTS[scheme]:
        return f"{host}:{port}"
    return host


def _own_host(request: Request) -> str:
    """Where the server listens, for requests whose Host cannot be believed."""
    host, port = request.scope.get("server") or ("localhost", None)
    host = f"[{host}]" if ":" in str(host) else host
    return f"{host}:{port}" if port else str(host)
