"""What is kept is let go in time: raw bytes, what was sent, conversations without a case, old cases, the audit.

Walks each table once, by its numbers, in small steps: a pass holds the writer for some milliseconds and comes again a
second later while there is more. What a case still needs is passed over; the case's own row of the due-table lets it go
when its time has come. Nothing of an open case is ever touched. What is let go is overwritten in the file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot import retention_sql as sql
from bot.core.clock import Clock
from bot.directory import Directory
from bot.due import Due, Outcome
from bot.erasing import erase
from bot.settings import Settings
from bot.store.audit import let_go
from bot.store.database import Tx

_HOUR_MS = 3600_000
_DAY_MS = 24 * _HOUR_MS
#: A pass begins no further step after this; with a step's own time it stays under 50 ms.
BUDGET_S = 0.015
#: Rows that one step looks at.
STEP_ROWS = 50
_AGAIN_MS = 1_000
_EVERY_MS = _HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long each thing is kept, in milliseconds."""

    raw: int = 72 * _HOUR_MS
    sent: int = 72 * _HOUR_MS
    session: int = 30 * _DAY_MS
    talk: int = 90 * _DAY_MS
    urgent: int = 365 * _DAY_MS
    case: int = 1825 * _DAY_MS
    audit: int = 1825 * _DAY_MS


def keep_of(settings: Settings) -> Keep:
    """Give what the settings say."""
    return Keep(
        raw=settings.keep_raw_hours * _HOUR_MS,
        sent=settings.keep_sent_hours * _HOUR_MS,
        session=settings.keep_session_days * _DAY_MS,
        talk=settings.keep_talk_days * _DAY_MS,
        urgent=settings.keep_urgent_days * _DAY_MS,
        case=settings.keep_case_days * _DAY_MS,
        audit=settings.keep_audit_days * _DAY_MS,
    )


