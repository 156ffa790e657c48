"""Which rows of the outbox go out now: one transaction looks, decides and leases them.

Two lanes, urgent and bulk. In a conversation one message at a time, in order; a failing one holds a more urgent one
for 30 seconds at most. Nothing late is chosen, and nothing proactive outside her safe window (I14, I16, I17).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from bot.core.safe_contact import Window, window_of
from bot.outbox import note_unsaid, read_body
from bot.store.crypto import Keyring, UnreadableError
from bot.store.database import Tx
from bot.store.vault import unseal

LEASE_MS = 60_000
#: How long a more urgent message of the same contact waits for one that cannot be sent.
OVERTAKE_MS = 30_000
#: A bulk text that has waited so long stands in a queue, and is joined with what waits behind it.
QUEUED_MS = 2_000
#: How long «unreachable» stands at least before a message that arrives may take it away.
MARKED_MS = 60_000
_JOINED_MAX = 8
#: The longest joined text, in UTF-16 units: within one message of Telegram.
_JOINED_UNITS_MAX = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How much one claim may take of each lane, for whom, and whether waiting texts may be joined."""

    channel: str
    holder: str
    now_ms: int
    urgent: int
    bulk: int
    joins: bool = False
    #: Urgent rows up to this number have already pulled the rows before them into their lane.
    pulled_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """One message that is ours to send until the lease ends. `rows`: (id, attempts) of each row in it."""

    rows: tuple[tuple[int, int], ...]
    contact_id: str
    address_id: str
    key: str
    kind: Literal["reply", "live", "proactive"]
    urgent: bool
    expires_at: int
    was_unreachable: bool
    sealed_external_id: bytes | None
    wrapped_key: bytes | None
    sealed_bodies: tuple[bytes | None, ...]

    @property
    def row_id(self) -> int:
        """The first row's number."""
        return self.rows[0][0]

    @property
    def attempts(self) -> int:
        """How often the first row has been tried, this time included."""
        return self.rows[0][1]


#: A row waits behind an earlier open one of the same conversation. It does not wait behind what is over, behind what
#: waits for her safe window (unless it does so itself), nor, being urgent, for ever behind what is not.
_CANDIDATES = f"""
SELECT o.id, o.contact_id, o.address_id, o.key, o.kind, o.urgent, o.attempts, o.due_at, o.expires_at, o.sealed_body,
  a.sealed_external_id, a.unreachable_at, c.wrapped_key
FROM outbox o LEFT JOIN addresses a ON a.id = o.address_id LEFT JOIN contacts c ON c.id = o.contact_id
WHERE o.channel = :channel AND o.urgent = :urgent AND o.state IN ('queued', 'sending') AND o.due_at <= :now
  AND o.expires_at > :now AND (o.lease_until IS NULL OR o.lease_until <= :now)
  AND NOT EXISTS (
    SELECT 1 FROM outbox p WHERE p.contact_id = o.contact_id AND p.id < o.id AND p.state IN ('queued', 'sending')
      AND p.address_id = o.address_id AND (p.expires_at > :now OR p.lease_until > :now)
      AND NOT (p.kind = 'proactive' AND o.kind <> 'proactive' AND p.state = 'queued' AND p.due_at > :now)
      AND NOT (o.urgent AND NOT p.urgent AND o.created_at <= :now - {OVERTAKE_MS}))
ORDER BY o.due_at, o.id LIMIT :most
"""  # noqa: S608 - a constant of ours
_FOLLOWERS = f"""
SELECT id, address_id, kind, urgent, attempts, due_at, expires_at, sealed_body FROM outbox
WHERE contact_id = ? AND id > ? AND state IN ('queued', 'sending') ORDER BY id LIMIT {_JOINED_MAX}
"""  # noqa: S608 - a constant of ours
_LEASE = (
    "UPDATE outbox SET state = 'sending', lease_until = ?, lease_by = ?, attempts = attempts + 1, error = NULL"
    " WHERE id = ?"
)
#: Her untried texts that stand before an urgent one go with it, or bulk would delay the urgent one (I16).
_PULL = """
UPDATE outbox SET urgent = 1 WHERE id IN (
  SELECT p.id FROM outbox u JOIN outbox p ON p.contact_id = u.contact_id AND p.address_id = u.address_id AND p.id < u.id
  WHERE u.channel = :channel AND u.urgent = 1 AND u.state IN ('queued', 'sending') AND u.id > :since
    AND p.state IN ('queued', 'sending') AND p.state = 'queued' AND NOT p.urgent AND p.attempts = 0
    AND p.kind <> 'proactive')
"""
_HOLD = (
    "UPDATE outbox SET due_at = max(due_at, CASE WHEN urgent THEN min(?, created_at + ?) ELSE ? END)"
    " WHERE contact_id = ? AND id > ? AND state IN ('queued', 'sending') AND state = 'queued'"
    " AND address_id = (SELECT address_id FROM outbox WHERE id = ?)"
)
_HOLD_PROACTIVE = _HOLD + " AND kind = 'proactive'"
_REPLAN = "UPDATE outbox SET state = 'queued', lease_until = NULL, lease_by = NULL, due_at = ? WHERE id = ?"
_SAFETY = """
SELECT c.wrapped_key, c.sealed_safe_contact, c.opted_out_at, c.left_at, coalesce(c.erased_at, c.erase_due_at),
  (SELECT max(k.do_not_contact) FROM cases k WHERE k.contact_id = c.id AND k.state <> 'closed')
FROM contacts c WHERE c.id = ?
"""


