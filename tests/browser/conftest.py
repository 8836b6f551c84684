"""A real Chromium on a real server over a small demo archive."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.viewer import Viewer
from tests.live import ROOT, free_port, running
from tileserver.demo import Scene, make_demo

ARCHIVE = ROOT / "build" / "demo-archive-small"
"""Kept between runs: it is the same each time."""
PIXEL = 40.0
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage", "--mute-audio"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def archive() -> Path:
    return make_demo(ARCHIVE, scene=Scene(pixel=PIXEL))


def _environment(cache: Path, **settings: str) -> dict[str, str]:
    return os.environ | {"TILESERVER_CACHE_DIR": str(cache), "TILESERVER_DEVICE": "cpu"} | settings


@pytest.fixture(scope="session")
def server(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `tileserver serve` on the archive, with a slash at its end."""
    if not (ROOT / "viewer" / "dist" / "index.html").is_file():
        pytest.skip("the viewer is not built: run make setup")
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    command = [sys.executable, "-m", "tileserver.cli", "serve", str(archive), "--port", str(port)]
    with running(command, f"http://127.0.0.1:{port}", folder / "log", env=_environment(folder / "cache")) as live:
        yield f"{live.base}/"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine: install Debian's package chromium")
    browser = playwright.chromium.launch(executable_path=path, args=ARGS)
    yield browser
    browser.close()


@pytest.fixture
def make_viewer(browser: Browser, server: str) -> Iterator[Any]:
    """Makes viewers; in the end none of them may have complained or asked anybody else."""
    viewers: list[Viewer] = []
    contexts: list[BrowserContext] = []

    def make(*, width: int = 1200, height: int = 760, **options: Any) -> Viewer:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="en-GB", accept_downloads=True, **options
        )
        page: Page = context.new_page()
        page.set_default_timeout(20_000)
        contexts.append(context)
        viewers.append(Viewer(page, server))
        return viewers[-1]

    yield make
    complaints = [complaint for viewer in viewers for complaint in viewer.complaints]
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def viewer(make_viewer: Any) -> Viewer:
    return make_viewer()


@pytest.fixture
def elsewhere() -> Iterator[Any]:
    """Puts a page on another origin; returns its address."""
    pages: list[bytes] = []

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages[-1] if self.path == "/" else b"")

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    host = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = Thread(target=host.serve_forever, daemon=True)
    thread.start()

    def put(page: str) -> str:
        pages.append(page.encode())
        return f"http://127.0.0.1:{host.server_port}/"

    yield put
    host.shutdown()
    host.server_close()
