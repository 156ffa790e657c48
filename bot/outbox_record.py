"""What became of messages that were handed to a provider, and of those that nobody could hand over in time.

Every write here names the claim it answers (holder and attempt): the result of a lease that was lost moves nothing.
A permanent failure marks the address and the open case and closes neither (I15).
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.core.channels import SendError, Sent
from bot.outbox import call_a_person, flag_unreachable, note_unsaid, reached_again
from bot.outbox_claim import Leased, hold_followers
from bot.store.database import Tx

#: These say something about her address, the others about us or the moment.
_ADDRESS_IS_DEAD = frozenset({"blocked_by_contact", "no_such_address"})
_BACK_OFF_MAX_S = 300.0
#: An urgent text is tried again at least this often.
_BACK_OFF_URGENT_MAX_S = 30.0
_HOLD_MAX_S = 24 * 3600.0
_LATE_MOST = 500

_OURS = " WHERE id = ? AND lease_by = ? AND attempts = ? AND state = 'sending'"
_SENT = (
    "UPDATE outbox SET state = 'sent', receipt = coalesce(receipt, 'sent'), provider_message_id = ?, sent_at = ?,"
    " lease_until = NULL, error = NULL WHERE id = ? AND lease_by = ? AND attempts = ? AND state = 'sending'"
)
_AGAIN = "UPDATE outbox SET state = 'queued', lease_until = NULL, lease_by = NULL, due_at = ?, error = ?" + _OURS  # noqa: S608 - constants of ours
_FAILED = "UPDATE outbox SET state = 'failed', lease_until = NULL, error = ?" + _OURS  # noqa: S608
_LATE = """
SELECT id, contact_id FROM outbox WHERE channel = ? AND state IN ('queued', 'sending') AND expires_at <= ?
  AND (lease_until IS NULL OR lease_until <= ?) LIMIT ?
"""
#: Open cases whose own line is dead and that do not say so: the line died before the case was opened.
_UNMARKED = """
SELECT k.contact_id FROM cases k JOIN sessions s ON s.id = k.session_id JOIN addresses a ON a.id = s.address_id
WHERE k.state IN ('queued', 'claimed', 'waiting') AND k.unreachable_at IS NULL AND a.unreachable_at IS NOT NULL
  AND a.channel = ? AND NOT EXISTS (
    SELECT 1 FROM messages m WHERE m.contact_id = k.contact_id AND m.author = 'contact' AND m.at > a.unreachable_at)
LIMIT 100
"""
_HOLD = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One leased message and what the channel said of it."""

    leased: Leased
    result: Sent | SendError


def record(tx: Tx, outcomes: Sequence[Outcome], *, holder: str, now_ms: int, jitter: Callable[[], float]) -> None:
    """Write down what became of messages; `jitter` gives numbers in 0..1 that spread the retries."""
    tx.raw.executemany(
        _SENT,
        [
            (outcome.result.provider_message_id, now_ms, row_id, holder, attempts)
            for outcome in outcomes
            if isinstance(outcome.result, Sent)
            for row_id, attempts in outcome.leased.rows
        ],
    )
    for outcome in outcomes:
        item, result = outcome.leased, outcome.result
        if isinstance(result, SendError):
            _record_failure(tx, item, result, holder=holder, now_ms=now_ms, spread=jitter())
        elif item.was_unreachable:
            tx.raw.execute("UPDATE addresses SET unreachable_at = NULL WHERE id = ?", (item.address_id,))
            reached_again(tx, item.contact_id, now_ms)


def _record_failure(tx: Tx, item: Leased, error: SendError, *, holder: str, now_ms: int, spread: float) -> None:
    if error.retryable:
        due_ms = now_ms + int(back_off_s(error, item, spread) * 1000)
        ours = [
            tx.raw.execute(_AGAIN, (due_ms, error.code, row_id, holder, tried)).rowcount for row_id, tried in item.rows
        ]
        if any(ours):
            hold_followers(tx, item.contact_id, item.row_id, due_ms, proactive_only=item.kind == "proactive")
        return
    ours = [tx.raw.execute(_FAILED, (error.code, row_id, holder, tried)).rowcount for row_id, tried in item.rows]
    if not any(ours) or item.wrapped_key is None:  # not ours any more, or she asked to be erased
        return
    if error.code in _ADDRESS_IS_DEAD:
        tx.raw.execute(
            "UPDATE addresses SET unreachable_at = coalesce(unreachable_at, ?) WHERE id = ?", (now_ms, item.address_id)
        )
    flag_unreachable(tx, item.contact_id, now_ms)
    call_a_person(tx, [row_id for row_id, _ in item.rows], now_ms)


