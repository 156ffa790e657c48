"""What the desk does when a waiting case's plan falls due: call others to it, and let her hear that it still waits.

Each looks at the case again inside the transaction that marks the row: taken, closed or asked for anew, there is
nothing to do. Nothing here lowers a tier or closes a case (I8).
"""

from functools import partial

from bot.bus import Bus
from bot.due import Due, Outcome, arrive
from bot.store.database import Tx
from escalation import repo
from escalation.routing import near_desks

#: She wrote within this: what is said now answers her (design.md §1.10).
_REPLY_MS = 15 * 60_000
#: She is writing just now: the word waits until she pauses.
_PAUSE_MS = 2 * 60_000

#: Words of one case that an outage pushed together are said once.
_APART_MS = 10 * 60_000

_SAID = "SELECT 1 FROM due WHERE kind = 'word' AND subject = ? AND state = 'fired' AND fired_at > ? LIMIT 1"
_CASE = "SELECT state, token, tier, desk, covert, do_not_contact FROM cases WHERE id = ?"
_HER = (
    "SELECT c.seen_at, c.sealed_safe_contact IS NOT NULL, s.status, s.not_taken_at IS NOT NULL FROM contacts c"
    " JOIN sessions s ON s.contact_id = c.id AND s.ended_at IS NULL"
    " WHERE c.id = ? AND c.erased_at IS NULL AND c.left_at IS NULL AND c.opted_out_at IS NULL"
)

_ANOTHER_WORD = "SELECT 1 FROM due WHERE state = 'planned' AND kind = 'word' AND subject = ? AND due_at <= ? AND id > ?"


class DeskActions:
    """The desk's side of bot.app's dict of due kinds."""

    def __init__(self, *, bus: Bus) -> None:
        self._bus = bus

    def overflow(self, tx: Tx, due: Due, now_ms: int) -> Outcome:
        """Tell the neighbouring desks, later the national desk, of a case that nobody has taken."""
        found = tx.raw.execute(_CASE, (due.subject,)).fetchone()
        if found is None or not _still_waits(due, found[0], found[1]):
            return "dropped"
        _, _, tier, desk, _, _ = found
        _, level, *planned_at = due.step.split(":")
        if planned_at not in ([], [desk]):  # it was moved to another desk since, which has a plan of its own
            return "dropped"
        called = list(near_desks(desk)[1:]) if level == "near" else ["EOC"]
        data = {"to": level, "called": called, "tier": tier, "desk": desk}
        repo.add_event(tx, case_id=due.subject, kind="overflowed", actor="sweeper", now_ms=now_ms, data=data)
        tx.after_commit(partial(self._bus.publish, "cases", f"case:{due.subject}"))
        return "fired"

    def word(self, tx: Tx, due: Due, now_ms: int) -> Outcome:
        """Let her flow say that she still waits, if it may be said now; the send gate asks once more (I17)."""
        case = tx.raw.execute(_CASE, (due.subject,)).fetchone()
        her = tx.raw.execute(_HER, (due.contact_id,)).fetchone()
        if case is None or her is None or not _still_waits(due, case[0], case[1]):
            return "dropped"
        if tx.raw.execute(_ANOTHER_WORD, (due.subject, now_ms, due.id)).fetchone() is not None:
            return "dropped"  # several are late together (a process that stood still): one speaks for all (I18)
        _, _, _, _, covert, do_not_contact = case
        seen_at, is_safe, status, script_speaks = her
        said = tx.raw.execute(_SAID, (due.subject, now_ms - _APART_MS)).fetchone() is not None
        if said or do_not_contact or script_speaks or status not in {"waiting", "resting"}:
            return "dropped"
        quiet_ms = now_ms - seen_at
        if 0 <= quiet_ms < _PAUSE_MS:
            return seen_at + _PAUSE_MS  # type: ignore[no-any-return]
        if quiet_ms > _REPLY_MS and (covert or not is_safe):
            return "dropped"
        arrive(tx, due, kind="still_queued", now_ms=now_ms)
        tx.after_commit(partial(self._bus.publish, "inbox"))
        return "fired"


def _still_waits(due: Due, state: str, token: int) -> bool:
    """True while the stay in the queue that this step belongs to goes on."""
    return state == "queued" and due.step.partition(":")[0] == str(token)