class Retention:
    """Two kinds of due rows: the walk over everything, and each closed case's own end."""

    def __init__(self, *, keep: Keep, clock: Clock, directory: Directory) -> None:
        self._keep = keep
        self._clock = clock
        self._directory = directory

    def walk(self, tx: Tx, _due: Due, now_ms: int) -> Outcome:
        """Let go what is old, as far as this pass comes; the end of a whole walk is noted for the health page."""
        until_s = self._clock.monotonic() + BUDGET_S
        with tx.overwriting():
            for step in (self._raw, self._sent, self._messages, self._turns, self._audit, self._sign_ins):
                for _ in range(20):
                    if self._clock.monotonic() >= until_s:
                        return now_ms + _AGAIN_MS
                    if not step(tx, now_ms):
                        break
                else:
                    return now_ms + _AGAIN_MS
        tx.raw.execute(sql.MARK, ("retention_at", str(now_ms)))
        return now_ms + _EVERY_MS

    def case_end(self, tx: Tx, due: Due, now_ms: int) -> Outcome:
        """Let a closed case's transcript go, years later its notes and summary; reopened meanwhile, it is not due."""
        found = tx.raw.execute(sql.CASE, (due.subject,)).fetchone()
        if found is None or found[0] != "closed" or str(found[1]) != due.step:
            return "dropped"
        _, closed_at, tier, contact_id = found
        talk_ends = closed_at + (self._keep.urgent if tier in {"T1", "T2"} else self._keep.talk)
        case_ends = closed_at + self._keep.case
        values = {**self._values(now_ms), "contact": contact_id}
        if now_ms >= talk_ends:
            with tx.overwriting():
                self._talk_goes(tx, values)
        if now_ms >= case_ends:
            self._case_goes(tx, due.subject, values, now_ms)
            return "fired"
        return min(end for end in (talk_ends, case_ends) if end > now_ms)

    def _case_goes(self, tx: Tx, case_id: str, values: dict[str, Any], now_ms: int) -> None:
        tx.raw.execute(sql.EVENTS_GO, (case_id,))
        tx.hold([values["contact"]])  # a turn under way may be opening her next case
        if tx.raw.execute(sql.LAST_CASE, values).fetchone() is not None:
            self._erase(tx, values["contact"], now_ms)
            return
        tx.raw.execute(sql.SUMMARY_GOES, (case_id,))
        tx.raw.execute(sql.NOTES_GO, (case_id,))

    def _talk_goes(self, tx: Tx, values: dict[str, Any]) -> None:
        tx.raw.execute(sql.HER_TURNS_GO, values)
        tx.raw.execute(sql.HER_MESSAGES_GO, values)
        self._sessions_go(tx, sql.HER_SESSIONS_GO, values)
        tx.raw.execute(sql.HER_PROMISES_GO, values)

    def _sessions_go(self, tx: Tx, statement: str, values: dict[str, Any]) -> None:
        gone = tx.raw.execute(statement, values).fetchall()
        for session_id, contact_id in gone:
            tx.raw.execute(sql.ASSESSMENTS_GO, (contact_id, session_id))
        self._forget(tx, {contact_id for _, contact_id in gone})

    def _raw(self, tx: Tx, now_ms: int) -> bool:
        return _walked(
            tx,
            "inbox",
            "received_at",
            now_ms - self._keep.raw,
            lambda step: tx.raw.execute(sql.RAW_GOES, step),
            wait="state = 'waiting'",  # not even read yet: the walk waits for it
        )

    def _sent(self, tx: Tx, now_ms: int) -> bool:
        return _walked(
            tx,
            "outbox",
            "created_at",
            now_ms - self._keep.sent,
            lambda step: tx.raw.execute(sql.SENT_GOES, step),
        )

    def _messages(self, tx: Tx, now_ms: int) -> bool:
        def let_go(step: dict[str, int]) -> None:
            tx.raw.execute(sql.MESSAGES_GO, {**self._values(now_ms), **step})

        return _walked(tx, "messages", "at", now_ms - self._keep.session, let_go)

    def _turns(self, tx: Tx, now_ms: int) -> bool:
        def let_go(step: dict[str, int]) -> None:
            values = {**self._values(now_ms), **step}
            tx.raw.execute(sql.TURNS_GO, values)
            self._sessions_go(tx, sql.SESSIONS_GO, values)
            held = _strangers(tx, values)
            tx.hold(held)
            for contact_id in sorted(held & _strangers(tx, values)):  # asked again: a turn was under way
                self._erase(tx, contact_id, now_ms)

        return _walked(tx, "turns", "at", now_ms - self._keep.session, let_go)

    def _audit(self, tx: Tx, now_ms: int) -> bool:
        return _walked(
            tx,
            "audit",
            "at",
            now_ms - self._keep.audit,
            lambda step: let_go(tx, step),
        )

    def _sign_ins(self, tx: Tx, now_ms: int) -> bool:
        ended = (now_ms - _DAY_MS, STEP_ROWS)
        gone = (sql.SIGN_INS_GO, sql.CODES_GO, sql.DEVICES_GO)
        return any(tx.raw.execute(statement, ended).rowcount > 0 for statement in gone)

    def _erase(self, tx: Tx, contact_id: str, now_ms: int) -> None:
        erase(tx, contact_id=contact_id, now_ms=now_ms, by="retention", why="kept long enough")
        self._forget(tx, {contact_id})

    def _forget(self, tx: Tx, contacts: set[str]) -> None:
        tx.hold(contacts)  # other processes forget them too
        self._directory.forget(contacts)
        tx.after_commit(lambda: self._directory.forget(contacts))

    def _values(self, now_ms: int) -> dict[str, Any]:
        keep = self._keep
        return {"now": now_ms, "session": keep.session, "talk": keep.talk, "urgent": keep.urgent, "case": keep.case}


def _strangers(tx: Tx, values: dict[str, int]) -> set[str]:
    return {contact_id for (contact_id,) in tx.raw.execute(sql.STRANGERS, values).fetchall()}


def _walked(
    tx: Tx, table: str, at: str, old_ms: int, let_go: Callable[[dict[str, int]], Any], *, wait: str = "0"
) -> bool:
    """Take the next step over a table's old rows; False when there is none. The place is kept in `meta`."""
    key = f"retention.{table}"
    found = tx.raw.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    begin = int(found[0]) if found else 0
    look = f"SELECT id, {at}, {wait} FROM {table} WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - names of this file
    end = begin
    for row_id, row_at, must_wait in tx.raw.execute(look, (begin, STEP_ROWS)):
        if row_at > old_ms or must_wait:
            break
        end = row_id
    if end == begin:
        return False
    let_go({"from": begin, "to": end})
    tx.raw.execute(sql.MARK, (key, str(end)))
    return True
