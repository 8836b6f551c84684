"""The landing page as JSON, conformance, health and metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

import tileserver
from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.metrics import exposition

CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/landing-page",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
)


def landing_page(parts: Parts, base: str, conformance: tuple[str, ...], links: list[dict[str, Any]]) -> dict[str, Any]:
    """The OGC and STAC landing page in one."""
    own = [
        {"rel": "self", "type": "application/json", "href": f"{base}/?f=json", "title": "This page as JSON"},
        {"rel": "root", "type": "application/json", "href": f"{base}/?f=json"},
        {"rel": "alternate", "type": "text/html", "href": f"{base}/", "title": "The viewer"},
        {
            "rel": "service-desc",
            "type": "application/vnd.oai.openapi+json;version=3.0",
            "href": f"{base}/api",
        },
        {"rel": "service-doc", "type": "text/html", "href": f"{base}/docs"},
        {"rel": "conformance", "type": "application/json", "href": f"{base}/conformance"},
        {"rel": "data", "type": "application/json", "href": f"{base}/collections", "title": "Collections"},
        *(
            {
                "rel": "child",
                "type": "application/json",
                "href": f"{base}/collections/{c.id}",
                "title": c.title,
            }
            for c in parts.catalog.collections()
        ),
    ]
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "tilescope",
        "title": parts.settings.title,
        "description": f"{parts.settings.title}: satellite imagery as maps, values and files.",
        "conformsTo": list(conformance),
        "links": own + links,
    }


def router(parts: Parts, conformance: tuple[str, ...]) -> APIRouter:
    """Everything about the server itself."""
    routes = APIRouter(tags=["Server"])

    @routes.get("/conformance", summary="Standards that are implemented", response_class=Response)
    def conformance_page() -> Response:
        return json_response({"conformsTo": list(conformance)})

    @routes.get("/healthz", summary="Is everything well?", response_class=Response)
    def health() -> Response:
        collections = parts.catalog.collections()
        return json_response({
            "status": "ok",
            "version": tileserver.__version__,
            "device": parts.backend.name,
            "collections": len(collections),
            "queued": parts.flight.queued,
        })  # fmt: skip

    @routes.get("/metrics", summary="For Prometheus", response_class=Response)
    def metrics() -> Response:
        return Response(exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes
