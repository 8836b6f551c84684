"""HTTP on the wire: the head of an answer and its body leave in one piece."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_WAIT_BYTES = 4096
"""Heads are shorter; of what is longer nothing is gained by waiting."""


class Together:
    """A transport on which short writes wait for the next one, at most until the event loop goes on.

    Each write is a system call and wakes the client, which can do nothing with a head alone.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting = b""

    def write(self, data: bytes) -> None:
        """Send, soon."""
        if self._waiting:
            data, self._waiting = self._waiting + data, b""
        elif len(data) < _WAIT_BYTES:
            self._waiting = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        """Send what waits, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._waiting:
            data, self._waiting = self._waiting, b""
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """uvicorn's own over such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client."""
        super().connection_made(cast("asyncio.Transport", Together(transport, self.loop)))
