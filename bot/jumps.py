"""When the machine's clock jumps, every wait keeps the time it had left (I18).

A jump is a difference between the wall clock and the monotonic one. All deadlines move by it in one transaction, and
the process takes the new time with that commit: nothing fires twice, nothing at once, a day ahead and back again is as
if nothing had been. After a stop nobody knows how long it was; only a clock that stands before what is already written
was surely set back, and then time goes on from the last thing written.
"""

from typing import Any

from bot.core.clock import Clock, SteadyClock
from bot.directory import Directory
from bot.store.database import Store, Tx
from bot.telemetry import Log

#: Smaller differences are the ordinary corrections of a time server.
JUMP_S = 30.0
#: A text of hers counts as just written for less than this (contacts.seen_at).
_LATELY_MS = 3600_000

#: Deadlines and waits: by column, and where it counts.
_WAITS = (
    ("due", "due_at", "state = 'planned'"),
    ("sessions", "silence_at", "silence_at IS NOT NULL AND ended_at IS NULL"),
    ("sessions", "not_taken_at", "not_taken_at IS NOT NULL AND ended_at IS NULL"),
    ("cases", "lease_until", "state = 'claimed'"),
    ("cases", "next_action_at", "state = 'waiting'"),
    ("cases", "queued_at", "state = 'queued'"),
    ("inbox", "due_at", "state = 'waiting'"),
    ("outbox", "due_at", "state IN ('queued', 'sending')"),
    ("outbox", "expires_at", "state IN ('queued', 'sending')"),
    ("outbox", "lease_until", "state IN ('queued', 'sending')"),
    ("contacts", "seen_at", "seen_at > :lately"),
    ("contacts", "erase_due_at", "erase_due_at IS NOT NULL AND erased_at IS NULL"),
    ("shifts", "seen_at", "1"),
    ("staff_sessions", "seen_at", "1"),
    ("staff_sessions", "expires_at", "1"),
    ("staff_devices", "expires_at", "1"),
    ("leases", "lease_until", "1"),
)
#: What was written at a time that never was: its order must hold among what follows. The audit and the history of
#: cases stay as they are; what stands in them by then no longer tells the time.
_WRITTEN = (
    ("sessions", "started_at"),
    ("sessions", "updated_at"),
    ("sessions", "ended_at"),
    ("messages", "at"),
    ("turns", "at"),
    ("inbox", "received_at"),
    ("inbox", "done_at"),
    ("outbox", "created_at"),
    ("outbox", "sent_at"),
    ("cases", "opened_at"),
    ("cases", "closed_at"),
    ("beats", "at"),
)
#: How many of the newest rows of a table can have been written at such a time.
_NEWEST = 200_000
#: An arrival of a session's deadline is named by that deadline: unless it moves too, the deadline arrives twice.
_ARRIVED = (
    "UPDATE inbox SET provider_id = substr(provider_id, 1, length(provider_id) - 13)"
    " || (CAST(substr(provider_id, -13) AS INTEGER) + :by)"
    " WHERE channel = 'timer' AND state = 'waiting' AND kind IN ('silence', 'not_taken')"
)
_KEPT = ("audit", "case_events")
_SET_BACK = (
    "INSERT INTO meta (key, value) SELECT 'set_back.{0}', coalesce(max(id), 0) FROM {0} WHERE true"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
_LAST_KEPT = (
    "(SELECT coalesce(max(at), 0) FROM (SELECT at FROM {0} WHERE id >"
    " coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'set_back.{0}'), 0) ORDER BY id DESC LIMIT 1))"
)
#: The newest moments that the database knows.
_LAST_WRITTEN = "SELECT max({})".format(
    ", ".join(
        [
            "(SELECT coalesce(max(at), 0) FROM beats)",
            "(SELECT coalesce(max(received_at), 0) FROM (SELECT received_at FROM inbox ORDER BY id DESC LIMIT 1))",
            *(_LAST_KEPT.format(table) for table in _KEPT),
        ]
    )
)


def shift(tx: Tx, *, by_ms: int, now_ms: int) -> None:
    """Move every pending deadline by so much; `now_ms` is the time after the jump."""
    values = {"by": by_ms, "now": now_ms, "lately": min(now_ms - by_ms - _LATELY_MS, now_ms)}
    for table, column, where in _WAITS:
        tx.raw.execute(f"UPDATE {table} SET {column} = {column} + :by WHERE {where}", values)  # noqa: S608 - names above
    tx.raw.execute(_ARRIVED, values)
    if by_ms < 0:
        for table, column in _WRITTEN:
            tx.raw.execute(
                f"UPDATE {table} SET {column} = {column} + :by WHERE {column} > :now"  # noqa: S608 - names above
                f" AND rowid > (SELECT coalesce(max(rowid), 0) FROM {table}) - {_NEWEST}",
                values,
            )
        for table in (*_KEPT, "inbox"):  # of what came before, ids tell the order and times do not (bot.proof)
            tx.raw.execute(_SET_BACK.format(table))


class Jumps:
    """Watches one process's clock; `settle` comes before anything is looked at by the clock."""

    def __init__(self, *, store: Store, clock: Clock, directory: Directory, log: Log) -> None:
        self._store = store
        self._clock = clock
        self._directory = directory
        self._log = log
        self._last: tuple[float, float] | None = None

    def settle(self) -> None:
        """Shift the deadlines when the clock has jumped; else take its small corrections."""
        if self._store.is_shared:
            self._settle_own()
            return
        moved_s = self._moved_s()
        if abs(moved_s) < JUMP_S:
            if isinstance(self._clock, SteadyClock):
                self._clock.adopt()
        else:
            self._log.warning("clock_moved", seconds=round(moved_s))
            self._store.write_now(lambda tx: self._shift(tx, moved_s))
        self._last = self._reading()

    def _settle_own(self) -> None:
        """Where several machines share the deadlines, one machine's clock moves none of them: it only is set right."""
        if isinstance(self._clock, SteadyClock):
            drift_s = self._clock.drift_s()
            if abs(drift_s) >= JUMP_S:
                self._log.warning("clock_moved", seconds=round(drift_s))
            self._clock.adopt()

    def _reading(self) -> tuple[float, float]:
        return self._clock.now().timestamp(), self._clock.monotonic()

    def _moved_s(self) -> float:
        if self._last is None:
            return min(0.0, self._clock.now().timestamp() - self._store.read_now(_last_written) / 1000)
        if isinstance(self._clock, SteadyClock):
            return self._clock.drift_s()
        wall_s, monotonic_s = self._reading()
        return (wall_s - self._last[0]) - (monotonic_s - self._last[1])

    def _shift(self, tx: Tx, moved_s: float) -> None:
        began = self._last is None
        ahead_s = moved_s if isinstance(self._clock, SteadyClock) and not began else 0.0
        now_ms = int((self._clock.now().timestamp() + ahead_s) * 1000)
        shift(tx, by_ms=round(moved_s * 1000), now_ms=now_ms)
        self._directory.forget_all()
        tx.after_commit(self._taken)

    def _taken(self) -> None:
        self._directory.forget_all()
        if isinstance(self._clock, SteadyClock):
            self._clock.adopt()


def _last_written(db: Any) -> int:
    found: int = db.exec_driver_sql(_LAST_WRITTEN).scalar()
    return found
