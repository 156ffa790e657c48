"""A code by which she goes on at another channel: twelve digits, half an hour, once.

It is told to her by the conversation she is in, and typed as a whole message where she wants to go on. Nothing else
moves a conversation; a telephone number alone never does. Whoever guesses is stopped long before there is a chance,
and learns nothing: a wrong code is an ordinary message. What was said before is shown nowhere without the safe word.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from bot.commit import Rows
from bot.core.codes import code_in
from bot.core.messages import InboundMsg
from bot.directory import Directory
from bot.known import Known
from bot.statements import STATEMENTS
from bot.store.crypto import Keyring, UnreadableError
from bot.store.database import Tx

#: Misses of one address, and of everybody, within the window; then no code is looked up until it is over.
_MISSES, _MISSES_ALL, _WINDOW_MS = 5, 300, 30 * 60_000
_REMEMBERED = 10_000
_USE = (
    "UPDATE due SET state = 'fired', fired_at = ? WHERE kind = 'resume_code' AND subject = ? AND state = 'planned'"
    " AND due_at > ? RETURNING contact_id"
)
_BUSY = "SELECT 1 FROM cases WHERE contact_id = ? AND state <> 'closed'"
#: What follows her, in order. Her old address is nobody's: who writes from there begins as a stranger.
_MOVES = (
    "UPDATE addresses SET address_index = 'moved:' || id WHERE contact_id = :her AND address_index NOT LIKE 'moved:%'",
    "UPDATE sessions SET address_id = :address WHERE contact_id = :her",
    "UPDATE cases SET channel = :channel, changed_at = :now WHERE contact_id = :her AND state <> 'closed'",
    "UPDATE messages SET hidden_at = :now WHERE contact_id = :her AND hidden_at IS NULL",
    "UPDATE outbox SET state = 'expired', error = 'moved' WHERE contact_id = :her AND state = 'queued'",
)


@dataclass(slots=True)
class _Misses:
    """When wrong codes came."""

    at_ms: list[int] = field(default_factory=list)

    def may(self, most: int, now_ms: int) -> bool:
        self.at_ms = [at for at in self.at_ms if 0 <= now_ms - at < _WINDOW_MS]
        return len(self.at_ms) < most


class Resuming:
    """Finds whose conversation a code continues, on the writer's thread inside the batch's transaction."""

    def __init__(self, keyring: Keyring, directory: Directory) -> None:
        self._keyring = keyring
        self._directory = directory
        self._all = _Misses()
        self._of: OrderedDict[str, _Misses] = OrderedDict()

    def index(self, code: str) -> str:
        """Give what is kept of a code: nobody who reads the tables can type it."""
        return self._keyring.address_index("resume", code.replace(" ", ""))

    def redeem(self, tx: Tx, known: Known, message: InboundMsg, rows: Rows, now_ms: int) -> Known:
        """Give whose conversation goes on here: hers, moved to this address, or the writer's own as ever."""
        code = code_in(message.input)
        if not code or not self._may_try(known.contact_id, now_ms) or self._is_with_us(tx, known):
            return known
        used = tx.raw.execute(_USE, (now_ms, self.index(code), now_ms)).fetchone()
        if used is None or used[0] == known.contact_id:
            self._miss(known.contact_id, now_ms)
            return known
        return self._moved(tx, used[0], known, message, rows) or known

    def _moved(self, tx: Tx, contact_id: str, known: Known, message: InboundMsg, rows: Rows) -> Known | None:
        now_ms = int(message.received_at.timestamp() * 1000)
        try:
            her = self._directory.find_contact(tx, contact_id, now_ms)
        except UnreadableError:
            return None
        if her is None:  # erased since
            return None
        values: dict[str, Any] = {
            "her": contact_id,
            "address": known.address_id,
            "channel": known.channel,
            "now": now_ms,
        }
        STATEMENTS["unsaid_new"].write(tx, [{"contact_id": contact_id, "why": "moved", "at": now_ms}])
        for sql in _MOVES:
            tx.raw.execute(sql, values)
        if known.session_id:
            rows.add("session_left", {"id": known.session_id, "at": now_ms})
        self._directory.move(her, known, message.external_id, rows)
        return her

    def _is_with_us(self, tx: Tx, known: Known) -> bool:
        """Two cases are never made one: who has a case of her own here, or words that wait, keeps her conversation."""
        has_case = known.session is not None and known.session.case
        return has_case or known.parked or tx.raw.execute(_BUSY, (known.contact_id,)).fetchone() is not None

    def _may_try(self, contact_id: str, now_ms: int) -> bool:
        mine = self._of.get(contact_id)
        return self._all.may(_MISSES_ALL, now_ms) and (mine is None or mine.may(_MISSES, now_ms))

    def _miss(self, contact_id: str, now_ms: int) -> None:
        self._all.at_ms.append(now_ms)
        self._of.setdefault(contact_id, _Misses()).at_ms.append(now_ms)
        while len(self._of) > _REMEMBERED:
            self._of.popitem(last=False)
