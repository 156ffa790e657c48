"""Heartbeats: each loop says that it lives, and the table `beats` tells those who ask from outside.

A beat is a note in memory, so it may be given at every turn from any thread. What is new is written in one small
commit each five seconds, through the writer's thread: whoever stops beating, and a writer that hangs, both grow old
in the table (I30). What happened how often since the start is counted beside it, for /metrics. Names, details and
labels are codes and numbers, never content.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bot.core.clock import Clock
from bot.store.database import Store, Tx
from bot.telemetry import Log

#: At most one write of all names of the process in this time.
WRITE_EVERY_S = 5.0

#: Wall time that moved this much differently from monotonic time has jumped.
_JUMP_S = 2.0

#: What a loop tells about itself: counts, ages, codes.
Detail = dict[str, int | str]
#: What is counted: its name and its labels, all of them from fixed lists.
Counted = tuple[str, tuple[tuple[str, str], ...]]

_WRITE = (
    "INSERT INTO beats (name, at, detail) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET at = excluded.at, detail = excluded.detail"
)


@dataclass(frozen=True, slots=True)
class Beat:
    """When a loop last said that it lives, and what it told about itself."""

    at_ms: int
    detail: Detail = field(default_factory=dict)


class Beats:
    """The heartbeats of one process. `beat` may be called from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[str, Beat] = {}
        self._written: dict[str, Beat] = {}
        self._times = (clock.now().timestamp(), clock.monotonic())
        self._wrote_at = clock.monotonic()
        self._counts: dict[Counted, int] = {}

    def beat(self, name: str, **detail: int | str) -> None:
        """Say that a loop lives; a detail that is not given again stays as it was."""
        last = self._last.get(name)
        now_ms = int(self._clock.now().timestamp() * 1000)
        self._last[name] = Beat(now_ms, {**last.detail, **detail} if last else detail)

    def age_s(self, name: str) -> float | None:
        """Give how long ago a loop of this process last beat; None when it never did."""
        last = self._last.get(name)
        return None if last is None else self._clock.now().timestamp() - last.at_ms / 1000

    def count(self, name: str, by: int = 1, **labels: str) -> None:
        """Count something that happened; each name is counted on one thread."""
        key = (name, tuple(labels.items()))
        self._counts[key] = self._counts.get(key, 0) + by

    @property
    def counts(self) -> "dict[Counted, int]":
        """Give what was counted since the start."""
        return self._counts.copy()

    @property
    def unwritten_s(self) -> float:
        """For how long nothing could be written."""
        return self._clock.monotonic() - self._wrote_at

    def look_at_clock(self) -> None:
        """Note when wall time jumped since the last look (I18 holds all the same; people should know)."""
        wall, ticks = self._clock.now().timestamp(), self._clock.monotonic()
        jumped_s = (wall - self._times[0]) - (ticks - self._times[1])
        self._times = (wall, ticks)
        if abs(jumped_s) > _JUMP_S:
            self.beat("clock", jumped_s=round(jumped_s), jumped_at=int(wall * 1000))

    def write(self, tx: Tx) -> None:
        """Write what is new since the last write."""
        last = self._last.copy()  # in one step: other threads beat meanwhile
        fresh = [
            (name, beat.at_ms, json.dumps(beat.detail))
            for name, beat in last.items()
            if self._written.get(name) is not beat
        ]
        tx.raw.executemany(_WRITE, fresh)
        self._written = last

    async def run(self, store: Store, log: Log, *, pulse: Callable[[], None]) -> None:
        """Write every five seconds, for ever; `pulse` has the worker prove itself first, also when nobody writes."""
        while True:
            pulse()
            self.look_at_clock()
            try:
                await store.write(self.write)
                self._wrote_at = self._clock.monotonic()
            except Exception as error:  # noqa: BLE001 - the loop must outlive a full disk; old beats are the alarm
                self._written = {}
                log.error("beats_failed", error=type(error).__name__)
            await asyncio.sleep(WRITE_EVERY_S)


def begin(tx: Tx) -> None:
    """Forget the loops of the process before: only those that are wired now are missed."""
    tx.raw.execute("DELETE FROM beats")


def read_beats(connection: Connection) -> dict[str, Beat]:
    """Give every loop's last heartbeat by its name."""
    rows = connection.exec_driver_sql("SELECT name, at, detail FROM beats").all()
    return {name: Beat(at, json.loads(detail)) for name, at, detail in rows}
