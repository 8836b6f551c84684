"""`/collections/{c}/styles/{s}/legend.{svg,png,json}`: legends with words and units."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from tileserver.api.errors import json_response
from tileserver.api.parts import Parts
from tileserver.errors import InvalidParameter, NotFound
from tileserver.legend import legend_of
from tileserver.legend_picture import legend_png, legend_svg
from tileserver.models import Collection, Style

LANGUAGES = ("en", "cs", "de", "fr")


def named_style(collection: Collection, style_id: str) -> Style:
    """A style of the collection; the first one for "". Raises NotFound."""
    for style in collection.styles:
        if style_id in {style.id, ""}:
            return style
    raise NotFound("style", style_id, (style.id for style in collection.styles))


def language_of(text: str | None) -> str:
    """One of our languages. Raises InvalidParameter."""
    if not text:
        return "en"
    if text not in LANGUAGES:
        raise InvalidParameter("lang", text, ", ".join(LANGUAGES))
    return text


def legend_response(collection: Collection, style: Style, suffix: str, language: str, max_age: int) -> Response:
    """The legend as svg, png or json. Raises NotFound for other suffixes."""
    legend = legend_of(collection, style, language)
    headers = {"Cache-Control": f"public, max-age={max_age}"}
    if suffix == "json":
        return json_response({"style": style.id, "language": language, **legend.to_json()}, headers=headers)
    if suffix == "svg":
        return Response(legend_svg(legend), headers=headers, media_type="image/svg+xml")
    if suffix == "png":
        return Response(legend_png(legend), headers=headers, media_type="image/png")
    raise NotFound("legend format", suffix, ("svg", "png", "json"))


def router(parts: Parts) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["Maps"])

    @routes.get(
        "/collections/{collection_id}/styles/{style_id}/legend.{suffix}",
        summary="What the colours mean",
        response_class=Response,
    )
    def legend(collection_id: str, style_id: str, suffix: str, lang: Annotated[str | None, Query()] = None) -> Response:
        collection = parts.catalog.collection(collection_id)
        style = named_style(collection, style_id)
        return legend_response(collection, style, suffix, language_of(lang), parts.settings.latest_max_age)

    return routes
