"""The wire to PostgreSQL: passes everything, and when it is told to, breaks at a COMMIT.

Before it: the server never hears of it, and the transaction is gone. Behind it: the server keeps the transaction, and
nobody hears that it did. Both look the same to who asked.
"""

import asyncio
import contextlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import Literal, Self

Cut = Literal["before", "behind"]

_NAME = ".s.PGSQL.5432"
#: A simple query, or a statement that is prepared under a name, or one that is run by its name.
_QUERY = re.compile(rb"Q.{4}COMMIT;?\0", re.DOTALL)
_PARSE = re.compile(rb"P.{4}([^\0]*)\0COMMIT;?\0", re.DOTALL)
_BIND = re.compile(rb"B.{4}[^\0]*\0([^\0]*)\0", re.DOTALL)


class CommitWire:
    """A socket in a directory of its own, in front of a server's."""

    def __init__(self, server: Path) -> None:
        self._server = server / _NAME
        self.folder = Path(tempfile.mkdtemp(prefix="panah-wire-"))
        self.path = self.folder / _NAME
        self._cut: Cut | None = None
        self._left = 0
        self._ways: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_unix_server(self._accept, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def arm(self, cut: Cut, times: int) -> None:
        """Break at the next so many COMMITs."""
        self._cut, self._left = cut, times

    @property
    def is_idle(self) -> bool:
        """True when every cut was made."""
        return self._left == 0

    def disarm(self) -> int:
        """Pass everything again; give how many cuts were left."""
        left, self._left = self._left, 0
        return left

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way is not None
        self._ways.add(way)
        way.add_done_callback(self._ways.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                server_reader, server_writer = await asyncio.open_unix_connection(str(self._server))
            except OSError:
                writer.transport.abort()
                return
            await self._between(_Line(reader, writer), _Line(server_reader, server_writer))

    async def _between(self, client: "_Line", server: "_Line") -> None:
        ways = {asyncio.create_task(self._asked(client, server)), asyncio.create_task(_passed(server, client))}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            client.writer.transport.abort()
            server.writer.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _asked(self, client: "_Line", server: "_Line") -> None:
        names: set[bytes] = set()
        while some := await client.reader.read(65536):
            if self._is_commit(some, names) and self._left > 0:
                self._left -= 1
                if self._cut == "behind":
                    client.is_deaf = True
                    await server.send(some)
                    await server.heard.wait()  # its answer came, and goes nowhere
                return
            await server.send(some)

    @staticmethod
    def _is_commit(some: bytes, names: set[bytes]) -> bool:
        parsed = _PARSE.findall(some)
        names.update(name for name in parsed if name)
        return bool(parsed) or bool(_QUERY.search(some)) or any(name in names for name in _BIND.findall(some) if name)


class _Line:
    """One side of a way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.is_deaf = False
        self.heard = asyncio.Event()

    async def send(self, some: bytes) -> None:
        self.writer.write(some)
        await self.writer.drain()


async def _passed(server: _Line, client: _Line) -> None:
    while some := await server.reader.read(65536):
        if client.is_deaf:
            server.heard.set()
        else:
            await client.send(some)
    server.heard.set()
