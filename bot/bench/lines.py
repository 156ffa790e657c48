"""Keep-alive connections of a load client: a handful of asyncio protocols that take prebuilt requests in turn.

A connection that breaks is opened again and its request is sent again, as a provider does; nothing here sleeps or
makes a task for a request.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import httptools

_AGAIN_S = 0.05


@dataclass(slots=True)
class Asked:
    """One request on its way, and when it was due."""

    raw: bytes
    contact: int
    due: float = 0.0
    tries: int = 0


#: Called with the request, the status and the seconds until a 503 may be tried again.
Answered = Callable[[Asked, int, float], None]


class Lines:
    """The connections, and what waits for a free one."""

    def __init__(self, port: int, answered: Answered) -> None:
        self._port = port
        self._answered = answered
        self._idle: deque[_Line] = deque()
        self._waiting: deque[Asked] = deque()
        self._lines: set[_Line] = set()
        self._closed = False
        self.broken = 0

    async def open(self, connections: int) -> None:
        """Connect."""
        for _ in range(connections):
            await self._connect()

    def ask(self, asked: Asked) -> None:
        """Send as soon as a connection is free."""
        if self._idle:
            self._idle.popleft().send(asked)
        else:
            self._waiting.append(asked)

    def close(self) -> None:
        """Let go of every connection."""
        self._closed = True
        for line in self._lines:
            line.close()

    def free(self, line: "_Line") -> None:
        """Give a free connection its next request."""
        if self._waiting:
            line.send(self._waiting.popleft())
        else:
            self._idle.append(line)

    def hear(self, asked: Asked, status: int, again_s: float) -> None:
        """Pass an answer on."""
        self._answered(asked, status, again_s)

    def lose(self, line: "_Line", asked: Asked | None) -> None:
        """Open another connection in the place of a broken one."""
        self._lines.discard(line)
        if self._closed:
            return
        if line in self._idle:
            self._idle.remove(line)
        if asked is not None:
            self.broken += 1
            self._waiting.appendleft(asked)
        asyncio.get_running_loop().call_later(_AGAIN_S, self._connect_soon)

    def _connect_soon(self) -> None:
        self._opening = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: _Line(self), "127.0.0.1", self._port)
        self._lines.add(line)


class _Line(asyncio.Protocol):
    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._parser = httptools.HttpResponseParser(self)
        self._asked: Asked | None = None
        self._again_s = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own, which is no subclass
        self._lines.free(self)

    def send(self, asked: Asked) -> None:
        self._asked = asked
        asked.tries += 1
        if asked.due == 0.0:
            asked.due = time.perf_counter()
        assert self._transport is not None
        self._transport.write(asked.raw)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            self._again_s = float(value)

    def on_message_complete(self) -> None:
        asked, self._asked = self._asked, None
        again_s, self._again_s = self._again_s, 0.0
        assert asked is not None
        status = self._parser.get_status_code()
        self._lines.hear(asked, status, again_s)
        self._lines.free(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._lines.lose(self, self._asked)
