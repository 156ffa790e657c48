"""What is to be said: the rows of the outbox. The loop that says them is bot.sender.

A row goes out only if the transaction that made it committed.
"""

from collections.abc import Sequence
from typing import Any

from bot.core.messages import Button, OutboundKind
from bot.store.crypto import DataKey
from bot.store.database import Tx
from bot.store.vault import seal

#: How long a text of each kind may still be said, in milliseconds.
EXPIRES_MS: dict[OutboundKind, int] = {"reply": 6 * 3600_000, "live": 24 * 3600_000, "proactive": 3600_000}


def outbox_row(
    *,
    key: str,
    contact_id: str,
    address_id: str,
    channel: str,
    kind: OutboundKind,
    sealed_body: bytes,
    urgent: bool,
    now_ms: int,
) -> dict[str, Any]:
    """Give the row of one message to be sent."""
    return {
        "key": key,
        "contact_id": contact_id,
        "address_id": address_id,
        "channel": channel,
        "kind": kind,
        "urgent": int(urgent),
        "sealed_body": sealed_body,
        "state": "queued",
        "attempts": 0,
        "created_at": now_ms,
        "due_at": now_ms,
        "expires_at": now_ms + EXPIRES_MS[kind],
    }


_INSERT = (
    "INSERT INTO outbox (key, contact_id, address_id, channel, kind, urgent, sealed_body, state, attempts, created_at,"
    " due_at, expires_at) VALUES (:key, :contact_id, :address_id, :channel, :kind, :urgent, :sealed_body, :state,"
    " :attempts, :created_at, :due_at, :expires_at) ON CONFLICT (key) DO NOTHING"
)


def enqueue(
    tx: Tx,
    data_key: DataKey,
    *,
    key: str,
    contact_id: str,
    address_id: str,
    channel: str,
    kind: OutboundKind,
    text: str,
    buttons: Sequence[Button] = (),
    urgent: bool = False,
    now_ms: int,
) -> None:
    """Put one message in the outbox inside the caller's transaction; the same `key` twice is one message."""
    content = {"text": text, "buttons": [{"label": button.label, "data": button.data} for button in buttons]}
    row = outbox_row(
        key=key,
        contact_id=contact_id,
        address_id=address_id,
        channel=channel,
        kind=kind,
        sealed_body=seal(data_key, "outbox.body", content),
        urgent=urgent,
        now_ms=now_ms,
    )
    tx.many(_INSERT, [row])


def flag_unreachable(tx: Tx, contact_id: str, now_ms: int) -> None:
    """Mark the contact's open case: what we said did not reach her (I15). Never closes it."""
    case = tx.raw.execute(
        "UPDATE cases SET unreachable_at = coalesce(unreachable_at, ?), changed_at = ? WHERE contact_id = ?"
        " AND state <> 'closed' RETURNING id",
        (now_ms, now_ms, contact_id),
    ).fetchone()
    if case is not None:
        tx.raw.execute(
            "INSERT INTO case_events (case_id, kind, actor, data, at) VALUES (?, 'unreachable', 'outbox', '{}', ?)",
            (case[0], now_ms),
        )
