"""What draws: catalog, reader, backend and renderer, opened together. For servers and for commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gpu.backend import Backend
from gpu.devices import open_backend
from tileserver.best import Clearest
from tileserver.catalog import open_catalog
from tileserver.ports import Catalog
from tileserver.reading import FastReader, open_reader
from tileserver.render import Renderer
from tileserver.settings import Settings
from tileserver.survey import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Parts that know of each other."""

    threads: int
    catalog: Catalog
    reader: FastReader
    backend: Backend
    survey: Survey
    renderer: Renderer


def open_engine(settings: Settings, on_fallback: Callable[[str], None] | None = None, *, warm: bool = True) -> Engine:
    """The parts that the settings name; `warm`: what is compiled is loaded before it is used.

    Raises gpu.devices.DeviceUnavailable.
    """
    catalog = open_catalog(settings.catalog or f"sqlite:///{settings.scratch() / 'catalog.db'}")
    reader = open_reader(settings)
    backend = open_backend(settings.device, on_fallback, warm=warm)
    threads = settings.rendering_threads()
    survey = Survey(catalog, reader, backend, threads)
    return Engine(
        threads=threads,
        catalog=catalog,
        reader=reader,
        backend=backend,
        survey=survey,
        renderer=Renderer(catalog, reader, backend, settings, Clearest(catalog, survey)),
    )
