"""`/colorMaps`: the names that `colormap_name` takes, by TiTiler's own factory."""

from __future__ import annotations

from fastapi import APIRouter
from titiler.core.factory import ColorMapFactory

from tileserver.api.parts import Parts


def router(_: Parts) -> APIRouter:
    """The list and each one."""
    routes: APIRouter = ColorMapFactory().router
    return routes
