"""What falls due by the clock, as rows of one table: planned in the transaction of what they belong to, fired once.

A row is one step of a plan: (kind, subject, step) is unique, so planning twice is planning once, and a step that was
fired never comes again. Who acts on a kind is a visible dict in bot.app; bot.timers looks and calls. A question's own
silence stands on its session's row, a lease and a rest on the case's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.store.database import Tx

#: Promises that speak, or worry somebody: after an outage they are spread, never fired at once (I18).
SPOKEN = ("word", "follow_up", "no_answer")
#: So late one of those counts as missed and gets another time.
GRACE_MS = 10 * 60_000
#: Over how long the missed ones are spread.
SPREAD_MS = {"word": 10 * 60_000, "follow_up": 2 * 3600_000, "no_answer": 2 * 3600_000}

#: Plan a step. Planned again, the earlier moment counts; what was fired or dropped stays so.
PLAN = (
    "INSERT INTO due (kind, subject, step, contact_id, detail, state, planned_at, due_at)"
    " VALUES (:kind, :subject, :step, :contact_id, :detail, 'planned', :planned_at, :due_at)"
    " ON CONFLICT (kind, subject, step) DO UPDATE SET due_at = min(due.due_at, excluded.due_at)"
    " WHERE due.state = 'planned'"
)
_ARRIVE = (
    "INSERT INTO inbox (channel, provider_id, contact_id, kind, sealed_input, received_at, state, attempts, due_at)"
    " VALUES ('timer', ?, ?, ?, ?, ?, 'waiting', 0, ?) ON CONFLICT DO NOTHING"
)

#: What became of a row: it did its work, there was nothing to do any more, or it comes again at this moment (ms).
Outcome = Literal["fired", "dropped"] | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One planned step whose time has come. `detail` holds codes only."""

    id: int
    kind: str
    subject: str
    step: str
    contact_id: str
    detail: dict[str, Any]
    attempts: int
    due_at: int


#: Does what is due, inside the transaction that marks the row.
DueAction = Callable[[Tx, Due, int], Outcome]
DueActions = Mapping[str, DueAction]


def plan(tx: Tx, *rows: Mapping[str, Any]) -> None:
    """Plan steps inside the caller's transaction."""
    tx.many(PLAN, rows)


def arrive(tx: Tx, due: Due, *, kind: str, now_ms: int, sealed_input: bytes | None = None) -> None:
    """Put what is due in the contact's own line of the inbox: her flow, not this table, decides what is said."""
    tx.raw.execute(_ARRIVE, (f"{due.id}:{now_ms}", due.contact_id, kind, sealed_input, now_ms, now_ms))


def spread_ms(due: Due) -> int:
    """Give each row its own delay within its kind's spread, the same at every asking."""
    return due.id * 2_654_435_761 % 2**32 % SPREAD_MS.get(due.kind, 1)
