"""Rows that wait in the inbox: acts of counsellors, failed turns, and everything after an unclean stop.

Each is run by itself: its attempt is committed first, then its turn. What has failed or killed the process three
times is quarantined, and a person gets a case: nothing a human wrote is dropped.
"""

import asyncio
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bot.beats import Beats
from bot.bus import Bus
from bot.commit import Rows
from bot.core.clock import Clock
from bot.core.events import EscalationRequested, Event, MessageSent
from bot.core.messages import HUMAN_INPUTS, LATE_AFTER, InboundMsg, UnreadableInput
from bot.directory import Directory
from bot.inbox import Arrival
from bot.inbox_codec import input_from_json
from bot.known import Known
from bot.store.crypto import UnreadableError
from bot.store.database import Store, Tx
from bot.store.trouble import is_disk_trouble
from bot.store.vault import unseal
from bot.telemetry import Log
from bot.turns import TurnRunner
from bot.worker import RETRY_MS

#: A row is tried this often before a person takes over.
ATTEMPTS_MAX = 3
#: When a row that could not even be given up is looked at again.
_LATER_MS = 60_000
SAFE_TEXT = "پیامتان رسید. یک همکار آن را می‌خواند. در خطر فوری همین حالا 123، 110 یا 115 را بگیرید."
SAFE_TEXT_COVERT = "110 / 123"

#: A pass begins no further round after so many rows.
_PASS = 100
#: Of each contact what `_TRY` lets run: her first row and the first that may pass it, so that one long line stands
#: before nobody. Contacts with an
#: urgent case first, then who wrote just now, oldest first; then what is late, the newest first.
_DUE = """
SELECT i.id FROM (
  SELECT contact_id, max(coalesce(sent_at, received_at)) FILTER (WHERE due_at <= :now) AS newest,
    min(due_at) AS since, min(id) FILTER (WHERE attempts < 3) AS first,
    min(id) FILTER (WHERE overtakes = 1 AND due_at <= :now) AS passing FROM inbox INDEXED BY inbox_waiting
  WHERE state = 'waiting' GROUP BY contact_id) n
JOIN inbox i INDEXED BY inbox_waiting ON i.contact_id = n.contact_id
  AND (n.first IS NULL OR i.id <= n.first OR i.id = n.passing)
WHERE i.state = 'waiting' AND i.due_at <= :now
ORDER BY NOT EXISTS (SELECT 1 FROM cases c WHERE c.contact_id = i.contact_id AND c.state <> 'closed'
                     AND c.tier IN ('T1', 'T2')),
  n.newest <= :late_before, CASE WHEN n.newest <= :late_before THEN -n.newest ELSE n.since END, i.contact_id, i.id
LIMIT 100
"""
#: Something else that she herself sent, to be run right after this row.
_MORE = (
    "SELECT 1 FROM inbox WHERE state = 'waiting' AND contact_id = ? AND id > ? AND due_at <= ?"
    " AND channel NOT IN ('desk', 'timer') LIMIT 1"
)
#: Danger or leaving that had its turn before this older row.
_OVERTAKEN = "SELECT 1 FROM inbox WHERE contact_id = ? AND id > ? AND overtakes = 1 AND state = 'done' LIMIT 1"
_NO_DEADLINE = {
    "silence": ("UPDATE sessions SET silence_at = NULL WHERE contact_id = ? AND ended_at IS NULL",),
    "not_taken": ("UPDATE sessions SET not_taken_at = NULL WHERE contact_id = ? AND ended_at IS NULL",),
}
#: Where several processes run what waits, a row that one tries is nobody else's for so long; if that one died, the
#: row waits it out, so it is short. Should it end too soon, the row is still run once (`_is_ours`).
_TRY_LEASE_MS = 8_000
_TRY = (
    "UPDATE inbox SET attempts = attempts + 1,"
    " due_at = CASE WHEN :lease = 0 THEN due_at ELSE :now + :lease END WHERE id = :id AND state = 'waiting'"
    # In each contact's order (I4), but danger and leaving do not stand behind what was tried and failed; a row that
    # cannot even be given up holds nobody up.
    " AND (:lease = 0 OR due_at <= :now) AND CASE overtakes WHEN 1 THEN 1 ELSE 3 END <= coalesce("
    " (SELECT e.attempts FROM inbox e WHERE e.contact_id = inbox.contact_id AND e.id < inbox.id"
    " AND e.state = 'waiting' AND e.attempts < 3 ORDER BY e.id LIMIT 1), 3)"
    " RETURNING channel, provider_id, contact_id, kind, sealed_input, received_at, attempts, sent_at"
)


