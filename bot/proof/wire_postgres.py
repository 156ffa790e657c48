"""PostgreSQL behind a wire that misbehaves, and the faults that strike there.

Two wires in a row: a TCP wire (bot.proof.wire), so that what holds for a network holds here, and behind it the one
that can lose a COMMIT or its answer. The server is a real one; only what it says when it lets nobody in is said by
the wire, which needs neither two hundred clients nor a recovery that lasts.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Self

from bot.proof.cluster import Cluster
from bot.proof.commit_wire import CommitWire
from bot.proof.ground import Reader
from bot.proof.wire import Trouble, Wire

_NUMBERS = itertools.count(1)
#: The server's refusals of a new connection: SQLSTATE and its own words.
TOO_MANY = "53300", "sorry, too many clients already"
STARTING = "57P03", "the database system is starting up"


class PostgresWire(Wire):
    """The TCP wire in front of the other one."""

    def __init__(self, commits: CommitWire) -> None:
        super().__init__("", 0)
        self._commits = commits
        self.refusal: tuple[str, str] | None = None

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self._commits.path))

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refusal = self.refusal  # it may be healed before the client has said a word
        if refusal is None:
            await super()._take(reader, writer)
            return
        with contextlib.suppress(OSError):
            if await reader.read(1024):
                writer.write(_refused(*refusal))
                await writer.drain()
        writer.close()


def _refused(state: str, words: str) -> bytes:
    """Give an ErrorResponse, as PostgreSQL's protocol 3 writes it."""
    body = f"SFATAL\0VFATAL\0C{state}\0M{words}\0\0".encode("ascii")
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


class PostgresSide:
    """A database of one installation, and the wires to it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.name = f"fault{next(_NUMBERS)}"
        self._all = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.reader = Reader(await asyncio.to_thread(self.cluster.create, self.name))
        self.commits = await self._all.enter_async_context(CommitWire(self.cluster.folder))
        self.wire = await self._all.enter_async_context(PostgresWire(self.commits))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.reader.close()
        await self._all.aclose()
        await asyncio.to_thread(self.cluster.drop, self.name)

    @property
    def url(self) -> str:
        """Give the address at which Panah finds it."""
        return f"postgresql://panah@127.0.0.1:{self.wire.port}/{self.name}?sslmode=disable&gssencmode=disable"

    def refuse(self, refusal: tuple[str, str]) -> None:
        """Throw everybody out and let nobody in."""
        self.wire.refusal = refusal
        self.wire.be(Trouble(reset=True))

    def heal(self) -> None:
        """Be whole again, but for the server itself."""
        self.wire.refusal = None
        self.wire.heal()
        self.commits.disarm()


class Servers:
    """One server for all who leave it alone; who strikes it gets one of its own."""

    def __init__(self) -> None:
        self._shared: Cluster | None = None
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def side(self, *, own: bool) -> AsyncIterator[PostgresSide]:
        """Give a database of somebody's own."""
        if own:
            cluster = await asyncio.to_thread(Cluster)
        else:
            async with self._lock:
                if self._shared is None:
                    self._shared = await asyncio.to_thread(Cluster)
                cluster = self._shared
        try:
            async with PostgresSide(cluster) as side:
                yield side
        finally:
            if own:
                await asyncio.to_thread(cluster.close)

    async def close(self) -> None:
        """Stop the shared one."""
        if self._shared is not None:
            await asyncio.to_thread(self._shared.close)
            self._shared = None
