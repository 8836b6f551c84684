"""`tileserver serve`: a catalog or folders as a map."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from tileserver import logs
from tileserver.catalog import open_catalog
from tileserver.commands.console import ConsoleReport
from tileserver.commands.options import Refused, catalog_option, catalog_uri_of, existing, settings_with
from tileserver.cores import cores
from tileserver.ingest.folders import FolderIndex, index_uri
from tileserver.ingest.report import Report
from tileserver.ingest.watch import Watcher
from tileserver.settings import Settings

if TYPE_CHECKING:
    from gpu.service import Process


@click.command("serve")
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@catalog_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0: all.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(0, 256), help="Processes; 0: one for each core."
)
def command(paths: tuple[str, ...], catalog_uri: str, host: str, port: int, workers: int) -> None:
    """Serve a catalog, or folders of rasters directly.

    Folders are watched: new, changed and removed files show within a minute. Dates, assets and styles are guessed
    from names and contents; a collection.json beside the data overrides the guesses.
    """
    folders = existing(paths)
    settings = settings_with(catalog=catalog_uri)
    workers = workers or cores()
    _check_device(settings)
    listener = _listen(host, port)
    watcher = None
    if folders:
        # With a catalog of the operator's own, the folders are added to what it has.
        own = not catalog_uri
        settings = settings_with(catalog=index_uri(folders, settings) if own else catalog_uri)
        watcher = _index(folders, settings, alone=own)
    try:
        _say(settings, listener, workers)
        _run(settings, listener, workers)
    finally:
        if watcher:
            watcher.stop()


def _check_device(settings: Settings) -> None:
    """Raises DeviceUnavailable before anything else is done."""
    if settings.device == "cuda":
        from gpu.devices import DeviceUnavailable, why_no_cuda

        if reason := why_no_cuda():
            raise DeviceUnavailable(f"The device asked for is cuda, but {reason}.")


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; a taken port is an error now, not after minutes of indexing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, UnicodeError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "it is no address of this machine"
        raise Refused(f"Cannot listen on {host}:{port}: {reason}. Choose another port with --port.") from error
    listener.set_inheritable(True)
    return listener


def _index(folders: list[Path], settings: Settings, *, alone: bool) -> Watcher:
    """Bring the index up to date, then keep it so in the background."""
    catalog = open_catalog(settings.catalog)
    with ConsoleReport() as report:
        index = FolderIndex(catalog, folders, report, alone=alone)
        index.refresh()
    report.close_with_hints()
    if not report.collections:
        report.console.print("Nothing to draw was found yet; the folders are watched.", style="yellow")
    index.report = _Log(report.skipped)
    watcher = Watcher(folders, index.refresh, settings.rescan_seconds)
    watcher.start()
    return watcher


class _Log(Report):
    """While serving, remarks go to the log, each once."""

    def __init__(self, told: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._told = set(told)

    def skip(self, file: str, reason: str) -> None:
        import logging

        if (file, reason) not in self._told:
            self._told.add((file, reason))
            logging.getLogger("tileserver.watch").warning("Skipped %s: %s", file, reason)

    def hint(self, file: str, text: str) -> None:
        """Said once, at the start; not kept."""


def _say(settings: Settings, listener: socket.socket, workers: int) -> None:
    host, port = listener.getsockname()[:2]
    count = len(open_catalog(catalog_uri_of(settings)).collections())
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - only for display
    shown = f"[{shown}]" if ":" in shown else shown
    processes = f", {workers} processes" if workers > 1 else ""
    click.echo(
        f"Serving {count} collection{'s' * (count != 1)} on http://{shown}:{port}{processes}. Stop with Ctrl+C.",
        err=True,
    )


def _run(settings: Settings, listener: socket.socket, workers: int) -> None:
    import uvicorn

    log = logs.set_up(settings)
    options: dict[str, object] = {
        "log_level": "warning" if settings.log_level == "info" else settings.log_level,
        "access_log": False,
        "http": "tileserver.wire:Protocol",
        "server_header": False,
        "timeout_graceful_shutdown": 5,
    }
    if workers == 1:
        from tileserver.app import process_app

        config = uvicorn.Config(process_app(settings, log), **options)  # type: ignore[arg-type]
        uvicorn.Server(config).run(sockets=[listener])
        return
    from uvicorn.supervisors import Multiprocess

    os.environ["TILESERVER_CATALOG"] = catalog_uri_of(settings)
    if not settings.threads:
        os.environ["TILESERVER_THREADS"] = str(math.ceil(cores() / workers))
    gpu_process = _own_gpu(settings)
    try:
        config = uvicorn.Config("tileserver.app:app_from_environment", factory=True, workers=workers, **options)  # type: ignore[arg-type]
        with TemporaryDirectory(prefix="tileserver-metrics-") as folder:
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)  # /metrics of any process speaks for all
            Multiprocess(config, sockets=[listener]).run()
    finally:
        if gpu_process:
            gpu_process.close()


def _own_gpu(settings: Settings) -> Process | None:
    """The one process that owns the GPU for all workers, where there is a GPU."""
    from gpu.devices import why_no_cuda
    from gpu.service import Process

    if settings.device == "cpu" or why_no_cuda():
        return None
    process = Process("cuda")
    if process.ready:
        os.environ.update(process.environment)
    return process
