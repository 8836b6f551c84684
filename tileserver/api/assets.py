"""`/collections/{c}/items/{i}/assets/{a}`: the files themselves, in ranges, where the operator allows downloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tileserver.api.etags import matches
from tileserver.api.parts import Parts
from tileserver.cog.source import ByteSource, LocalFile, RemoteFile
from tileserver.errors import NotFound, SourceUnreadable
from tileserver.hrefs import is_remote, revision
from tileserver.models import Asset, Item

_CHUNK = 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def asset_href(base: str, item: Item, key: str) -> str:
    """The address of an asset."""
    path = (quote(part, safe="") for part in (item.collection, item.id, key))
    return "{}/collections/{}/items/{}/assets/{}".format(base, *path)


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range; None for the whole file. Raises ValueError beyond the end."""
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last or size - 1), size - 1)
    if start > end:
        raise ValueError(header)
    return start, end


def _chunks(source: ByteSource, start: int, end: int) -> Iterator[bytes]:
    for offset in range(start, end + 1, _CHUNK):
        yield source.read(offset, min(_CHUNK, end + 1 - offset))


def _name(item: Item, asset: Asset) -> str:
    """What a browser calls the file: item and asset with the file's own suffix."""
    suffix = PurePosixPath(unquote(urlsplit(asset.href).path)).suffix
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{item.id}_{asset.key}") + re.sub(r"[^A-Za-z0-9.]", "", suffix)


def asset_response(request: Request, item: Item, asset: Asset) -> Response:
    """The file or the part of it that the request asks for. Raises SourceUnreadable naming item and asset."""
    try:
        source: ByteSource = RemoteFile(asset.href) if is_remote(asset.href) else LocalFile(asset.href)
        version = revision(asset.href, asset.version)
    except SourceUnreadable as error:
        raise error.named(item=item.id, asset=asset.key) from error
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{version}"',
        "Cache-Control": "public, max-age=300",
        "Content-Disposition": f'attachment; filename="{_name(item, asset)}"',
    }
    if matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range")
    if request.headers.get("if-range") not in {None, headers["ETag"]}:
        wanted = None
    try:
        part = _range(wanted, source.size)
    except ValueError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{source.size}"})
    start, end = part or (0, source.size - 1)
    headers["Content-Length"] = str(end - start + 1)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end}/{source.size}"
    status = 206 if part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=asset.media_type)
    return StreamingResponse(_chunks(source, start, end), status, headers, asset.media_type)


def router(parts: Parts) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["Files"])

    path = "/collections/{collection_id}/items/{item_id}/assets/{asset_key}"

    @routes.head(path, include_in_schema=False, response_class=Response)
    @routes.get(path, summary="A file, in ranges", response_class=Response)
    def asset(collection_id: str, item_id: str, asset_key: str, request: Request) -> Response:
        if not parts.settings.downloads:
            raise NotFound("download, the operator does not offer files", asset_key)
        item = parts.catalog.item(collection_id, item_id)
        found = item.assets.get(asset_key)
        if found is None:
            raise NotFound("asset", asset_key, item.assets)
        return asset_response(request, item, found)

    return routes
