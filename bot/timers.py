"""What is due by the clock: a question's silence, an untaken case, a promised follow-up, an erasure.

Deadlines are columns of the rows they belong to, so they commit with them or not at all. What is due becomes an
ordinary arrival whose provider id names the deadline: fired twice, it is a duplicate.
"""

import asyncio
from functools import partial
from typing import Any

from bot.beats import Beats
from bot.bus import Bus
from bot.commit import Rows
from bot.core.clock import Clock
from bot.core.events import EscalationRequested, Event
from bot.core.messages import FollowUpInput, InboundMsg, Input, NotTakenInput, SilenceInput
from bot.directory import Directory
from bot.inbox import Inbox
from bot.store.database import Store, Tx
from bot.telemetry import Log
from bot.turns import TurnRunner

_DUE = """
SELECT 'silence', contact_id, id, silence_at, silence_visit FROM sessions
  WHERE silence_at <= :now AND ended_at IS NULL
UNION ALL SELECT 'not_taken', contact_id, id, not_taken_at, not_taken_visit FROM sessions
  WHERE not_taken_at <= :now AND ended_at IS NULL
UNION ALL SELECT 'follow_up', contact_id, id, due_at, flow FROM follow_ups
  WHERE state = 'planned' AND due_at <= :now
ORDER BY 4, 1 LIMIT 200
"""
_ERASE_DUE = """
SELECT c.id FROM contacts c WHERE c.erase_due_at <= :now AND c.erased_at IS NULL
AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.contact_id = c.id AND k.state <> 'closed') LIMIT 50
"""
_UNANSWERED = """
SELECT id, contact_id, if_silent FROM follow_ups
WHERE state = 'fired' AND due_at <= :now AND if_silent IS NOT NULL LIMIT 50
"""
#: What erasing does, in order. The case row and the counts stay; nothing that can be read does.
_ERASE = (
    ("UPDATE contacts SET wrapped_key = NULL, sealed_safe_contact = NULL, erased_at = :now WHERE id = :id"),
    "UPDATE addresses SET sealed_external_id = NULL, address_index = 'erased:' || id WHERE contact_id = :id",
    "DELETE FROM messages WHERE contact_id = :id",
    "DELETE FROM turns WHERE contact_id = :id",
    (
        "UPDATE sessions SET sealed_state = NULL, silence_at = NULL, not_taken_at = NULL,"
        " ended_at = coalesce(ended_at, :now) WHERE contact_id = :id"
    ),
    "UPDATE inbox SET sealed_input = NULL, sealed_raw = NULL WHERE contact_id = :id",
    (
        "UPDATE outbox SET sealed_body = NULL, state = CASE WHEN state IN ('queued', 'sending') THEN 'expired' ELSE state"
        " END WHERE contact_id = :id"
    ),
    "UPDATE cases SET sealed_summary = NULL WHERE contact_id = :id",
    "DELETE FROM assessments WHERE contact_id = :id",
    "UPDATE follow_ups SET state = 'dropped' WHERE contact_id = :id AND state = 'planned'",
    (
        "INSERT INTO audit (actor, action, target, target_id, reason, at)"
        " VALUES ('contact', 'erase', 'contact', :id, 'asked by the contact', :now)"
    ),
)


class Timers:
    """Fires what is due."""

    def __init__(
        self,
        *,
        store: Store,
        inbox: Inbox,
        bus: Bus,
        clock: Clock,
        directory: Directory,
        runner: TurnRunner,
        log: Log,
        beats: Beats,
    ) -> None:
        self._store = store
        self._beats = beats
        self._inbox = inbox
        self._bus = bus
        self._clock = clock
        self._directory = directory
        self._runner = runner
        self._log = log

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
            " UNION ALL SELECT min(due_at) FROM follow_ups WHERE state = 'planned'"
            " UNION ALL SELECT min(due_at) FROM inbox WHERE state = 'waiting')"
        )
        found: int | None = self._store.read_now(lambda db: db.exec_driver_sql(sql).scalar())
        return found

    def fire_due(self) -> int:
        """Make arrivals of all that is due and carry out due erasures; give how many."""
        due = self._store.read_now(self._due)
        for name, contact_id, row_id, due_at, detail in due:
            message = InboundMsg(
                channel="timer",
                external_id="",
                provider_id=f"{row_id}:{name}:{due_at}",
                input=_input(name, detail),
                received_at=self._clock.now(),
            )
            self._inbox.put(message, contact_id=contact_id)
        now = {"now": self._now_ms()}
        if self._store.read_now(lambda db: db.exec_driver_sql(_ERASE_DUE, now).first()):
            self._store.write_now(self._erase_due)
        if self._store.read_now(lambda db: db.exec_driver_sql(_UNANSWERED, now).first()):
            self._store.write_now(self._miss_unanswered)
        return len(due)

    def _erase_due(self, tx: Tx) -> None:
        """Erase who is due and needed by no case, decided and done in one transaction on the writer's thread."""
        now_ms = self._now_ms()
        gone = {row[0] for row in tx.raw.execute(_ERASE_DUE, {"now": now_ms}).fetchall()}
        for contact_id in gone:
            erase(tx, contact_id=contact_id, now_ms=now_ms)
        self._directory.forget(gone)
        tx.after_commit(lambda: self._directory.forget(gone))

    def _miss_unanswered(self, tx: Tx) -> None:
        """A promised contact got no answer, and the script said whom that should worry."""
        for row_id, contact_id, tier in tx.raw.execute(_UNANSWERED, {"now": self._now_ms()}).fetchall():
            tx.raw.execute("UPDATE follow_ups SET state = 'unanswered' WHERE id = ?", (row_id,))
            known = self._directory.find_contact(tx, contact_id, self._now_ms())
            if known is None:
                continue
            message = InboundMsg(
                channel="timer",
                external_id="",
                provider_id=row_id,
                input=FollowUpInput(""),
                received_at=self._clock.now(),
            )
            events: list[Event] = [EscalationRequested(tier=tier, cause="step", why=("به پیگیری پاسخ نداد",))]
            rows = Rows()
            self._runner.write_down(tx, known, events, inbox_id=0, message=message, rows=rows)
            rows.write(tx)
            tx.after_commit(partial(self._bus.publish, *rows.topics))

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _due(self, db: Any) -> list[tuple[str, str, str, int, Any]]:
        return [tuple(row) for row in db.exec_driver_sql(_DUE, {"now": self._now_ms()})]


def _input(name: str, detail: Any) -> Input:
    match name:
        case "silence":
            return SilenceInput(detail)
        case "not_taken":
            return NotTakenInput(detail)
        case _:
            return FollowUpInput(detail)


def erase(tx: Tx, *, contact_id: str, now_ms: int) -> None:
    """Destroy a contact's key and everything that was readable with it; counts and the audit row remain.

    What is deleted is overwritten in the file, not only unlinked: the wrapped key must not survive in a free page.
    """
    tx.raw.execute("PRAGMA secure_delete=ON")
    for sql in _ERASE:
        tx.raw.execute(sql, {"id": contact_id, "now": now_ms})
    tx.raw.execute("PRAGMA secure_delete=OFF")
