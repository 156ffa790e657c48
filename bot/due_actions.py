"""What the bot itself does when a promise falls due: a follow-up, nobody's answer to one, an erasure.

Each acts inside the transaction that marks its row, on the writer's thread; what is to be said goes through the
contact's own line of the inbox.
"""

from datetime import UTC, datetime
from functools import partial

from bot.bus import Bus
from bot.commit import Rows
from bot.core.events import EscalationRequested, Event
from bot.core.messages import FollowUpInput, InboundMsg
from bot.core.promise import due_row
from bot.core.safe_contact import window_of
from bot.directory import Directory
from bot.due import Due, Outcome, arrive, plan, spread_ms
from bot.erasing import erase
from bot.known import Known
from bot.store.crypto import UnreadableError
from bot.store.database import Tx
from bot.store.vault import seal, unseal
from bot.turns import TurnRunner

#: A promised contact that would break into a conversation is looked at again after this.
_PUT_OFF_MS = 3600_000
#: How long a promised contact waits for her answer before somebody worries.
_ANSWER_MS = 24 * 3600_000
#: An erasure that an open case or a stored message holds up is looked at again after this; closing the case brings it at once.
_ERASE_LATER_MS = 3600_000
#: The beginning of her hours is not one moment for everybody.
_WINDOW_SPREAD_MS = 10 * 60_000

_MAY_SPEAK = "SELECT sealed_safe_contact FROM contacts WHERE id = ? AND opted_out_at IS NULL AND left_at IS NULL"
_CLAIMED = "SELECT 1 FROM cases WHERE contact_id = ? AND state = 'claimed'"
#: An act of the desk does not hold it up: the close of her case is one.
_NEEDED = (
    "SELECT 1 FROM cases WHERE contact_id = :id AND state <> 'closed'"
    " UNION ALL SELECT 1 FROM inbox WHERE contact_id = :id AND state = 'waiting' AND channel <> 'desk'"
    # the farewell that failed so far: with the key goes the way to her chat, where the rest would stay
    " UNION ALL SELECT 1 FROM outbox WHERE contact_id = :id AND state IN ('queued', 'sending') AND attempts > 0"
    " AND created_at > :young LIMIT 1"
)
#: Older than this, what was said can be deleted at no provider any more.
_DELETABLE_MS = 48 * 3600_000


class BotActions:
    """The bot's side of bot.app's dict of due kinds."""

    def __init__(self, *, bus: Bus, directory: Directory, runner: TurnRunner) -> None:
        self._bus = bus
        self._directory = directory
        self._runner = runner

    def follow_up(self, tx: Tx, due: Due, now_ms: int) -> Outcome:
        """Begin a promised contact inside her hours; without a safe way nothing is begun, only its silence counts."""
        known = self._directory.find_or_stand_in(tx, due.contact_id, Rows(), now_ms)
        if known is None:
            return "dropped"
        if _in_conversation(tx, known):
            return now_ms + _PUT_OFF_MS
        now = _moment(now_ms)
        window = window_of(self._safe_way(tx, known), known.channel) if known.address_id else None
        if window is not None:
            opens_at = window.opens_at(now)
            if opens_at > now:
                return int(opens_at.timestamp() * 1000) + spread_ms(due) % _WINDOW_SPREAD_MS
            sealed = seal(known.key, "inbox.input", {"flow": due.detail["flow"]})
            arrive(tx, due, kind="follow_up", now_ms=now_ms, sealed_input=sealed)
            tx.after_commit(partial(self._bus.publish, "inbox"))
        if due.detail.get("if_silent"):
            detail = {"if_silent": due.detail["if_silent"]}
            row = due_row("no_answer", str(due.id), str(now_ms), due_at=now_ms + _ANSWER_MS, now_ms=now_ms,
                          contact_id=due.contact_id, detail=detail)  # fmt: skip
            plan(tx, row)
        return "fired" if window is not None else "dropped"

    def no_answer(self, tx: Tx, due: Due, now_ms: int) -> Outcome:
        """Open a case: a promised contact got no answer, and the script said that this should worry somebody."""
        rows = Rows()
        known = self._directory.find_or_stand_in(tx, due.contact_id, rows, now_ms)
        if known is None:
            return "dropped"
        message = InboundMsg(
            channel="timer",
            external_id="",
            provider_id=str(due.id),
            input=FollowUpInput(""),
            received_at=_moment(now_ms),
        )
        tier = due.detail["if_silent"]
        events: list[Event] = [EscalationRequested(tier=tier, cause="step", why=("به پیگیری پاسخ نداد",))]
        self._runner.write_down(tx, known, events, inbox_id=0, message=message, rows=rows)
        rows.write(tx)
        tx.after_commit(partial(self._bus.publish, *rows.topics))
        return "fired"

    def erase(self, tx: Tx, due: Due, now_ms: int) -> Outcome:
        """Erase who asked for it, unless a case or what she wrote last still needs her; decided and done in one transaction."""
        tx.hold([due.contact_id])  # a turn under way may be opening her case
        asked = {"id": due.contact_id, "young": now_ms - _DELETABLE_MS}
        if tx.raw.execute(_NEEDED, asked).fetchone() is not None:
            return now_ms + _ERASE_LATER_MS
        gone = {due.contact_id}
        erase(tx, contact_id=due.contact_id, now_ms=now_ms)
        self._directory.forget(gone)
        tx.after_commit(lambda: self._directory.forget(gone))
        return "fired"

    def _safe_way(self, tx: Tx, known: Known) -> dict[str, str]:
        found = tx.raw.execute(_MAY_SPEAK, (known.contact_id,)).fetchone()
        if found is None or found[0] is None:
            return {}
        try:
            safe: dict[str, str] = unseal(known.key, "contacts.safe_contact", found[0])
        except UnreadableError:
            return {}
        return safe


def _in_conversation(tx: Tx, known: Known) -> bool:
    """True while a question waits for her or a person is with her."""
    if tx.raw.execute(_CLAIMED, (known.contact_id,)).fetchone() is not None:
        return True
    session = known.session if known.ended_at is None else None
    return session is not None and session.status in {"waiting", "held"}


def _moment(now_ms: int) -> datetime:
    return datetime.fromtimestamp(now_ms / 1000, tz=UTC)
