"""May these words be said to her now? Asked in the transaction that leases them (I17).

What comes by itself needs her safe way and hour, and shows nothing on a lock screen. An answer, or a counsellor's
words, that waited too long for a channel that pushes need way and hour too: by now somebody else may hold the phone.
To whoever has left, only the farewell goes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.core.messages import OutboundKind
from bot.core.preview import telling
from bot.core.safe_contact import Window, window_of
from bot.outbox import read_body
from bot.store.crypto import Keyring, UnreadableError
from bot.store.database import Tx
from bot.store.vault import unseal

#: How long what was said in answer still answers her (design rule 10).
ANSWER_MS = 15 * 60_000
#: Nothing pops up on these: she opens the page herself, or sends the next turn.
_PULLED = frozenset({"web", "rasa"})
_SAFETY = """
SELECT c.wrapped_key, c.sealed_safe_contact, c.opted_out_at, c.left_at, coalesce(c.erased_at, c.erase_due_at),
  (SELECT max(k.do_not_contact) FROM cases k WHERE k.contact_id = c.id AND k.state <> 'closed')
FROM contacts c WHERE c.id = ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is to be said, to whom, and since when it waits."""

    contact_id: str
    channel: str
    kind: OutboundKind
    urgent: bool
    created_at: int
    has_left: bool
    sealed_body: bytes | None
    wrapped_key: bytes | None


def why_not(tx: Tx, keyring: Keyring, words: Words, now_ms: int) -> str | int | None:
    """Give None when they may be said now, when they may (in milliseconds), or the code of why never."""
    if words.kind == "proactive":
        found = _unasked(tx, keyring, words, now_ms)
        return "discloses" if not isinstance(found, str) and _discloses(keyring, words) else found
    if words.has_left:
        return None if _body(keyring, words).get("delete") else "left"
    if now_ms - words.created_at <= ANSWER_MS or words.channel in _PULLED:
        return None
    body = _body(keyring, words)
    if body.get("delete") or (words.urgent and _is_bare(body)):
        return None
    found = _unasked(tx, keyring, words, now_ms)
    return "late" if isinstance(found, int) else found  # a conversation does not go on hours later by itself


def _body(keyring: Keyring, words: Words) -> dict[str, Any]:
    try:
        return read_body(keyring.unwrap(words.wrapped_key or b""), words.sealed_body or b"")
    except UnreadableError:
        return {}


def _discloses(keyring: Keyring, words: Words) -> bool:
    """True when a lock screen would show what this is about; a page of our own pops up nowhere."""
    return words.channel not in _PULLED and telling(str(_body(keyring, words).get("text", ""))) is not None


def _is_bare(body: dict[str, Any]) -> bool:
    """True for «110 / 123»: numbers that disclose nothing."""
    text = str(body.get("text", ""))
    return any(char.isdecimal() for char in text) and not any(char.isalpha() for char in text) and not body["buttons"]


def _unasked(tx: Tx, keyring: Keyring, words: Words, now_ms: int) -> str | int | None:
    found = _safety(tx, keyring, words.contact_id, words.channel)
    if isinstance(found, str):
        return found
    opens_ms = int(found.opens_at(datetime.fromtimestamp(now_ms / 1000, UTC)).timestamp() * 1000)
    return opens_ms if opens_ms > now_ms else None


def _safety(tx: Tx, keyring: Keyring, contact_id: str, channel: str) -> Window | str:
    """Give when a contact may be written to unasked, or the code of why never."""
    found = tx.raw.execute(_SAFETY, (contact_id,)).fetchone()
    if found is None or found[4] is not None or found[0] is None:
        return "erased"
    wrapped_key, sealed, opted_out_at, left_at, _, do_not_contact = found
    for fact, why in (
        (opted_out_at is not None, "opted_out"),
        (left_at is not None, "left"),
        (do_not_contact, "not_safe"),
    ):
        if fact:
            return why
    if sealed is None:
        return "not_safe"
    try:
        safe = unseal(keyring.unwrap(wrapped_key), "contacts.safe_contact", sealed)
    except UnreadableError:
        return "not_safe"
    return window_of(safe, channel) or "not_safe"
