"""An HTTP client that costs little, so that on few cores the server is what is measured."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_READ = 1 << 18
_PATIENCE = 60


class Refused(RuntimeError):
    """An answer that is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; seconds from asking to the last byte."""

    path: str
    status: int
    head: bytes
    body: bytes
    seconds: float


class _Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self._got = bytearray()
        self._path = ""
        self._asked = 0.0

    def ask(self, path: str) -> None:
        self._got.clear()
        self._path, self._asked = path, time.perf_counter()
        self.socket.sendall(b"GET " + path.encode() + self._host)

    def receive(self) -> Answer | None:
        """The answer once it is complete."""
        more = self.socket.recv(_READ)
        self._got += more
        end = self._got.find(b"\r\n\r\n")
        if end >= 0:
            head = bytes(self._got[:end]).lower()
            body = _body(head, self._got[end + 4 :], closed=not more)
            if body is not None:
                status = int(head[9:12])
                return Answer(self._path, status, head, body, time.perf_counter() - self._asked)
        if not more:
            raise Refused(f"the connection was closed before {self._path} was answered")
        return None


def ask(port: int, paths: Sequence[str], clients: int = 1) -> list[Answer]:
    """The answers in the order they came; every client asks the next path as soon as it has an answer."""
    todo = iter(paths)
    with selectors.DefaultSelector() as ready:
        for path in _first(todo, clients):
            connection = _Connection(port)
            ready.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask(path)
        return list(_answers(ready, todo))


def _first(todo: Iterator[str], count: int) -> list[str]:
    return [path for _, path in zip(range(count), todo, strict=False)]


def _answers(ready: selectors.BaseSelector, todo: Iterator[str]) -> Iterator[Answer]:
    while ready.get_map():
        events = ready.select(_PATIENCE)
        if not events:
            raise Refused(f"no answer for {_PATIENCE} seconds")
        for key, _ in events:
            answer = key.data.receive()
            if answer is None:
                continue
            path = next(todo, None)
            if path is None:
                ready.unregister(key.fileobj)
                key.data.socket.close()
            else:
                key.data.ask(path)
            yield answer


def _body(head: bytes, got: bytearray, *, closed: bool) -> bytes | None:
    """The body by its length, its chunks, or the end of the connection; None while it is incomplete."""
    if head[9:12] in {b"204", b"304"}:
        return b""
    at = head.find(b"content-length:")
    if at >= 0:
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        return bytes(got[:length]) if len(got) >= length else None
    if b"transfer-encoding: chunked" in head:
        return _chunks(got)
    return bytes(got) if closed else None


def _chunks(got: bytearray) -> bytes | None:
    out, at = [], 0
    while (end := got.find(b"\r\n", at)) >= 0:
        size = int(got[at:end].split(b";")[0], 16)
        at = end + 2 + size + 2
        if len(got) < at:
            return None
        if not size:
            return b"".join(out)
        out.append(bytes(got[end + 2 : end + 2 + size]))
    return None