def newest_row(tx: Tx) -> int:
    """Give the number of the newest row, up to which `pull` has then seen everything."""
    found: int | None = tx.raw.execute("SELECT max(id) FROM outbox").fetchone()[0]
    return found or 0


def claim(tx: Tx, keyring: Keyring, wanted: Wanted) -> list[Leased]:
    """Lease what goes out now, urgent first; each message once, each conversation's in order."""
    if wanted.urgent:
        tx.raw.execute(_PULL, {"channel": wanted.channel, "since": wanted.pulled_to})
    leased: list[Leased] = []
    for urgent, most in ((1, wanted.urgent), (0, wanted.bulk)):
        if most > 0:
            asked = {"channel": wanted.channel, "urgent": urgent, "now": wanted.now_ms, "most": most}
            found = tx.raw.execute(_CANDIDATES, asked).fetchall()
            safe = [row for row in found if row[4] != "proactive" or _may_go_out(tx, keyring, wanted, row)]
            leased.extend(_lease_of(tx, keyring, wanted, row) for row in safe)
    until = wanted.now_ms + LEASE_MS
    tx.raw.executemany(_LEASE, [(until, wanted.holder, row_id) for item in leased for row_id, _ in item.rows])
    return leased


def _lease_of(tx: Tx, keyring: Keyring, wanted: Wanted, row: tuple[Any, ...]) -> Leased:
    row_id, contact_id, address_id, key, kind, urgent, attempts, due_at, expires_at, body, *whose = row
    external_id, unreachable_at, wrapped_key = whose
    rows: tuple[tuple[int, int], ...] = ((row_id, attempts + 1),)
    bodies: tuple[bytes | None, ...] = (body,)
    if wanted.joins and not urgent and kind == "reply" and wanted.now_ms - due_at > QUEUED_MS:
        found = _joined(tx, keyring, wanted.now_ms, row)
        rows = (*rows, *((other, tried + 1) for other, tried, _ in found))
        bodies = (*bodies, *(sealed for _, _, sealed in found))
    return Leased(
        rows=rows,
        contact_id=contact_id,
        address_id=address_id,
        key=key,
        kind=kind,
        urgent=bool(urgent),
        expires_at=expires_at,
        was_unreachable=unreachable_at is not None and unreachable_at <= wanted.now_ms - MARKED_MS,
        sealed_external_id=external_id,
        wrapped_key=wrapped_key,
        sealed_bodies=bodies,
    )


def _joined(tx: Tx, keyring: Keyring, now_ms: int, row: tuple[Any, ...]) -> list[tuple[int, int, bytes]]:
    """Give the texts behind a waiting one that go out with it: (id, attempts, body). Buttons end a message."""
    row_id, contact_id, address_id, wrapped_key = row[0], row[1], row[2], row[12]
    found: list[tuple[int, int, bytes]] = []
    try:
        key = keyring.unwrap(wrapped_key or b"")
        last = read_body(key, row[9] or b"")
        units = _units(last)
        for other in tx.raw.execute(_FOLLOWERS, (contact_id, row_id)).fetchall():
            other_id, other_address, kind, urgent, attempts, due_at, expires_at, sealed = other
            if last["buttons"] or last.get("delete") or urgent or (other_address, kind) != (address_id, "reply"):
                break
            if due_at > now_ms or expires_at <= now_ms:
                break
            last = read_body(key, sealed or b"")
            if last.get("delete"):
                break  # what she is left with after a quick exit stands alone
            units += _units(last) + 2
            if units > _JOINED_UNITS_MAX:
                break
            found.append((other_id, attempts, sealed))
    except UnreadableError:
        return []  # the first goes out alone, and fails alone if it is the one that cannot be read
    return found


def _units(body: dict[str, Any]) -> int:
    return len(str(body["text"]).encode("utf-16-le", "replace")) // 2


def _may_go_out(tx: Tx, keyring: Keyring, wanted: Wanted, row: tuple[Any, ...]) -> bool:
    """Pass a proactive row, move it into her next window, or close it and tell her case (I17)."""
    row_id, contact_id, expires_at, now_ms = row[0], row[1], row[8], wanted.now_ms
    found = _safety(tx, keyring, contact_id, wanted.channel)
    why = found if isinstance(found, str) else "not_safe_now"
    if isinstance(found, Window):
        opens_ms = int(found.opens_at(datetime.fromtimestamp(now_ms / 1000, UTC)).timestamp() * 1000)
        if opens_ms <= now_ms:
            return True
        if opens_ms < expires_at:
            tx.raw.execute(_REPLAN, (opens_ms, row_id))
            hold_followers(tx, contact_id, row_id, opens_ms, proactive_only=True)
            return False
    tx.raw.execute(
        "UPDATE outbox SET state = 'expired', error = ?, lease_until = NULL, lease_by = NULL WHERE id = ?",
        (why, row_id),
    )
    note_unsaid(tx, contact_id, count=1, why=why, tiers="T1 T2 T3 T4", now_ms=now_ms)
    return False


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


def hold_followers(tx: Tx, contact_id: str, row_id: int, due_ms: int, *, proactive_only: bool = False) -> None:
    """Let what waits behind a row wait as long as the row itself; what is urgent may overtake it after a while."""
    sql = _HOLD_PROACTIVE if proactive_only else _HOLD
    tx.raw.execute(sql, (due_ms, OVERTAKE_MS, due_ms, contact_id, row_id, row_id))
