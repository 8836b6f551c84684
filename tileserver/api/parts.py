"""The parts that an app is built from. Tests pass fakes."""

from __future__ import annotations

from dataclasses import dataclass, field

from gpu.backend import Backend
from tileserver.api.shelf import Shelf
from tileserver.cache import TieredCache
from tileserver.flight import SingleFlight
from tileserver.models import Image
from tileserver.ports import Catalog, Reader
from tileserver.render import Renderer
from tileserver.settings import Settings
from tileserver.survey import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything a route may use."""

    settings: Settings
    catalog: Catalog
    reader: Reader
    backend: Backend
    renderer: Renderer
    cache: TieredCache
    flight: SingleFlight[Image]
    survey: Survey
    shelf: Shelf = field(default_factory=Shelf)
