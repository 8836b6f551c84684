"""The viewer: `/`, its files, `/embed.js` and `/viewer-config.json`.

Files come from the build (`viewer/dist`), compressed there beforehand; what is named by its content is cached for
ever. A strict Content-Security-Policy goes with every file; only `/?embed=1` may be framed by other sites.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.errors import NotFound
from tileserver.settings import Settings

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_FOREVER = "public, max-age=31536000, immutable"
_SOON = "public, max-age=300"
_NOT_BUILT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Tilescope</title>"
    "<p>The server runs, but the viewer has not been built: run <code>make setup</code>."
    "<p><a href=docs>The services</a> work without it."
)


def build_folder(settings: Settings) -> Path:
    """Where the built viewer lies: the operator's, the one in the package, the one of the checkout."""
    package = Path(__file__).parents[1]
    own = package / "viewer"
    return settings.viewer_dir or (own if own.is_dir() else package.parent / "viewer" / "dist")


def basemaps(settings: Settings) -> list[dict[str, str]]:
    """The operator's base maps; an entry without title or address is left out."""
    entries = json.loads(settings.basemaps) if settings.basemaps.strip() else []
    keys = ("title", "url", "attribution")
    return [
        {key: str(entry[key]) for key in keys if key in entry}
        for entry in entries
        if isinstance(entry, dict) and entry.get("title") and entry.get("url")
    ]


@lru_cache(maxsize=8)
def policy(origins: tuple[str, ...], *, embedded: bool) -> str:
    """The Content-Security-Policy: nothing from elsewhere but the operator's base maps, no inline code or style."""
    images = " ".join(("'self'", "data:", "blob:", *origins))
    framers = "*" if embedded else "'self'"
    return "; ".join((
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        f"img-src {images}",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "font-src 'self'",
        "frame-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "object-src 'none'",
        f"frame-ancestors {framers}",
    ))  # fmt: skip


def _origins(settings: Settings) -> tuple[str, ...]:
    """Where base maps come from: scheme and host, `{a-c}` of sub-domains as `*`."""
    found = set()
    for entry in basemaps(settings):
        parts = urlsplit(entry["url"])
        if parts.scheme in {"http", "https"} and parts.hostname:
            host = parts.netloc.split("@")[-1]
            found.add(f"{parts.scheme}://{'*.' + host.split('}.', 1)[1] if '}.' in host else host}")
    return tuple(sorted(found))


def _headers(settings: Settings, *, embedded: bool) -> dict[str, str]:
    headers = {
        "Content-Security-Policy": policy(_origins(settings), embedded=embedded),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    }
    return headers if embedded else headers | {"X-Frame-Options": "SAMEORIGIN"}


def _send(request: Request, path: Path, headers: dict[str, str]) -> Response:
    """A file, in the best encoding that lies beside it and that the client accepts."""
    accepted = request.headers.get("accept-encoding", "")
    headers = headers | {"Vary": "Accept-Encoding"}
    for name, suffix in _ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if name in accepted and packed.is_file():
            return FileResponse(packed, headers=headers | {"Content-Encoding": name}, media_type=_TYPES[path.suffix])
    return FileResponse(path, headers=headers, media_type=_TYPES[path.suffix])


def page(request: Request, parts: Parts) -> Response:
    """`/`: the viewer. Only with `embed=1` may other sites frame it."""
    embedded = request.query_params.get("embed") == "1"
    headers = _headers(parts.settings, embedded=embedded) | {"Cache-Control": "no-cache"}
    index = build_folder(parts.settings) / "index.html"
    if not index.is_file():
        return HTMLResponse(_NOT_BUILT, headers=headers)
    answer = _send(request, index, headers)
    answer.headers["Vary"] = "Accept, Accept-Encoding"
    return answer


def routes(parts: Parts) -> list[BaseRoute]:
    """The viewer's files and its configuration."""
    settings = parts.settings
    folder = build_folder(settings)

    def send(name: str, request: Request, cache: str) -> Response:
        path = folder / name
        known = path.suffix in _TYPES and path.is_file()
        if not known or folder.resolve() not in path.resolve().parents:
            raise NotFound("file", name)
        return _send(request, path, _headers(settings, embedded=False) | {"Cache-Control": cache})

    async def asset(request: Request) -> Response:
        return send(f"assets/{request.path_params['name']}", request, _FOREVER)

    async def embed(request: Request) -> Response:
        return send("embed.js", request, _SOON)

    async def icon(request: Request) -> Response:
        return send("icon.svg", request, _SOON)

    async def config(_: Request) -> Response:
        document: dict[str, Any] = {
            "title": settings.title,
            "basemaps": basemaps(settings),
            "downloads": settings.downloads,
        }
        return json_response(document, headers={"Cache-Control": "no-cache"})

    return [
        Route("/assets/{name}", asset, methods=["GET"]),
        Route("/embed.js", embed, methods=["GET"]),
        Route("/icon.svg", icon, methods=["GET"]),
        Route("/viewer-config.json", config, methods=["GET"]),
    ]
