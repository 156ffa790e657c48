"""Looks at health when somebody asks, at most every few seconds however many ask: with no page open it costs nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from bot.beats import Beats, Counted
from bot.core.clock import TEHRAN, Clock
from bot.health.checks import ENGINE_S, Facts, Report, judge
from bot.health.facts import WATCH_SIGN, Rows, free_share, touched_ms
from bot.health.metrics import count_samples, exposition, process_samples, read_numbers, report_samples
from bot.store.database import Store
from bot.telemetry import Log

#: A look is good for this long.
LOOK_S = 3.0
#: A look that takes longer counts as a database that does not answer.
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthDeps:
    """What health looks at. The three questions are asked at each look and must be cheap."""

    store: Store
    clock: Clock
    beats: Beats
    log: Log
    data_dir: Path
    oldest_arrival: Callable[[], datetime | None]  # of what waits in memory for its turn
    oldest_line: Callable[[], date | None]
    has_way_out: Callable[[], bool]
    counted: Callable[[], dict[Counted, int]]
    shared_away_s: Callable[[], float] = lambda: 0.0


class HealthWatch:
    """The health of this installation, as one process sees it."""

    def __init__(self, deps: HealthDeps) -> None:
        self._deps = deps
        self._started_ms = self._now_ms()
        self._looked_at = 0.0
        self._report: Report | None = None
        self._lock = asyncio.Lock()

    @property
    def latest(self) -> Report | None:
        """Give the last look, however old; None before the first."""
        return self._report

    async def look(self) -> Report:
        """Give a report that is a few seconds old at most."""
        async with self._lock:
            now_s = self._deps.clock.monotonic()
            if self._report is None or now_s - self._looked_at >= LOOK_S:
                self._report = judge(await self._gather())
                self._looked_at = now_s
            return self._report

    async def metrics(self) -> str:
        """Give the numbers of this moment in Prometheus' text form."""
        report = await self.look()
        now_ms = self._now_ms()
        rows = await self._deps.store.read(lambda connection: read_numbers(connection, now_ms))
        return exposition([*report_samples(report), *rows, *count_samples(self._deps.counted()), *process_samples()])

    def ready(self) -> bool:
        """True while a message could be stored and answered: turns run, and commits reach the disk."""
        return self.alive() and self._deps.beats.unwritten_s <= ENGINE_S

    def alive(self) -> bool:
        """True while turns are run, told from memory: it answers also when the database does not."""
        return (self._deps.beats.age_s("worker") or 0.0) <= ENGINE_S

    async def _gather(self) -> Facts:
        rows: Rows | None = None
        oldest: date | None = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                rows = await self._deps.store.read(Rows)
                oldest = await asyncio.to_thread(self._deps.oldest_line)
        except Exception as error:  # noqa: BLE001 - a database that fails is a fact of health, and not this page's end
            self._deps.log.error("health_unreadable", error=type(error).__name__)
        return self._facts(rows, oldest)

    def _facts(self, rows: Rows | None, oldest_line: date | None) -> Facts:
        deps, now = self._deps, self._deps.clock.now()
        arrival = deps.oldest_arrival()
        waiting = [rows.oldest_inbox_ms] if rows and rows.oldest_inbox_ms else []
        waiting += [int(arrival.timestamp() * 1000)] if arrival else []
        return Facts(
            now_ms=self._now_ms(),
            started_ms=self._started_ms,
            beats=rows.beats if rows else {},
            watch_ms=touched_ms(deps.data_dir / WATCH_SIGN),
            has_way_out=deps.has_way_out(),
            oldest_inbox_ms=min(waiting, default=None),
            urgent_ms=rows.urgent_ms if rows else None,
            newest_row_ms=rows.newest_row_ms if rows else None,
            disk_free=free_share(deps.data_dir),
            installed_ms=rows.installed_ms if rows else None,
            backup_ms=rows.backup_ms if rows else None,
            retention_ms=rows.retention_ms if rows else None,
            oldest_line_on=oldest_line,
            purged_ms=rows.purged_ms if rows else None,
            audit_ms=rows.audit_ms if rows else None,
            audit_broken=rows.audit_broken if rows else 0,
            today=now.astimezone(TEHRAN).date(),
            readable=rows is not None,
            shared_away_s=deps.shared_away_s(),
        )

    def _now_ms(self) -> int:
        return int(self._deps.clock.now().timestamp() * 1000)
