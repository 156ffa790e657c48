"""The provider's other half: a server of `sendMessage` that answers at once and keeps what each chat was told.

It is an asyncio protocol in the load client's process, so that one process knows what was sent to the service and
what came back, and the service's own CPU is all that is measured.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import cast
from urllib.parse import parse_qs

import httptools

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
_CHAT_FIELD = b'name="chat_id"\r\n'


class Provider:
    """What came out, by chat."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self.told: Counter[int] = Counter()
        self._hear = told
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Listen; give the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Call(self), "127.0.0.1", 0, backlog=1024)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    def take(self, path: bytes, body: bytes, kind: bytes) -> bytes:
        """Answer one call."""
        if not path.endswith(b"/sendMessage"):
            return b'{"ok":true,"result":true}'
        chat = _chat_of(body, kind)
        self.told[chat] += 1
        self._hear(chat)
        number = self.told.total()
        return b'{"ok":true,"result":{"message_id":%d,"date":1,"chat":{"id":%d,"type":"private"},"text":"-"}}' % (
            number,
            chat,
        )


def _chat_of(body: bytes, kind: bytes) -> int:
    if kind.startswith(b"application/json"):
        return int(json.loads(body)["chat_id"])
    if kind.startswith(b"multipart/"):
        at = body.index(_CHAT_FIELD)
        value = body.index(b"\r\n\r\n", at) + 4
        return int(body[value : body.index(b"\r\n", value)])
    return int(parse_qs(body.decode())["chat_id"][0])


class _Call(asyncio.Protocol):
    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._path = self._body = self._kind = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own, which is no subclass

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._path = self._body = self._kind = b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self._kind = value

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        answer = self._provider.take(self._path, self._body, self._kind)
        if self._transport is not None:
            self._transport.write(_HEAD + b"%d\r\n\r\n" % len(answer) + answer)
