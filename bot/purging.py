"""What was said in a chat is taken back from her phone after a day: somebody may scroll it.

Providers let a bot delete messages for 48 hours. So each message is deleted once it is a day old, tried again each
minute, and after 40 hours health is red, while there is still time. Only for channels that can (`takes_back`); what she
wrote herself goes where the platform allows it (bot.purging_hers), else she deletes it herself. A deleted message of
ours has no `provider_message_id` any more.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from bot.beats import Beats
from bot.core.channels import Channel, SendError
from bot.core.clock import Clock
from bot.purging_hers import HersPurge
from bot.store.crypto import Keyring, UnreadableError
from bot.store.database import Store, Tx
from bot.store.vault import unseal
from bot.telemetry import Log

_HOUR_MS = 3600_000
#: Older than this no provider deletes; a minute less, for the way there.
WINDOW_MS = 48 * _HOUR_MS - 60_000
_EVERY_S = 60.0
#: Messages that one pass looks at, and chats that it calls for: urgent texts use the same account.
_ROWS, _CHATS = 500, 5
_LEFT = (
    "SELECT o.id, o.address_id, o.provider_message_id, o.created_at FROM outbox o WHERE o.id > ? AND o.created_at <= ?"
    " AND o.channel = ? AND o.state = 'sent' AND o.provider_message_id <> '' ORDER BY o.id LIMIT ?"
)
#: What waits for her hours may be said later than what came after it.
_UNSAID = "SELECT min(id) FROM outbox WHERE channel = ? AND state IN ('queued', 'sending')"
_NEWEST = "SELECT id FROM outbox WHERE created_at <= ? ORDER BY id DESC LIMIT 1"
_WHERE_TO = (
    "SELECT a.sealed_external_id, c.wrapped_key FROM addresses a JOIN contacts c ON c.id = a.contact_id WHERE a.id = ?"
)
_GONE = "UPDATE outbox SET provider_message_id = NULL WHERE id = ?"
_MARK = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_READ = "SELECT value FROM meta WHERE key = ?"


class ChatPurge:
    """Takes back what one channel said."""

    def __init__(
        self,
        channel: Channel,
        *,
        store: Store,
        keyring: Keyring,
        clock: Clock,
        log: Log,
        beats: Beats,
        after_h: int = 24,
    ) -> None:
        self._channel = channel
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._log = log
        self._beats = beats
        self._after_ms = after_h * _HOUR_MS
        self._hers = HersPurge(channel, store, keyring)

    async def run(self) -> None:
        """Take back for ever; a pass that fails is tried again with the next."""
        while True:
            more = await self._pass_safely()
            await asyncio.sleep(1.0 if more else _EVERY_S)

    async def _pass_safely(self) -> bool:
        try:
            return await self.purge()
        except Exception as error:  # noqa: BLE001 - the loop must outlive a full disk or a provider's nonsense
            self._log.error("purge_failed", channel=self._channel.name, error=type(error).__name__)
            return False

    async def purge(self) -> bool:
        """Do one pass; give whether more waits that was not tried yet."""
        now_ms = int(self._clock.now().timestamp() * 1000)
        more = await self._ours(now_ms)
        return await self._hers.purge(now_ms - self._after_ms, now_ms - WINDOW_MS) or more

    async def _ours(self, now_ms: int) -> bool:
        name, old_ms = self._channel.name, now_ms - self._after_ms
        since, rows = await self._store.read(lambda found: _left(found, name, old_ms))
        gone, late = await self._take_back([row for row in rows if now_ms - row[3] <= WINDOW_MS])
        missed = [row[0] for row in rows if now_ms - row[3] > WINDOW_MS]
        if missed:
            self._log.warning("purge_missed", channel=name, count=len(missed))
        waits = [row for row in rows if row[0] not in gone and row[0] not in set(missed)]
        more = len(rows) == _ROWS or len(waits) > late
        until_ms = waits[0][3] if waits else rows[-1][3] if more else old_ms
        await self._store.write(
            lambda tx: _note(
                tx, name, gone, _not_past_unsaid(tx, name, _next(tx, waits, rows, since, old_ms, more=more)), until_ms
            )
        )
        self._beats.beat(f"purge:{name}")
        return more and not late

    async def _take_back(self, rows: Sequence[Any]) -> tuple[set[int], int]:
        """Delete chat by chat; give the rows that are gone, or of nobody any more, and how many could not be."""
        by_address: dict[str, list[Any]] = {}
        for row in rows:
            by_address.setdefault(row[1], []).append(row)
        gone: set[int] = set()
        late = 0
        for address_id, said in list(by_address.items())[:_CHATS]:
            try:
                external_id = await self._store.read(partial(_chat, self._keyring, address_id))
                if external_id:
                    await self._channel.delete(external_id, tuple(dict.fromkeys(row[2] for row in said)))
            except SendError:
                late += len(said)
                continue
            gone.update(row[0] for row in said)
        return gone, late


def _left(found: Any, channel: str, old_ms: int) -> tuple[int, Sequence[Any]]:
    since = int(found.exec_driver_sql(_READ, (f"purge.row.{channel}",)).scalar() or 0)
    return since, found.exec_driver_sql(_LEFT, (since, old_ms, channel, _ROWS)).all()


def _chat(keyring: Keyring, address_id: str, found: Any) -> str:
    """Give the chat of an address; empty when she was erased or cannot be read: then there is nothing to call."""
    row = found.exec_driver_sql(_WHERE_TO, (address_id,)).first()
    if row is None or None in tuple(row):
        return ""
    try:
        chat: str = unseal(keyring.unwrap(row[1]), "addresses.external_id", row[0])["id"]
    except UnreadableError:
        return ""
    return chat


def _next(tx: Tx, waits: Sequence[Any], rows: Sequence[Any], since: int, old_ms: int, *, more: bool) -> int:
    """Give the row from which the next pass looks on."""
    if waits:
        return int(waits[0][0]) - 1
    if more:
        return int(rows[-1][0])
    newest = tx.raw.execute(_NEWEST, (old_ms,)).fetchone()
    return max(since, newest[0] if newest is not None else 0)


def _not_past_unsaid(tx: Tx, channel: str, row: int) -> int:
    (unsaid,) = tx.raw.execute(_UNSAID, (channel,)).fetchone()
    return row if unsaid is None else min(row, unsaid - 1)


def _note(tx: Tx, channel: str, gone: set[int], row: int, until_ms: int) -> None:
    tx.raw.executemany(_GONE, [(row_id,) for row_id in gone])
    tx.raw.execute(_MARK, (f"purge.row.{channel}", str(row)))
    tx.raw.execute(_MARK, (f"purged.{channel}", str(until_ms)))
