"""Which rows of the outbox go out now: one transaction looks, decides and leases them.

Two lanes, urgent and bulk. In a conversation one message at a time, in order; a failing one holds a more urgent one
for 30 seconds at most. Nothing late is chosen, and nothing proactive outside her safe window (I14, I16, I17).
"""

from dataclasses import dataclass
from typing import Any, Literal

from bot.outbox import call_a_person, note_unsaid, read_body
from bot.outbox_gate import Words, why_not
from bot.store.crypto import Keyring, UnreadableError
from bot.store.database import Tx

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
#: After an outage much may have to be closed before something that may go out is found: so often, so many rows.
_LOOKS = 4
#: So many numbers may be drawn by other processes and not be committed yet.
_NUMBERED_BESIDE = 2_000
_LOOK_MOST = 256


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


#: A row waits behind an earlier open one of the same conversation. It does not wait behind what is over, nor behind
#: what comes by itself and is not under way: that waits behind every answer. What is urgent does not wait for ever
#: behind what is not, but who left is not to be shown what was under way after her screen was cleaned.
_CANDIDATES = f"""
SELECT o.id, o.contact_id, o.address_id, o.key, o.kind, o.urgent, o.attempts, o.due_at, o.expires_at, o.sealed_body,
  a.sealed_external_id, a.unreachable_at, c.wrapped_key, c.left_at, o.created_at
FROM outbox o LEFT JOIN addresses a ON a.id = o.address_id LEFT JOIN contacts c ON c.id = o.contact_id
WHERE o.channel = :channel AND o.urgent = :urgent AND o.state IN ('queued', 'sending') AND o.due_at <= :now
  AND o.expires_at > :now AND (o.lease_until IS NULL OR o.lease_until <= :now)
  AND NOT EXISTS (
    SELECT 1 FROM outbox p WHERE p.contact_id = o.contact_id AND p.id < o.id AND p.state IN ('queued', 'sending')
      AND p.address_id = o.address_id AND (p.expires_at > :now OR p.lease_until > :now)
      AND NOT (p.kind = 'proactive' AND o.kind <> 'proactive' AND p.state = 'queued')
      AND NOT (o.urgent = 1 AND p.urgent = 0 AND o.created_at <= :now - {OVERTAKE_MS}
        AND (c.left_at IS NULL OR p.state = 'queued')))
  AND NOT (o.kind = 'proactive' AND EXISTS (
    SELECT 1 FROM outbox q WHERE q.contact_id = o.contact_id AND q.id > o.id AND q.state IN ('queued', 'sending')
      AND q.address_id = o.address_id AND q.kind <> 'proactive' AND (q.expires_at > :now OR q.lease_until > :now)))
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
    AND p.state IN ('queued', 'sending') AND p.state = 'queued' AND p.urgent = 0 AND p.attempts = 0
    AND p.kind <> 'proactive')
"""
_HOLD = (
    "UPDATE outbox SET due_at = max(due_at, CASE WHEN urgent = 1 THEN min(?, created_at + ?) ELSE ? END)"
    " WHERE contact_id = ? AND id > ? AND state IN ('queued', 'sending') AND state = 'queued'"
    " AND address_id = (SELECT address_id FROM outbox WHERE id = ?)"
)
_HOLD_PROACTIVE = _HOLD + " AND kind = 'proactive'"
_REPLAN = "UPDATE outbox SET state = 'queued', lease_until = NULL, lease_by = NULL, due_at = ? WHERE id = ?"


def newest_row(tx: Tx) -> int:
    """Give the number of a row up to which `pull` has then seen everything; other processes may still add below it."""
    found: int | None = tx.raw.execute("SELECT max(id) FROM outbox").fetchone()[0]
    return (found or 0) - (_NUMBERED_BESIDE if tx.is_shared else 0)


def claim(tx: Tx, keyring: Keyring, wanted: Wanted) -> list[Leased]:
    """Lease what goes out now, urgent first; each message once, each conversation's in order."""
    if wanted.urgent:
        tx.raw.execute(_PULL, {"channel": wanted.channel, "since": wanted.pulled_to})
    leased: list[Leased] = []
    for urgent, most in ((1, wanted.urgent), (0, wanted.bulk)):
        if most > 0:
            chosen = _choose(tx, keyring, wanted, urgent=urgent, most=most)
            leased.extend(_lease_of(tx, keyring, wanted, row) for row in chosen)
    until = wanted.now_ms + LEASE_MS
    tx.raw.executemany(_LEASE, [(until, wanted.holder, row_id) for item in leased for row_id, _ in item.rows])
    return leased


def _choose(tx: Tx, keyring: Keyring, wanted: Wanted, *, urgent: int, most: int) -> list[tuple[Any, ...]]:
    """Give up to `most` rows of a lane that may go out now; those that never may are closed on the way."""
    chosen: dict[int, tuple[Any, ...]] = {}
    for look in range(_LOOKS):
        asked = {
            "channel": wanted.channel,
            "urgent": urgent,
            "now": wanted.now_ms,
            "most": _LOOK_MOST if look else most,
        }
        refused = 0
        for row in tx.raw.execute(_CANDIDATES + tx.claiming.replace("UPDATE", "UPDATE OF o"), asked).fetchall():
            if row[0] in chosen or len(chosen) >= most:
                continue
            if _may_go_out(tx, keyring, wanted, row):
                chosen[row[0]] = row
            else:
                refused += 1
        if not refused:
            break
    return list(chosen.values())


def _lease_of(tx: Tx, keyring: Keyring, wanted: Wanted, row: tuple[Any, ...]) -> Leased:
    row_id, contact_id, address_id, key, kind, urgent, attempts, due_at, expires_at, body, *whose = row
    external_id, unreachable_at, wrapped_key, _, _ = whose
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
    """Pass a row, move it into her next safe window, or close it and tell her case (I17)."""
    row_id, contact_id, _, _, kind, urgent, _, _, expires_at, body, _, _, wrapped_key, left_at, created_at = row
    words = Words(
        contact_id=contact_id,
        channel=wanted.channel,
        kind=kind,
        urgent=bool(urgent),
        created_at=created_at,
        has_left=left_at is not None,
        sealed_body=body,
        wrapped_key=wrapped_key,
    )
    why = why_not(tx, keyring, words, wanted.now_ms)
    if why is None:
        return True
    if isinstance(why, int) and why < expires_at:
        tx.raw.execute(_REPLAN, (why, row_id))
        hold_followers(tx, contact_id, row_id, why, proactive_only=True)
        return False
    why = "not_safe_now" if isinstance(why, int) else why
    tx.raw.execute(
        "UPDATE outbox SET state = 'expired', error = ?, lease_until = NULL, lease_by = NULL WHERE id = ?",
        (why, row_id),
    )
    note_unsaid(tx, contact_id, count=1, why=why, tiers="T1 T2 T3 T4", now_ms=wanted.now_ms)
    call_a_person(tx, [row_id], wanted.now_ms)
    return False


def hold_followers(tx: Tx, contact_id: str, row_id: int, due_ms: int, *, proactive_only: bool = False) -> None:
    """Let what waits behind a row wait as long as the row itself; what is urgent may overtake it after a while."""
    sql = _HOLD_PROACTIVE if proactive_only else _HOLD
    tx.raw.execute(sql, (due_ms, OVERTAKE_MS, due_ms, contact_id, row_id, row_id))
