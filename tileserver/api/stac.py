"""STAC API 1.0 under `/stac`: core, collections, features and item-search over the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Body, Query
from starlette.requests import Request
from starlette.responses import Response

from tileserver.api.addresses import base_address
from tileserver.api.assets import asset_href
from tileserver.api.collections import WEB_MAP_LINKS, collection_document, web_map_links
from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.api.queries import integer
from tileserver.api.stac_search import MAX_LIMIT, find, search_of
from tileserver.errors import InvalidParameter
from tileserver.items import item_to_stac
from tileserver.models import Collection, Item

STAC_CONFORMANCE = (
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "https://api.stacspec.org/v1.0.0/item-search",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)
_GEOJSON = "application/geo+json"
Text = Annotated[str | None, Query()]


def landing_links(base: str) -> list[dict[str, Any]]:
    """Where the API is."""
    return [{"rel": "child", "type": "application/json", "href": f"{base}/stac", "title": "STAC API"}]


def _link(rel: str, href: str, media: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"rel": rel, "type": media, "href": href, **more}


def _collection_address(base: str, collection_id: str) -> str:
    return f"{base}/stac/collections/{quote(collection_id, safe='')}"


def collection_json(collection: Collection, base: str) -> dict[str, Any]:
    """A collection whose links stay within the API."""
    document = collection_document(collection, base)
    here = _collection_address(base, collection.id)
    own = {"self": here, "root": f"{base}/stac", "parent": f"{base}/stac", "items": f"{here}/items"}
    others = [link for link in document["links"] if link["rel"] not in own]
    media = {"items": _GEOJSON}
    document["links"] = [_link(rel, href, media.get(rel, "application/json")) for rel, href in own.items()] + others
    return document


def item_json(item: Item, collection: Collection, base: str) -> dict[str, Any]:
    """An item with links, maps of it among them, and assets that are addresses of this server."""
    document = item_to_stac(item)
    parent = _collection_address(base, item.collection)
    for key, asset in document["assets"].items():
        asset["href"] = asset_href(base, item, key)
    time = item.datetime.date().isoformat() if item.datetime else "latest"
    if collection.styles:
        document["stac_extensions"] = [*document.get("stac_extensions", []), WEB_MAP_LINKS]
    document["links"] = [
        _link("self", f"{parent}/items/{quote(item.id, safe='')}", _GEOJSON),
        _link("root", f"{base}/stac"),
        _link("parent", parent),
        _link("collection", parent),
        _link("alternate", f"{base}/?collection={quote(item.collection, safe='')}&time={time}", "text/html"),
        *web_map_links(collection, base, time),
    ]
    return document


class _Pages:
    """Pages of items."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def answer(self, request: Request, body: Mapping[str, Any], self_href: str, *, post: bool = False) -> Response:
        """The items that match, with a link to the next ones."""
        parts, catalog = self._parts, self._parts.catalog
        base = base_address(request, parts.settings)
        items, token = find(catalog, search_of(dict(body), parts.settings.max_vertices))
        known = {name: catalog.collection(name) for name in {item.collection for item in items}}
        links = [_link("root", f"{base}/stac"), _link("self", self_href, _GEOJSON)]
        if token and post:
            next_body = {**body, "token": token}
            links.append(_link("next", self_href, _GEOJSON, method="POST", body=next_body, merge=False))
        elif token:
            query = [(key, value) for key, value in request.query_params.multi_items() if key != "token"]
            address = f"{self_href.split('?', 1)[0]}?{urlencode([*query, ('token', token)])}"
            links.append(_link("next", address, _GEOJSON, method="GET"))
        document = {
            "type": "FeatureCollection",
            "features": [item_json(item, known[item.collection], base) for item in items],
            "links": links,
            "numberReturned": len(items),
        }
        return json_response(document, headers={"Content-Type": _GEOJSON})

    def asked(self, request: Request, **values: str | None) -> tuple[dict[str, Any], str]:
        """The body that a query means, and the address asked."""
        body: dict[str, Any] = {key: value for key, value in values.items() if value}
        if "limit" in body:
            body["limit"] = integer(body["limit"], "limit", 1, 10 * MAX_LIMIT)
        for key in ("collections", "ids"):
            if key in body:
                body[key] = [name for name in body[key].split(",") if name]
        question = f"?{request.url.query}" if request.url.query else ""
        return body, f"{base_address(request, self._parts.settings)}{request.url.path}{question}"


