"""What she wrote in a chat is taken back with what we said (bot.purging), where the platform lets a bot do so.

The number of a message of hers stands in the bytes that brought it, which are kept for three days; only the channel
can read it (`written_id`). A cursor over the inbox says how far everything is gone; where a chat cannot be reached it
stops before that chat's first message and tries again with the next pass. Deleting twice harms nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.core.channels import Channel, SendError
from bot.store.crypto import DataKey, Keyring, UnreadableError
from bot.store.database import Store, Tx
from bot.store.vault import unseal

#: Rows that one pass looks at, and chats that it calls for: urgent texts use the same account.
_ROWS, _CHATS = 500, 5
_NEXT = (
    "SELECT id, received_at, address_id, CASE WHEN channel = ? THEN sealed_raw END FROM inbox WHERE id > ?"
    " ORDER BY id LIMIT ?"
)
_WHERE_TO = (
    "SELECT a.sealed_external_id, c.wrapped_key FROM addresses a JOIN contacts c ON c.id = a.contact_id WHERE a.id = ?"
)
_MARK = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_READ = "SELECT value FROM meta WHERE key = ?"


@dataclass(frozen=True, slots=True)
class _Wrote:
    row: int
    at_ms: int
    address_id: str
    sealed_raw: bytes | None


class HersPurge:
    """Takes back what was written through one channel."""

    def __init__(self, channel: Channel, store: Store, keyring: Keyring) -> None:
        self._channel = channel
        self._store = store
        self._keyring = keyring
        self._written_id: Callable[[bytes], str] | None = getattr(channel, "written_id", None)

    async def purge(self, old_ms: int, gone_ms: int) -> bool:
        """Do one pass over what came before `old_ms`; give whether more waits that was not tried yet.

        What came before `gone_ms` no provider deletes any more.
        """
        if self._written_id is None:
            return False
        page, more = await self._store.read(lambda found: self._page(found, old_ms))
        failed = await self._take_back([one for one in page if one.at_ms >= gone_ms and one.sealed_raw])
        left = [one for one in page if one.address_id in failed and one.at_ms >= gone_ms]
        done = [one for one in page if not left or one.row < left[0].row]
        until_ms = left[0].at_ms if left else page[-1].at_ms if more else old_ms
        await self._store.write(lambda tx: self._note(tx, done, until_ms))
        return more and not failed

    def _page(self, found: Any, old_ms: int) -> tuple[list[_Wrote], bool]:
        """Give the next rows that are old enough, of few chats, and whether there may be more."""
        name = self._channel.name
        since = int(found.exec_driver_sql(_READ, (f"purge.hers.{name}",)).scalar() or 0)
        page: list[_Wrote] = []
        chats: set[str] = set()
        for row in found.exec_driver_sql(_NEXT, (name, since, _ROWS)):
            one = _Wrote(row[0], row[1], row[2] or "", row[3])
            chats |= {one.address_id} if one.sealed_raw else set()
            if one.at_ms > old_ms:
                return page, False
            if len(chats) > _CHATS:
                return page, True
            page.append(one)
        return page, len(page) == _ROWS

    async def _take_back(self, wrote: Sequence[_Wrote]) -> set[str]:
        """Delete chat by chat; give the addresses where it could not be done."""
        failed: set[str] = set()
        for address_id in dict.fromkeys(one.address_id for one in wrote):
            sealed = [one.sealed_raw for one in wrote if one.address_id == address_id and one.sealed_raw]
            chat, numbers = await self._store.read(partial(self._numbers, address_id, sealed))
            try:
                if numbers:
                    await self._channel.delete(chat, numbers)
            except SendError:
                failed.add(address_id)
        return failed

    def _numbers(self, address_id: str, sealed: Sequence[bytes], found: Any) -> tuple[str, tuple[str, ...]]:
        """Give a chat and the numbers of what she wrote there; none when she was erased or cannot be read."""
        row = found.exec_driver_sql(_WHERE_TO, (address_id,)).first()
        if row is None or None in tuple(row):
            return "", ()
        try:
            key = self._keyring.unwrap(row[1])
            chat: str = unseal(key, "addresses.external_id", row[0])["id"]
            numbers = [self._number(key, raw) for raw in sealed]
        except UnreadableError:
            return "", ()
        return chat, tuple(dict.fromkeys(number for number in numbers if number))

    def _number(self, key: DataKey, sealed: bytes) -> str:
        return self._written_id(key.open(b"inbox.raw", sealed)) if self._written_id is not None else ""

    def _note(self, tx: Tx, done: Sequence[_Wrote], until_ms: int) -> None:
        name = self._channel.name
        if done:
            tx.raw.execute(_MARK, (f"purge.hers.{name}", str(done[-1].row)))
        tx.raw.execute(_MARK, (f"purged.hers.{name}", str(until_ms)))