def back_off_s(error: SendError, item: Leased, spread: float) -> float:
    """Give how long to wait before the next try: what the provider named, else twice as long as before, spread."""
    if error.retry_after_s is not None:
        return error.retry_after_s + 0.001  # never a millisecond early; our own limiter spreads what comes after
    most = _BACK_OFF_URGENT_MAX_S if item.urgent else _BACK_OFF_MAX_S
    return min(2.0 ** min(item.attempts, 10), most) * (0.5 + spread / 2)


def anything_amiss(connection: Connection, channel: str, now_ms: int) -> bool:
    """Look whether `put_right` would find something, without holding the writer up."""
    if connection.exec_driver_sql(_LATE, (channel, now_ms, now_ms, 1)).first() is not None:
        return True
    return connection.exec_driver_sql(_UNMARKED, (channel,)).first() is not None


def put_right(tx: Tx, channel: str, now_ms: int) -> int:
    """Close what may no longer be said and tell the cases it was for; mark cases whose line is dead. Give how many."""
    late = tx.raw.execute(_LATE, (channel, now_ms, now_ms, _LATE_MOST)).fetchall()
    tx.raw.executemany(
        "UPDATE outbox SET state = 'expired', error = 'late', lease_until = NULL, lease_by = NULL WHERE id = ?",
        [(row_id,) for row_id, _ in late],
    )
    _tell_of(tx, late, why="late", now_ms=now_ms)
    unmarked = tx.raw.execute(_UNMARKED, (channel,)).fetchall()
    for (contact_id,) in unmarked:
        flag_unreachable(tx, contact_id, now_ms)
    return len(late) + len(unmarked)


def settle_restored(tx: Tx, now_ms: int) -> None:
    """After a restore: whether what was being sent arrived is unknown, and nobody says it again by himself (I29)."""
    unknown = tx.raw.execute(
        "UPDATE outbox SET state = 'unknown', error = 'restored', lease_until = NULL WHERE state = 'sending'"
        " RETURNING id, contact_id"
    ).fetchall()
    late = tx.raw.execute(
        "UPDATE outbox SET state = 'expired', error = 'late' WHERE state = 'queued' AND expires_at <= ?"
        " RETURNING id, contact_id",
        (now_ms,),
    ).fetchall()
    _tell_of(tx, unknown, why="restored", now_ms=now_ms)
    _tell_of(tx, late, why="late", now_ms=now_ms)


def _tell_of(tx: Tx, rows: Sequence[tuple[int, str]], *, why: str, now_ms: int) -> None:
    """Let her case hear what she did not get; who has none is given to a person."""
    for contact_id, count in Counter(contact_id for _, contact_id in rows).items():
        note_unsaid(tx, contact_id, count=count, why=why, tiers="T1 T2", now_ms=now_ms)
    call_a_person(tx, [row_id for row_id, _ in rows], now_ms)


def keep_hold(tx: Tx, account: str, *, until_ms: int, for_s: float) -> None:
    """Remember over a restart that a provider named a moment before which it wants no call."""
    tx.raw.execute(_HOLD, (f"hold:{account}", json.dumps([until_ms, for_s])))


def kept_hold_s(connection: Connection, account: str, now_ms: int) -> float:
    """Give for how long a provider still wants no call; never longer than it had said, whatever the clock did."""
    value = connection.exec_driver_sql("SELECT value FROM meta WHERE key = ?", (f"hold:{account}",)).scalar()
    if value is None:
        return 0.0
    until_ms, for_s = json.loads(value)
    return max(0.0, min((int(until_ms) - now_ms) / 1000, float(for_s), _HOLD_MAX_S))
