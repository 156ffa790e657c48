"""One read for many streams: who has heard up to the same number and looks at the same moment shares what is read.

What is read is everybody's and nobody's; `reading.feed_of` takes from it what one person may see.
"""

import asyncio
from dataclasses import dataclass

from bot.core.clock import Clock
from bot.store.database import Store
from bot.store.walls import LISTS, WalledStore
from escalation import reading

#: A stream that was woken waits at least stream.GATHER_S before it looks: a read begun within this time is later.
WOKEN_S = 0.05
#: A stream that only looks in turn is served by any read of the last second.
ROUTINE_S = 1.0


@dataclass(frozen=True, slots=True)
class _Read:
    begun_at: float
    task: "asyncio.Task[reading.Changes]"


class Looks:
    """Reads once for all streams of one application."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = WalledStore(store, LISTS)
        self._clock = clock
        self._reads: dict[int, _Read] = {}

    async def newest(self) -> int:
        """Give the number of the newest change, where a stream that has just come begins."""
        return await self._store.read(reading.newest_event)

    async def after(self, last_id: int, *, woken: bool) -> reading.Changes:
        """Give what happened after a number, read at most a moment ago."""
        now_s = self._clock.monotonic()
        read = self._reads.get(last_id)
        if read is None or now_s - read.begun_at > (WOKEN_S if woken else ROUTINE_S):
            self._reads = {number: kept for number, kept in self._reads.items() if now_s - kept.begun_at <= ROUTINE_S}
            read = _Read(now_s, asyncio.create_task(self._read(last_id)))
            self._reads[last_id] = read
        return await asyncio.shield(read.task)  # a stream that ends must not end the read of the others

    async def _read(self, last_id: int) -> reading.Changes:
        return await self._store.read(lambda connection: reading.look_after(connection, last_id))
