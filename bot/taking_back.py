"""What leaves a chat with the next text to her: what was said there before, or a word of hers that nobody may read.

A body of the outbox asks for it: `unsay` names what she just wrote by its row of the inbox; with `delete` all of the
last two days up to there goes (she left in a hurry, or asked to be erased). What we said has its number in the outbox;
what she wrote has it in the bytes that brought it, which only the channel can read (`written_id`). A channel without
it cannot take back what she wrote; she does it herself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.channels import Channel
from bot.outbox_claim import Leased
from bot.store.crypto import DataKey, Keyring, UnreadableError
from bot.store.database import Store

#: Older than this no provider deletes; an hour less, for the way there.
_WINDOW_MS = 47 * 3600_000
_SAID = (
    "SELECT provider_message_id FROM outbox WHERE contact_id = ? AND address_id = ? AND state = 'sent'"
    " AND provider_message_id <> '' AND sent_at > ? ORDER BY id DESC LIMIT 100"
)
_WROTE = (
    "SELECT id, sealed_raw FROM inbox WHERE contact_id = ? AND address_id = ? AND sealed_raw IS NOT NULL"
    " AND received_at > ? ORDER BY id DESC LIMIT 100"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What one text asks for: everything of before it, or only what she wrote in these rows of the inbox."""

    everything: bool
    inbox_ids: frozenset[int]

    def names(self, inbox_id: int) -> bool:
        """True when what came in this row is to go."""
        return inbox_id in self.inbox_ids or (self.everything and inbox_id <= max(self.inbox_ids, default=0))


def wish_of(bodies: Sequence[dict[str, Any]]) -> Wish | None:
    """Read what the bodies of one message ask for; None for nothing."""
    wish = Wish(
        any(body.get("delete") for body in bodies), frozenset(body["unsay"] for body in bodies if "unsay" in body)
    )
    return wish if wish.everything or wish.inbox_ids else None


class TakingBack:
    """Takes back what one channel said and was told."""

    def __init__(self, channel: Channel, store: Store, keyring: Keyring, now_ms: Callable[[], int]) -> None:
        self._channel = channel
        self._store = store
        self._keyring = keyring
        self._now_ms = now_ms

    async def take(self, item: Leased, external_id: str, wish: Wish) -> None:
        """Ask the provider to delete what the wish names: ours, then hers, so that neither hinders the other.

        Raises:
            SendError: it can be tried again.
        """
        asked = (item.contact_id, item.address_id, self._now_ms() - _WINDOW_MS)
        said, wrote = await self._store.read(
            lambda found: (found.exec_driver_sql(_SAID, asked).all(), found.exec_driver_sql(_WROTE, asked).all())
        )
        ours = tuple(row[0] for row in said) if wish.everything else ()
        hers = self._hers(item, [row[1] for row in wrote if wish.names(row[0])])
        for numbers in (ours, hers):
            if numbers:
                await self._channel.delete(external_id, numbers)

    def _hers(self, item: Leased, sealed: Sequence[bytes]) -> tuple[str, ...]:
        written_id: Callable[[bytes], str] | None = getattr(self._channel, "written_id", None)
        if written_id is None or item.wrapped_key is None:
            return ()
        key = self._keyring.unwrap(item.wrapped_key)
        numbers = (_number(key, raw, written_id) for raw in sealed)
        return tuple(dict.fromkeys(number for number in numbers if number))


def _number(key: DataKey, sealed: bytes, written_id: Callable[[bytes], str]) -> str:
    try:
        return written_id(key.open(b"inbox.raw", sealed))
    except UnreadableError:
        return ""  # what cannot be read cannot be named; the rest goes all the same
