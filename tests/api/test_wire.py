"""The head of an answer and its body leave together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.api.serving import Connection, serving
from tileserver.wire import Protocol, Together

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", bytes(100_000)


class Sent(list):
    """A transport that notes what it is given."""

    closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def run(work: Coroutine[Any, Any, Sent]) -> Sent:
    """In a thread: Playwright may keep a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def written(*pieces: bytes | None) -> Sent:
    """What leaves when pieces are written; None lets the event loop go on."""

    async def write() -> Sent:
        sent = Sent()
        transport = Together(sent, asyncio.get_running_loop())
        for piece in pieces:
            if piece is None:
                await asyncio.sleep(0)
            else:
                transport.write(piece)
        await asyncio.sleep(0)
        assert not transport.is_closing()
        transport.close()
        return sent

    return run(write())


def test_head_and_body_are_one_piece():
    assert written(HEAD, BODY) == [HEAD + BODY]
    assert written(HEAD, BODY, HEAD, b"more") == [HEAD + BODY, HEAD + b"more"]


def test_a_body_that_comes_later_is_not_waited_for():
    assert written(HEAD, None, b"part", None, BODY) == [HEAD, b"part", BODY]


def test_nothing_waits_when_the_connection_closes():
    async def close() -> Sent:
        sent = Sent()
        transport = Together(sent, asyncio.get_running_loop())
        transport.write(HEAD)
        transport.close()
        assert transport.is_closing()
        await asyncio.sleep(0)
        return sent

    assert run(close()) == [HEAD]


async def app(scope, _receive, send):
    kind = [(b"content-length", b"5")] if scope["path"] != "/chunks" else []
    await send({"type": "http.response.start", "status": 200, "headers": kind})
    if scope["path"] == "/chunks":
        for _ in range(3):
            await asyncio.sleep(0.01)
            await send({"type": "http.response.body", "body": b"chunk", "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": b"hello"})


def test_one_answer_is_received_at_once_and_several_in_order():
    with serving(app, http=Protocol) as port:
        ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(ask)
            assert client.recv(65536).endswith(b"hello")
            client.sendall(ask * 3)  # a pipeline
            got = b""
            while got.count(b"hello") < 3:
                got += client.recv(65536)
        connection = Connection(port)
        assert connection.get("/chunks")[2] == b"chunk" * 3
        assert connection.get("/", "HEAD")[2] == b""
        assert connection.get("/", Connection="close")[2] == b"hello"