def router(parts: Parts) -> APIRouter:
    """Every address of the API."""
    routes = APIRouter(prefix="/stac", tags=["STAC API"])
    catalog, pages = parts.catalog, _Pages(parts)

    @routes.get("", summary="The catalog", response_class=Response)
    @routes.get("/", include_in_schema=False, response_class=Response)
    def landing(request: Request) -> Response:
        base = base_address(request, parts.settings)
        here = f"{base}/stac"
        links = [
            _link("self", here),
            _link("root", here),
            _link("data", f"{here}/collections"),
            _link("conformance", f"{here}/conformance"),
            _link("search", f"{here}/search", _GEOJSON, method="GET"),
            _link("search", f"{here}/search", _GEOJSON, method="POST"),
            _link("service-desc", f"{base}/api", "application/vnd.oai.openapi+json;version=3.0"),
            _link("service-doc", f"{base}/docs", "text/html"),
            *(_link("child", _collection_address(base, c.id), title=c.title) for c in catalog.collections()),
        ]
        return json_response({
            "type": "Catalog", "stac_version": "1.0.0", "stac_extensions": [], "id": "tilescope",
            "title": parts.settings.title, "description": f"{parts.settings.title}: satellite imagery.",
            "conformsTo": list(STAC_CONFORMANCE), "links": links,
        })  # fmt: skip

    @routes.get("/conformance", summary="Conformance classes", response_class=Response)
    def conformance() -> Response:
        return json_response({"conformsTo": list(STAC_CONFORMANCE)})

    @routes.get("/collections", summary="Collections", response_class=Response)
    def collections(request: Request) -> Response:
        base = base_address(request, parts.settings)
        documents = [collection_json(collection, base) for collection in catalog.collections()]
        links = [_link("self", f"{base}/stac/collections"), _link("root", f"{base}/stac")]
        return json_response({"collections": documents, "links": links})

    @routes.get("/collections/{collection_id}", summary="A collection", response_class=Response)
    def collection(collection_id: str, request: Request) -> Response:
        base = base_address(request, parts.settings)
        return json_response(collection_json(catalog.collection(collection_id), base))

    @routes.get("/collections/{collection_id}/items", summary="Items", response_class=Response)
    def items(
        collection_id: str,
        request: Request,
        bbox: Text = None,
        datetime: Text = None,
        limit: Text = None,
        token: Text = None,
    ) -> Response:
        catalog.collection(collection_id)
        body, address = pages.asked(request, bbox=bbox, datetime=datetime, limit=limit, token=token)
        return pages.answer(request, {**body, "collections": [collection_id]}, address)

    @routes.get("/collections/{collection_id}/items/{item_id}", summary="An item", response_class=Response)
    def item(collection_id: str, item_id: str, request: Request) -> Response:
        found = catalog.item(collection_id, item_id)
        base = base_address(request, parts.settings)
        document = item_json(found, catalog.collection(collection_id), base)
        return json_response(document, headers={"Content-Type": _GEOJSON})

    @routes.get("/search", summary="Search items", response_class=Response)
    def search(
        request: Request,
        collections: Text = None,
        ids: Text = None,
        bbox: Text = None,
        intersects: Text = None,
        datetime: Text = None,
        limit: Text = None,
        token: Text = None,
    ) -> Response:
        body, address = pages.asked(
            request, collections=collections, ids=ids, bbox=bbox, intersects=intersects,
            datetime=datetime, limit=limit, token=token,
        )  # fmt: skip
        return pages.answer(request, body, address)

    @routes.post("/search", summary="Search items", response_class=Response)
    def search_body(request: Request, body: Annotated[Any, Body()] = None) -> Response:
        if not isinstance(body, dict):
            raise InvalidParameter("body", body, "a JSON object")
        return pages.answer(request, body, f"{base_address(request, parts.settings)}/stac/search", post=True)

    return routes
