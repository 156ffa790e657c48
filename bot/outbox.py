"""What is to be said, and the loop that says it: lease, send, retry with back-off, in each contact's order.

A row goes out only if the transaction that made it committed. Sending may happen twice when a crash falls between
the provider's yes and our record of it (O3, O4), never zero times. A failing message holds only its own contact.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.bus import Bus
from bot.core.channels import Channel, SendError, Sent
from bot.core.clock import Clock
from bot.core.fault import fault
from bot.core.messages import Button, OutboundKind, OutboundMsg
from bot.store.crypto import DataKey, Keyring, UnreadableError
from bot.store.database import Store, Tx
from bot.store.vault import seal, unseal
from bot.telemetry import Log

#: How long a text of each kind may still be said, in milliseconds.
EXPIRES_MS: dict[OutboundKind, int] = {"reply": 6 * 3600_000, "live": 24 * 3600_000, "proactive": 3600_000}
_LEASE_MS = 60_000
_BATCH = 32
_BACK_OFF_MAX_S = 300.0


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


@dataclass(frozen=True, slots=True)
class _Leased:
    row_id: int
    contact_id: str
    attempts: int
    message: OutboundMsg
    delete_ids: tuple[str, ...]


_CLAIM = """
UPDATE outbox SET state = 'sending', lease_until = :until, lease_by = :holder, attempts = attempts + 1
WHERE id IN (
  SELECT o.id FROM outbox o
  WHERE o.channel = :channel AND o.state IN ('queued', 'sending') AND o.due_at <= :now
    AND (o.lease_until IS NULL OR o.lease_until <= :now)
    AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.contact_id = o.contact_id AND p.id < o.id
                    AND p.state IN ('queued', 'sending'))
  ORDER BY o.urgent DESC, o.id LIMIT :most)
