"""Looks each second at what is due: a question's silence, an untaken case, and every row of the due-table.

A session's deadline becomes an ordinary arrival whose provider id names it: fired twice, it is a duplicate. A due row
is acted on and marked in one transaction, each behind a savepoint of its own, so one that fails holds nobody up.
Promises that an outage made late are spread first (I18).
"""

import asyncio
import json
from typing import Any

from bot.beats import Beats
from bot.core.clock import Clock
from bot.core.fault import fault
from bot.core.messages import InboundMsg, NotTakenInput, SilenceInput
from bot.due import GRACE_MS, SPOKEN, SPREAD_MS, Due, DueActions, Outcome
from bot.inbox import Arrival, Inbox
from bot.jumps import Jumps
from bot.store.database import Store, Tx
from bot.store.trouble import is_again
from bot.telemetry import Log

_WAITS = """
SELECT 'silence', contact_id, id, silence_at, silence_visit FROM sessions
  WHERE silence_at <= :now AND ended_at IS NULL
UNION ALL SELECT 'not_taken', contact_id, id, not_taken_at, not_taken_visit FROM sessions
  WHERE not_taken_at <= :now AND ended_at IS NULL
ORDER BY 4, 1 LIMIT 200
"""
#: Rows that are fired in one pass; a long line of them is no burst.
_ROWS_MAX = 50
_DUE = (
    "SELECT id, kind, subject, step, contact_id, detail, attempts, due_at FROM due"
    " WHERE state = 'planned' AND due_at <= ? ORDER BY due_at, id LIMIT ?"
)
_MARK = "UPDATE due SET state = ?, fired_at = ? WHERE id = ? AND state = 'planned'"
_AGAIN = "UPDATE due SET due_at = ?, attempts = ? WHERE id = ? AND state = 'planned'"
_MISSED = "SELECT 1 FROM due WHERE state = 'planned' AND kind = ? AND due_at < ? LIMIT 1"
#: The same spread as bot.due.spread_ms.
_SPREAD = (
    "UPDATE due SET due_at = :now + id * 2654435761 % 4294967296 % :within WHERE id IN"
    " (SELECT id FROM due WHERE state = 'planned' AND kind = :kind AND due_at < :missed ORDER BY due_at, id LIMIT 500)"
)
#: The wait after a row's action failed, by attempt; and for a kind nobody knows (a newer release's): left, not lost.
_AFTER_FAILURE_MS = (60_000, 600_000, 3600_000)


