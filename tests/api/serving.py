"""A server in a thread, over real sockets: what a test client in process does not show."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

THREAD = "serving"


@contextmanager
def serving(app, **options) -> Iterator[int]:
    """The port of a running server."""
    quiet = {"log_level": "critical", "access_log": False, "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, port=0, **quiet, **options))
    thread = threading.Thread(target=server.run, name=THREAD)
    thread.start()
    while not server.started:
        time.sleep(0.01)
        assert thread.is_alive()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)


class Connection(http.client.HTTPConnection):
    """One connection that is never opened anew by itself."""

    auto_open = 0

    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.1", port, timeout=20)
        self.connect()

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body."""
        self.request(method, path, headers=headers)
        answer = self.getresponse()
        return answer.status, answer.headers, answer.read()
