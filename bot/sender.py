"""The loop that says what waits in the outbox: lease, send, retry with back-off, in each contact's order.

Sending may happen twice when a crash falls between the provider's yes and our record of it (O3, O4), never zero
times. A failing message holds only its own contact.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.beats import Beats
from bot.bus import Bus
from bot.core.channels import Channel, SendError, Sent
from bot.core.clock import Clock
from bot.core.fault import fault
from bot.core.messages import Button, OutboundMsg
from bot.outbox import flag_unreachable
from bot.store.crypto import Keyring, UnreadableError
from bot.store.database import Store, Tx
from bot.store.vault import unseal
from bot.telemetry import Log

_LEASE_MS = 60_000
_BATCH = 32
_BACK_OFF_MAX_S = 300.0


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

    def __init__(
        self, channel: Channel, *, store: Store, keyring: Keyring, bus: Bus, clock: Clock, log: Log, beats: Beats
    ) -> None:
        self._channel = channel
        self._store = store
        self._keyring = keyring
        self._bus = bus
        self._clock = clock
        self._log = log
        self._beats = beats
        self._holder = f"{channel.name}-{random.getrandbits(64):016x}"

    async def run(self) -> None:
        """Send for ever; a hint wakes it at once, polling each second is the guarantee."""
        with self._bus.subscribe("outbox") as hints:
            while True:
                try:
                    sent = await self.send_due()
                    self._beats.beat(f"sender:{self._channel.name}")
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


def recover(tx: Tx) -> None:
    """At the start of the only sending process: what a dead one had leased may go out again at once."""
    tx.raw.execute(  # the first condition is the partial index's own
        "UPDATE outbox SET state = 'queued', lease_until = NULL, lease_by = NULL"
        " WHERE state IN ('queued', 'sending') AND state = 'sending'"
    )
