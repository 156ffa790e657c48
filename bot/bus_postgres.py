"""The same hints between processes where there is no Redis: PostgreSQL's LISTEN and NOTIFY.

On two connections of its own, never in a turn's transaction: commits that notify go one behind the other. What
accumulates while one hint is on its way goes with the next, so a busy door sends a hundred a second at most.
"""

import asyncio
from typing import Any

from psycopg import AsyncConnection

from bot.bus_shared import CHANNEL, SharedBus

_ALIVE_S = 10.0
_GAP_S = 0.01
#: A hint need not be on disk before the next one goes.
_OPTIONS = "-c synchronous_commit=off"


class PostgresBus(SharedBus):
    """Carries hints by PostgreSQL."""

    def __init__(self, url: str, *, log: Any, name: str) -> None:
        super().__init__(log=log, name=name)
        self._url = url

    async def _serve(self) -> None:
        async with await self._connect() as ears, await self._connect() as mouth:
            await ears.execute(f"LISTEN {CHANNEL}")
            self.is_connected = True
            self._log.info("hints_are_connected")
            await self._both(self._hear(ears), self._tell(mouth))

    async def _connect(self) -> "AsyncConnection[Any]":
        return await AsyncConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            application_name="panah-hints",
            options=_OPTIONS,
            tcp_user_timeout=20_000,
        )

    async def _hear(self, ears: "AsyncConnection[Any]") -> None:
        while True:
            async for hint in ears.notifies(timeout=_ALIVE_S):
                self._wake(hint.payload)
            async with asyncio.timeout(_ALIVE_S):  # a dead connection is silent, too
                await ears.execute("SELECT 1")

    async def _tell(self, mouth: "AsyncConnection[Any]") -> None:
        while True:
            async with asyncio.timeout(None) as patience:
                hint = await self._next_hint()
                patience.reschedule(asyncio.get_running_loop().time() + _ALIVE_S)
                await mouth.execute("SELECT pg_notify(%s, %s)", (CHANNEL, hint))
            await asyncio.sleep(_GAP_S)

    async def _close(self) -> None:
        """Nothing outlives a connection here."""

    def _tell_away(self, code: str, attempts: int) -> None:
        self._log.warning("hints_are_away", code=code, attempts=attempts)
