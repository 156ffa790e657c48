"""What an installation under proof stands on: SQLite's file, a PostgreSQL of its own, or that with a Redis that ails.

The installation reaches PostgreSQL through a wire that can lose a COMMIT or its answer; the judge reads beside it.
"""

import asyncio
import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from typing import Any, Literal, Self

from bot.proof.cluster import Cluster, has_postgres
from bot.proof.commit_wire import CommitWire
from bot.proof.wire import Trouble, Wire
from bot.proof.wire_site import RedisServer, has_redis
from bot.store.dialect import formatted

#: What the rounds of a kind stand on. `redis` is PostgreSQL with a Redis beside it.
On = Literal["sqlite", "postgres", "redis"]
#: What Redis suffers in a round; empty: nothing.
RedisTrouble = Literal["", "down", "flushed", "slow"]

_SLOW = Trouble(latency_s=0.4, jitter_s=0.3)
_FLUSH_EVERY_S = 0.05


def is_here(on: On) -> bool:
    """True when the programs that it needs are on this machine."""
    return (on == "sqlite" or has_postgres()) and (on != "redis" or has_redis())


class Ground:
    """Where installations are put. On SQLite there is nothing to be made."""

    def __init__(self, on: On) -> None:
        self.on = on
        self.wire: CommitWire | None = None
        self._cluster: Cluster | None = None
        self._redis: RedisServer | None = None
        self._redis_wire: Wire | None = None
        self._numbers = itertools.count(1)
        self._all = contextlib.AsyncExitStack()
        self._flushing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self.on == "sqlite":
            return self
        self._cluster = await asyncio.to_thread(Cluster)
        self._all.push_async_callback(asyncio.to_thread, self._cluster.close)
        self.wire = await self._all.enter_async_context(CommitWire(self._cluster.folder))
        if self.on == "redis":
            self._redis = RedisServer()
            await self._redis.start()
            self._all.callback(self._redis.stop)
            self._redis_wire = await self._all.enter_async_context(Wire("127.0.0.1", self._redis.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.heal()
        await self._all.aclose()

    @property
    def cluster(self) -> Cluster:
        """The PostgreSQL."""
        assert self._cluster is not None
        return self._cluster

    @contextlib.contextmanager
    def place(self) -> Iterator[tuple[dict[str, str], "Reader | None"]]:
        """Give the settings of a fresh installation and who reads its rows; its database is dropped behind it."""
        if self._cluster is None or self.wire is None:
            yield {}, None
            return
        name = f"proof{next(self._numbers)}"
        reader = Reader(self._cluster.create(name))
        settings = {"PANAH_DATABASE": f"postgresql://panah@/{name}?host={self.wire.folder}"}
        if self._redis_wire is not None:
            settings["PANAH_REDIS_URL"] = f"redis://127.0.0.1:{self._redis_wire.port}"
        try:
            yield settings, reader
        finally:
            reader.close()
            self._cluster.drop(name)

    async def ail(self, trouble: RedisTrouble) -> None:
        """Let Redis suffer until `heal`."""
        if self._redis is None or self._redis_wire is None:
            return
        if trouble == "down":
            self._redis.stop()
        elif trouble == "slow":
            self._redis_wire.be(_SLOW)
        elif trouble == "flushed":
            self._flushing = asyncio.create_task(self._keep_flushing(self._redis))

    async def heal(self) -> None:
        """Give Redis back, empty where it was killed."""
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
            self._flushing = None
        if self._redis is None or self._redis_wire is None:
            return
        self._redis_wire.heal()
        if not self._redis.is_running:
            await self._redis.start()

    async def _keep_flushing(self, redis: RedisServer) -> None:
        while True:
            await asyncio.to_thread(redis.flush)
            await asyncio.sleep(_FLUSH_EVERY_S)


class Reader:
    """Reads an installation's rows beside it, on a connection of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: Any = None

    def rows(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Run one of our texts.

        Raises:
            sqlite3.OperationalError: the server does not answer.
        """
        import psycopg  # noqa: PLC0415 - an extra

        try:
            if self._connection is None:
                self._connection = psycopg.connect(self.url, autocommit=True, connect_timeout=5)
            found: list[tuple[Any, ...]] = self._connection.execute(formatted(sql).encode(), values).fetchall()
        except psycopg.Error as error:
            self.close()
            raise sqlite3.OperationalError("PostgreSQL does not answer") from error
        return found

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