RETURNING id, contact_id, address_id, key, kind, urgent, sealed_body, attempts
"""
#: What may no longer be said is closed before anything is claimed. Proactive texts need a safe contact set and no
#: opt-out, checked in this same transaction (I17).
_CLOSE_STALE = (
    (
        "UPDATE outbox SET state = 'expired', error = 'late' WHERE channel = :channel AND state IN ('queued', 'sending')"
        " AND expires_at <= :now AND (lease_until IS NULL OR lease_until <= :now)"
    ),
    (
        "UPDATE outbox SET state = 'expired', error = 'not_safe' WHERE channel = :channel"
        " AND state IN ('queued', 'sending') AND state = 'queued' AND kind = 'proactive' AND NOT EXISTS (SELECT 1 FROM contacts c WHERE c.id = outbox.contact_id"
        " AND c.opted_out_at IS NULL AND c.left_at IS NULL AND c.sealed_safe_contact IS NOT NULL)"
    ),
)
_ADDRESS = (
    "SELECT a.sealed_external_id, c.wrapped_key FROM addresses a JOIN contacts c ON c.id = a.contact_id WHERE a.id = ?"
)
_SAID = (
    "SELECT provider_message_id FROM outbox WHERE contact_id = ? AND state = 'sent' AND provider_message_id <> ''"
    " AND sent_at > ? ORDER BY id DESC LIMIT 100"
)
_DELETE_WINDOW_MS = 47 * 3600_000


class Sender:
    """Sends what waits for one channel. Any number may run; the lease decides."""

    def __init__(self, channel: Channel, *, store: Store, keyring: Keyring, bus: Bus, clock: Clock, log: Log) -> None:
        self._channel = channel
        self._store = store
        self._keyring = keyring
        self._bus = bus
        self._clock = clock
        self._log = log
        self._holder = f"{channel.name}-{random.getrandbits(64):016x}"

    async def run(self) -> None:
        """Send for ever; a hint wakes it at once, polling each second is the guarantee."""
        with self._bus.subscribe("outbox") as hints:
            while True:
                try:
                    sent = await self.send_due()
                except Exception as error:  # noqa: BLE001 - the loop must outlive a full disk; the row keeps its lease
                    self._log.error("outbox_failed", channel=self._channel.name, error=type(error).__name__)
                    sent = 0
                if sent < _BATCH:
                    await hints.wait(1.0)

    async def send_due(self) -> int:
        """Send one batch of what is due; give how many were tried."""
        now_ms = self._now_ms()
        if not await self._store.read(lambda db: self._anything_due(db, now_ms)):
            return 0
        leased = await self._store.write(lambda tx: self._claim(tx, now_ms))
        fault("O1")
        outcomes = await asyncio.gather(*(self._send(item) for item in leased))
        fault("O4")
        if outcomes:
            await self._store.write(lambda tx: self._record(tx, outcomes))
        return len(leased)

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _anything_due(self, db: Any, now_ms: int) -> bool:
        sql = (
            "SELECT 1 FROM outbox WHERE channel = ? AND state IN ('queued', 'sending') AND due_at <= ?"
            " AND (lease_until IS NULL OR lease_until <= ?) LIMIT 1"
        )
        return db.exec_driver_sql(sql, (self._channel.name, now_ms, now_ms)).first() is not None

    def _claim(self, tx: Tx, now_ms: int) -> list[_Leased]:
        wanted = {"channel": self._channel.name, "now": now_ms, "until": now_ms + _LEASE_MS}
        for sql in _CLOSE_STALE:
            tx.raw.execute(sql, wanted)
        rows = tx.raw.execute(_CLAIM, {**wanted, "holder": self._holder, "most": _BATCH}).fetchall()
        leased = [item for row in sorted(rows) if (item := self._read(tx, row, now_ms)) is not None]
        return sorted(leased, key=lambda item: not item.message.urgent)

    def _read(self, tx: Tx, row: tuple[Any, ...], now_ms: int) -> _Leased | None:
        row_id, contact_id, address_id, key, kind, urgent, sealed_body, attempts = row
        found = tx.raw.execute(_ADDRESS, (address_id,)).fetchone()
        try:
            if found is None or None in found:
                raise UnreadableError  # noqa: TRY301 - erased meanwhile: the same end as an unreadable row
            data_key = self._keyring.unwrap(found[1])
            external_id = unseal(data_key, "addresses.external_id", found[0])["id"]
            body = unseal(data_key, "outbox.body", sealed_body)
        except UnreadableError:
            tx.raw.execute("UPDATE outbox SET state = 'failed', error = 'unreadable' WHERE id = ?", (row_id,))
            return None
        said = tx.raw.execute(_SAID, (contact_id, now_ms - _DELETE_WINDOW_MS)).fetchall() if body.get("delete") else []
        message = OutboundMsg(
            key=key,
            external_id=external_id,
            text=body["text"],
            buttons=tuple(Button(item["label"], item["data"]) for item in body["buttons"]),
            kind=kind,
            urgent=bool(urgent),
        )
        return _Leased(row_id, contact_id, attempts, message, tuple(item[0] for item in said))

    async def _send(self, item: _Leased) -> tuple[_Leased, Sent | SendError]:
        fault("O2")
        try:
            sent = await self._channel.send(item.message)
            fault("O3")
            if item.delete_ids:
                await self._channel.delete(item.message.external_id, item.delete_ids)
        except SendError as error:
            return item, error
        except Exception as error:  # noqa: BLE001 - a handler's bug must not lose the message
            self._log.error("send_bug", channel=self._channel.name, error=type(error).__name__)
            return item, SendError("bad_response", retryable=True, ours=True)
        return item, sent

    def _record(self, tx: Tx, outcomes: Sequence[tuple[_Leased, Sent | SendError]]) -> None:
        now_ms = self._now_ms()
        for item, outcome in outcomes:
            if isinstance(outcome, Sent):
                tx.raw.execute(
                    "UPDATE outbox SET state = 'sent', receipt = coalesce(receipt, 'sent'), provider_message_id = ?,"
                    " sent_at = ?, lease_until = NULL, error = NULL WHERE id = ? AND lease_by = ?",
                    (outcome.provider_message_id, now_ms, item.row_id, self._holder),
                )
            else:
                self._record_failure(tx, item, outcome, now_ms)
        tx.after_commit(lambda: self._bus.publish("outbox", "cases"))

    def _record_failure(self, tx: Tx, item: _Leased, error: SendError, now_ms: int) -> None:
        self._log.warning("send_failed", channel=self._channel.name, code=error.code, attempts=item.attempts)
        if error.retryable:
            back_off_s = error.retry_after_s or min(2.0 ** min(item.attempts, 10), _BACK_OFF_MAX_S)
            tx.raw.execute(
                "UPDATE outbox SET state = 'queued', lease_until = NULL, due_at = ?, error = ? WHERE id = ?",
                (now_ms + int(back_off_s * 1000), error.code, item.row_id),
            )
            return
        tx.raw.execute(
            "UPDATE outbox SET state = 'failed', lease_until = NULL, error = ? WHERE id = ?", (error.code, item.row_id)
        )
        flag_unreachable(tx, item.contact_id, now_ms)


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


def recover(tx: Tx) -> None:
    """At the start of the only sending process: what a dead one had leased may go out again at once."""
    tx.raw.execute(  # the first condition is the partial index's own
        "UPDATE outbox SET state = 'queued', lease_until = NULL, lease_by = NULL"
        " WHERE state IN ('queued', 'sending') AND state = 'sending'"
    )