class WaitingRows:
    """Runs what waits, oldest first. Blocking by design: the loop calls it in a thread, the simulator directly."""

    def __init__(
        self,
        *,
        store: Store,
        bus: Bus,
        clock: Clock,
        runner: TurnRunner,
        directory: Directory,
        log: Log,
        beats: Beats,
    ) -> None:
        self._store = store
        self._beats = beats
        self._bus = bus
        self._clock = clock
        self._runner = runner
        self._directory = directory
        self._log = log

    async def run(self) -> None:
        """Run what waits for ever; a hint wakes it, polling each second is the guarantee."""
        with self._bus.subscribe("inbox") as hints:
            while True:
                try:
                    if any(await self._store.read(self._due)):
                        await asyncio.to_thread(self.run_due)
                    self._beats.beat("waiting")
                except Exception as error:  # noqa: BLE001 - the loop must outlive a full disk; the rows wait
                    self._log.error("waiting_failed", error=type(error).__name__)
                await hints.wait(1.0)

    def run_due(self) -> int:
        """Run every row that is due now, round by round; give how many were tried."""
        tried = 0
        while tried < _PASS:
            in_round = sum(self._try_row(row_id) for row_id in self._store.read_now(self._due))
            if not in_round:
                break
            tried += in_round
        return tried

    def _try_row(self, row_id: int) -> bool:
        try:
            return self._run_row(row_id)
        except Exception as error:  # noqa: BLE001 - one row that cannot even be given up must not hold the others
            self._log.error("row_failed", error=type(error).__name__, row_id=row_id)
            self._store.write_now(partial(self._later, row_id=row_id))
            return True

    def _later(self, tx: Tx, *, row_id: int) -> None:
        sql = "UPDATE inbox SET due_at = ? WHERE id = ? AND state = 'waiting'"
        tx.raw.execute(sql, (self._now_ms() + _LATER_MS, row_id))

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _due(self, db: Any) -> list[int]:
        now_ms = self._now_ms()
        wanted = {"now": now_ms, "late_before": now_ms - int(LATE_AFTER.total_seconds() * 1000)}
        return [row[0] for row in db.exec_driver_sql(_DUE, wanted)]

    def _run_row(self, row_id: int) -> bool:
        found = self._store.write_now(partial(self._begin, row_id=row_id))
        if found is None:
            return False
        attempts: int = found[6]
        if attempts > ATTEMPTS_MAX:
            self._store.write_now(lambda tx: self._quarantine(tx, row_id, found))
            return True
        taken = self._store.submit(lambda tx: self._take(tx, row_id, found))
        taken.add_done_callback(lambda done: self._forget_if_failed(done, found[2]))
        try:
            taken.result()
        except Exception as error:  # noqa: BLE001 - counted, tried again, and at the third time given to a person
            self._beats.count("turns_failed_again")
            self._log.error("turn_failed", channel=found[0], error=type(error).__name__, row_id=row_id)
            name = type(error).__name__
            put_back = self._not_tried if is_disk_trouble(error) else self._put_back
            self._store.write_now(lambda tx: put_back(tx, row_id, found, name))
        return True

    def _begin(self, tx: Tx, *, row_id: int) -> tuple[Any, ...] | None:
        """Count the attempt before it is made; None when the row is over, not first in its line, or another's."""
        now_ms = self._now_ms()
        lease = {"lease": _TRY_LEASE_MS if tx.is_shared else 0, "id": row_id, "now": now_ms}
        found: tuple[Any, ...] | None = tx.raw.execute(_TRY, lease).fetchone()
        return found

    def _forget_if_failed(self, done: "Future[None]", contact_id: str) -> None:
        """Drop what was remembered, still on the writer's thread: her next turn must not build on it."""
        if done.exception() is not None:
            self._directory.forget({contact_id})

    def _take(self, tx: Tx, row_id: int, found: tuple[Any, ...]) -> None:
        contact_id = found[2]
        now = self._clock.now()
        rows = Rows()
        if tx.is_shared and not self._is_ours(tx, row_id, contact_id):
            return
        known = self._directory.find_contact(tx, contact_id, self._now_ms())
        if known is None:
            self._done(tx, row_id, found, state="done", error="erased")
            return
        arrival = Arrival(self._message(known, found), contact_id=contact_id, inbox_id=row_id)
        if arrival.message.is_late(now):
            arrival.more_waits = tx.raw.execute(_MORE, (contact_id, row_id, self._now_ms())).fetchone() is not None
        arrival.overtaken = tx.raw.execute(_OVERTAKEN, (contact_id, row_id)).fetchone() is not None
        self._runner.run(tx, known, arrival, now, rows)
        rows.write(tx)
        self._done(tx, row_id, found, state="done", error=None)
        tx.after_commit(lambda: self._bus.publish(*rows.topics))

    def _is_ours(self, tx: Tx, row_id: int, contact_id: str) -> bool:
        """Hold the contact, then see that nobody else had the row's turn meanwhile."""
        self._directory.hold(tx, [contact_id])
        found = tx.raw.execute("SELECT state FROM inbox WHERE id = ?", (row_id,)).fetchone()
        return found is not None and found[0] == "waiting"

    def _message(self, known: Known, found: tuple[Any, ...]) -> InboundMsg:
        channel, provider_id, _, kind, sealed = found[:5]
        try:
            content = unseal(known.key, "inbox.input", sealed) if sealed else {}
            received = input_from_json(kind, content)
        except UnreadableError:
            content, received = {}, UnreadableInput("sealed")  # a damaged row is somebody's words all the same
        return InboundMsg(
            channel=channel,
            external_id="",
            provider_id=provider_id,
            input=received,
            received_at=_moment(found[5]),
            sent_at=_moment(found[7]) if found[7] is not None else None,
            opened_anew="opened_anew" in content,
        )

    def _put_back(self, tx: Tx, row_id: int, found: tuple[Any, ...], error: str) -> None:
        attempts: int = found[6]
        if attempts >= ATTEMPTS_MAX:
            self._quarantine(tx, row_id, found)
            return
        due_at = self._now_ms() + RETRY_MS[min(attempts, len(RETRY_MS) - 1)]
        sql = "UPDATE inbox SET due_at = ?, error = ? WHERE id = ? AND state = 'waiting'"
        tx.raw.execute(sql, (due_at, error, row_id))

    def _not_tried(self, tx: Tx, row_id: int, found: tuple[Any, ...], error: str) -> None:
        """Take the attempt back: the disk failed, not the row. What others tried meanwhile stays counted."""
        del found
        sql = "UPDATE inbox SET attempts = attempts - 1, due_at = ?, error = ? WHERE id = ? AND state = 'waiting'"
        tx.raw.execute(sql, (self._now_ms() + RETRY_MS[1], error, row_id))

    def _quarantine(self, tx: Tx, row_id: int, found: tuple[Any, ...]) -> None:
        contact_id = found[2]
        if tx.is_shared and not self._is_ours(tx, row_id, contact_id):
            return  # somebody else's turn of it succeeded: nobody is to be called
        self._beats.count("quarantined")
        self._log.error("quarantined", channel=found[0], row_id=row_id)
        rows = Rows()
        known = self._directory.find_or_stand_in(tx, contact_id, rows, self._now_ms())
        if known is not None:
            self._tell_a_person(tx, known, row_id, self._message(known, found), rows)
            known.timers.pop(found[3], None)
        for sql in _NO_DEADLINE.get(found[3], ()):  # given up: it must not fall due again every second
            tx.raw.execute(sql, (contact_id,))
        self._done(tx, row_id, found, state="quarantined", error="three_times")

    def _tell_a_person(self, tx: Tx, known: Known, row_id: int, message: InboundMsg, rows: Rows) -> None:
        status = known.session.status if known.session else "waiting"
        covert = known.session is not None and known.session.covert
        events: list[Event] = [
            EscalationRequested(
                tier="T2",
                cause="failure",
                why=("پیامی رسید که برنامه نتوانست آن را بخواند",),
                do_not_contact=status == "locked",
            )
        ]
        if known.address_id and isinstance(message.input, HUMAN_INPUTS) and status not in {"held", "locked"}:
            events.append(MessageSent(text=SAFE_TEXT_COVERT if covert else SAFE_TEXT, urgent=True))
        message = replace(message, received_at=self._clock.now(), sent_at=message.written_at())
        self._runner.write_down(tx, known, events, inbox_id=row_id, message=message, rows=rows)
        rows.write(tx)
        tx.after_commit(lambda: self._bus.publish(*rows.topics))

    def _done(self, tx: Tx, row_id: int, found: tuple[Any, ...], *, state: str, error: str | None) -> None:
        now_ms = self._now_ms()
        tx.raw.execute(
            "UPDATE inbox SET state = ?, done_at = ?, error = ?, attempts = ? WHERE id = ?",
            (state, now_ms, error, found[6], row_id),
        )
        self._directory.look_for_parked(tx, found[2])


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)