class Timers:
    """Fires what is due."""

    def __init__(
        self, *, store: Store, inbox: Inbox, clock: Clock, actions: DueActions, jumps: Jumps, log: Log, beats: Beats
    ) -> None:
        self._store = store
        self._beats = beats
        self._inbox = inbox
        self._clock = clock
        self._actions = actions
        self._jumps = jumps
        self._log = log
        self._in_line: dict[str, Arrival] = {}  #: by provider id, until the worker has taken it

    async def run(self) -> None:
        """Look each second, for ever."""
        while True:
            try:
                await asyncio.to_thread(self.fire_due)
                self._beats.beat("timers")
            except Exception as error:  # noqa: BLE001 - the loop must outlive a full disk; deadlines stay in their rows
                self._log.error("timers_failed", error=type(error).__name__)
            await asyncio.sleep(1.0)

    def next_due_ms(self) -> int | None:
        """Give the next deadline of all, for a virtual clock to jump to."""
        sql = (
            "SELECT min(at) FROM (SELECT min(silence_at) AS at FROM sessions WHERE ended_at IS NULL"
            " UNION ALL SELECT min(not_taken_at) FROM sessions WHERE ended_at IS NULL"
            " UNION ALL SELECT min(due_at) FROM due WHERE state = 'planned'"
            " UNION ALL SELECT min(due_at) FROM inbox WHERE state = 'waiting') AS deadlines"
        )
        found: int | None = self._store.read_now(lambda db: db.exec_driver_sql(sql).scalar())
        return found

    def fire_due(self) -> int:
        """Act on all that is due; give how many."""
        self._jumps.settle()
        waits = self._put_waits()
        now_ms = self._now_ms()
        for kind in self._store.read_now(lambda db: _missed(db, now_ms)):
            values = {"kind": kind, "now": now_ms, "missed": now_ms - GRACE_MS, "within": SPREAD_MS[kind]}
            self._store.write_now(lambda tx, values=values: tx.raw.execute(_SPREAD, values))  # type: ignore[misc]
        if self._store.read_now(lambda db: db.exec_driver_sql(_DUE, (now_ms, 1)).first()) is None:
            return waits
        return waits + self._store.write_now(self._fire)

    def _put_waits(self) -> int:
        """Put each session's deadline in line, once: while the writer stands still it does not come again and again."""
        self._in_line = {name: arrival for name, arrival in self._in_line.items() if not arrival.done.done()}
        before = len(self._in_line)
        for name, contact_id, row_id, due_at, visit in self._store.read_now(self._waits):
            provider_id = f"{row_id}:{name}:{due_at}"
            if provider_id in self._in_line:
                continue
            message = InboundMsg(
                channel="timer",
                external_id="",
                provider_id=provider_id,
                input=SilenceInput(visit) if name == "silence" else NotTakenInput(visit),
                received_at=self._clock.now(),
            )
            self._in_line[provider_id] = self._inbox.put(message, contact_id=contact_id)
        return len(self._in_line) - before

    def _fire(self, tx: Tx) -> int:
        """Act on the due rows, read again inside the transaction that marks them."""
        now_ms = self._now_ms()
        rows = tx.raw.execute(_DUE + tx.claiming, (now_ms, _ROWS_MAX)).fetchall()
        for row in rows:
            due = Due(
                id=row[0],
                kind=row[1],
                subject=row[2],
                step=row[3],
                contact_id=row[4],
                detail=json.loads(row[5]),
                attempts=row[6],
                due_at=row[7],
            )
            fault("F1")
            self._fire_one(tx, due, now_ms)
        return len(rows)

    def _fire_one(self, tx: Tx, due: Due, now_ms: int) -> None:
        action = self._actions.get(due.kind)
        if action is None:
            self._log.error("due_unknown", kind=due.kind, row_id=due.id)
            tx.raw.execute(_AGAIN, (now_ms + _AFTER_FAILURE_MS[-1], due.attempts, due.id))
            return
        tx.raw.execute("SAVEPOINT due")
        try:
            outcome = action(tx, due, now_ms)
        except Exception as error:
            if is_again(error):
                raise  # others were in the way of all: run again
            tx.raw.execute("ROLLBACK TO due")  # one promise that fails must not hold the others up
            tx.held.clear()
            self._log.error("due_failed", kind=due.kind, error=type(error).__name__, row_id=due.id)
            wait_ms = _AFTER_FAILURE_MS[min(due.attempts, len(_AFTER_FAILURE_MS) - 1)]
            tx.raw.execute(_AGAIN, (now_ms + wait_ms, due.attempts + 1, due.id))
        else:
            fault("F2")
            _mark(tx, due, outcome, now_ms)
        tx.raw.execute("RELEASE due")

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _waits(self, db: Any) -> list[tuple[str, str, str, int, Any]]:
        return [tuple(row) for row in db.exec_driver_sql(_WAITS, {"now": self._now_ms()})]


def _mark(tx: Tx, due: Due, outcome: Outcome, now_ms: int) -> None:
    if isinstance(outcome, int):
        tx.raw.execute(_AGAIN, (outcome, 0, due.id))
    else:
        tx.raw.execute(_MARK, (outcome, now_ms, due.id))


def _missed(db: Any, now_ms: int) -> list[str]:
    """Give the kinds of which some were missed by more than the grace."""
    return [kind for kind in SPOKEN if db.exec_driver_sql(_MISSED, (kind, now_ms - GRACE_MS)).first() is not None]
