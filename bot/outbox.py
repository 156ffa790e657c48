"""What is to be said: the rows of the outbox. The loop that says them is bot.sender.

A row goes out only if the transaction that made it committed.
"""

import json
from collections.abc import Sequence
from typing import Any

from bot.core.messages import Button, OutboundKind
from bot.store.crypto import DataKey
from bot.store.database import Tx
from bot.store.vault import seal, unseal

#: How long a text of each kind may still be said, in milliseconds. A proactive text may have to wait for the next
#: window of her day.
EXPIRES_MS: dict[OutboundKind, int] = {"reply": 6 * 3600_000, "live": 24 * 3600_000, "proactive": 25 * 3600_000}


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
    """Give the row of one message to be sent. A counsellor's words ride the urgent lane with what is urgent (I16)."""
    return {
        "key": key,
        "contact_id": contact_id,
        "address_id": address_id,
        "channel": channel,
        "kind": kind,
        "urgent": int(urgent or kind == "live"),
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
        sealed_body=seal(data_key, "messages.body", content),
        urgent=urgent,
        now_ms=now_ms,
    )
    tx.many(_INSERT, [row])


#: An answer to something she sent herself, or a counsellor's words, that will never reach her. Nobody is called for
#: who has a case, or an act of the same kind on its way, nor for who left in a hurry or asked to be erased.
_CALL = """
INSERT INTO inbox (channel, provider_id, contact_id, kind, received_at, state, attempts, due_at)
SELECT 'desk', 'unsaid:' || o.id, o.contact_id, 'unsaid', :now, 'waiting', 0, :now
FROM outbox o JOIN contacts c ON c.id = o.contact_id
WHERE o.id = :id AND c.wrapped_key IS NOT NULL AND coalesce(c.left_at, c.erase_due_at, c.erased_at) IS NULL
  AND (o.kind = 'live' OR (o.kind = 'reply' AND EXISTS (
    SELECT 1 FROM inbox i WHERE i.contact_id = o.contact_id AND o.key LIKE i.id || '.%'
      AND i.channel NOT IN ('desk', 'timer'))))
  AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.contact_id = c.id AND k.state <> 'closed')
  AND NOT EXISTS (SELECT 1 FROM inbox w WHERE w.contact_id = c.id AND w.state = 'waiting' AND w.kind = 'unsaid')
ON CONFLICT DO NOTHING
"""


def call_a_person(tx: Tx, row_ids: Sequence[int], now_ms: int) -> None:
    """Put in her line of the inbox that her answer is unsaid, in the transaction that records it: a case comes of it.

    She has neither answer nor person otherwise, and would have to write again (I3). However many rows, it is one case.
    """
    for row_id in row_ids:
        tx.raw.execute(_CALL, {"id": row_id, "now": now_ms})


def read_body(data_key: DataKey, sealed_body: bytes) -> dict[str, Any]:
    """Open the body of an outbox row: `text`, `buttons`, and `delete` after a quick exit.

    Raises:
        UnreadableError: another key, or changed bytes.
    """
    body: dict[str, Any] = unseal(data_key, "messages.body", sealed_body)
    return body


def flag_unreachable(tx: Tx, contact_id: str, now_ms: int) -> None:
    """Mark the contact's open case: what we said did not reach her (I15). Never closes it; a second time is no news."""
    case = tx.raw.execute(
        "UPDATE cases SET unreachable_at = ?, changed_at = ? WHERE contact_id = ? AND state <> 'closed'"
        " AND unreachable_at IS NULL RETURNING id",
        (now_ms, now_ms, contact_id),
    ).fetchone()
    if case is not None:
        _happened(tx, case[0], "unreachable", {}, now_ms)


def note_unsaid(tx: Tx, contact_id: str, *, count: int, why: str, tiers: str, now_ms: int) -> None:
    """Tell the contact's open case that she did not get what was to be said, and why.

    `tiers` names the tiers for which that is worth a line, such as «T1 T2».
    """
    case = tx.raw.execute(
        "UPDATE cases SET changed_at = ? WHERE contact_id = ? AND state <> 'closed' AND instr(?, tier) > 0 RETURNING id",
        (now_ms, contact_id, tiers),
    ).fetchone()
    if case is not None:
        _happened(tx, case[0], "unsaid", {"count": count, "why": why}, now_ms)


def reached_again(tx: Tx, contact_id: str, now_ms: int) -> None:
    """Take the mark off the open case of a contact who can be reached again."""
    case = tx.raw.execute(
        "UPDATE cases SET unreachable_at = NULL, changed_at = ? WHERE contact_id = ? AND state <> 'closed'"
        " AND unreachable_at IS NOT NULL RETURNING id",
        (now_ms, contact_id),
    ).fetchone()
    if case is not None:
        _happened(tx, case[0], "reached_again", {}, now_ms)


def _happened(tx: Tx, case_id: str, kind: str, content: dict[str, Any], now_ms: int) -> None:
    tx.raw.execute(
        "INSERT INTO case_events (case_id, kind, actor, data, at) VALUES (?, ?, 'outbox', ?, ?)",
        (case_id, kind, json.dumps(content), now_ms),
    )
