"""A contact as turns see her: what is remembered of her between them, and how she is read from the tables."""

from dataclasses import dataclass, field

from bot.engine.session import Session, session_from_json
from bot.store.crypto import DataKey, Keyring, UnreadableError
from bot.store.database import Tx
from bot.store.vault import unseal

_JOIN_MS = 90_000
_LAST_SESSION = """
SELECT id, sealed_state, started_at, ended_at, silence_at, silence_visit, not_taken_at, not_taken_visit
FROM sessions WHERE contact_id = ? ORDER BY ended_at IS NOT NULL, started_at DESC, updated_at DESC, id DESC LIMIT 1
"""
_RECENT = """
SELECT at, sealed_body FROM messages WHERE contact_id = ? AND author = 'contact' AND at > ? ORDER BY id DESC LIMIT 2
"""


#: What she sent and has not had its turn; one that was given up for now holds nobody up.
_PARKED = (
    "SELECT 1 FROM inbox WHERE contact_id = ? AND state = 'waiting' AND attempts < 3"
    " AND channel NOT IN ('desk', 'timer') LIMIT 1"
)


@dataclass(slots=True)
class Known:
    """A contact as the worker sees her between turns."""

    contact_id: str
    address_id: str
    channel: str
    key: DataKey
    language: str = "fa"
    session_id: str = ""
    session: Session | None = None
    started_at: int = 0
    ended_at: int | None = None
    last_visit: int = 0
    timers: dict[str, tuple[int, int]] = field(default_factory=dict)
    seen_at: int = 0
    left: bool = False
    recent: list[tuple[int, str]] = field(default_factory=list)
    damaged: bool = False  #: what was kept of her cannot be read; a person must be told
    parked: bool = False  #: an earlier message of hers waits for another try; what comes now waits behind it (I4)
    moved: bool = False  #: her next turn is the first at another address
    asked_by: list[tuple[str, str]] = field(default_factory=list)
    changes: int = 0  #: the number of her last change that is in here; other processes raise it

    def texts_before(self, written_ms: int) -> list[str]:
        """Give her texts of the 90 seconds before one was written, oldest first."""
        if not self.recent:
            return []
        self.recent = [item for item in self.recent if abs(written_ms - item[0]) < _JOIN_MS][-2:]
        return [text for _, text in self.recent]


def is_parked(tx: Tx, contact_id: str) -> bool:
    """True while something she sent waits for another try."""
    return tx.raw.execute(_PARKED, (contact_id,)).fetchone() is not None


def load(
    tx: Tx, keyring: Keyring, found: tuple[str, str, str, bytes | None, str, int | None, int], now_ms: int
) -> Known | None:
    """Read a contact behind a row of the address queries of bot.directory; None when she was erased.

    Raises:
        UnreadableError: her key is damaged.
    """
    contact_id, address_id, channel, wrapped, language, left_at, seen_at = found
    if wrapped is None:
        return None
    known = Known(
        contact_id,
        address_id,
        channel,
        keyring.unwrap(wrapped),
        language,
        seen_at=seen_at,
        left=left_at is not None,
        changes=tx.held.get(contact_id, 0),
    )
    row = tx.raw.execute(_LAST_SESSION, (contact_id,)).fetchone()
    if row is not None:
        known.session_id, state, known.started_at, known.ended_at = row[:4]
        known.session = _session(known.key, state)
        known.damaged = known.session is None and state is not None  # emptied by age is no damage
        known.last_visit = known.session.visit if known.session else 0
        for name, at, visit in (("silence", row[4], row[5]), ("not_taken", row[6], row[7])):
            if at is not None:
                known.timers[name] = (at, visit)
    known.parked = is_parked(tx, contact_id)
    known.recent = _recent(tx, known, now_ms)
    return known


def _recent(tx: Tx, known: Known, now_ms: int) -> list[tuple[int, str]]:
    found = []
    for at, sealed in reversed(tx.raw.execute(_RECENT, (known.contact_id, now_ms - _JOIN_MS)).fetchall()):
        try:
            found.append((at, unseal(known.key, "messages.body", sealed).get("text", "")))
        except UnreadableError:
            continue
    return found


def _session(key: DataKey, sealed: bytes | None) -> Session | None:
    """Read a session's state; None when it is damaged."""
    try:
        return session_from_json(unseal(key, "sessions.state", sealed)) if sealed is not None else None
    except (UnreadableError, ValueError, LookupError, TypeError):
        return None
