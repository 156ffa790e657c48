"""Who is let in when the inbox is full, and who goes first in a crowd (I23).

Asked only under overload: whoever has an open case at T1 or T2 is never refused, and words that sound of danger are let
in far beyond the ordinary limit. Knows the tables of addresses and cases, never a word of what was decided on them.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from bot.core.clock import Clock
from bot.core.messages import InboundMsg, TextInput
from bot.engine.model import DANGER_TIER
from bot.store.crypto import Keyring
from bot.store.database import Store
from bot.turn import Screener

#: So much of a text is read to place it in the line; its own turn reads all of it.
_READ_CHARS = 1000
_URGENT = frozenset(DANGER_TIER.values()) & {"T1", "T2"}
_WITH_CASE = (
    "SELECT a.channel, a.address_index FROM cases c JOIN addresses a ON a.contact_id = c.contact_id"
    " WHERE c.state IN ('queued', 'claimed', 'waiting') AND c.tier IN ('T1', 'T2')"
)
#: How old the list of those with an urgent case may be: whoever got one since is let in by her words.
_FRESH_S = 1.0


class Admission:
    """Tells the urgent from the rest, by their words and by their open cases."""

    def __init__(self, *, store: Store, keyring: Keyring, screener: Screener, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._screener = screener
        self._clock = clock
        self._with_case: set[tuple[str, str]] = set()
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    def sounds_urgent(self, message: InboundMsg) -> bool:
        """True for words of T1 or T2. Places a message in the line and nothing else, so a failure is no more than no."""
        if not isinstance(message.input, TextInput):
            return False
        try:
            return self._screener.screen(message.input.text[:_READ_CHARS]).tier in _URGENT
        except Exception:  # noqa: BLE001 - what cannot be read here is read, counted and given to a person in its turn
            return False

    async def have_urgent_case(self, messages: Sequence[InboundMsg]) -> list[bool]:
        """Say of each message whether its writer has an open case at T1 or T2."""
        async with self._reading:  # one reads, the others of a flood wait for it
            now_s = self._clock.monotonic()
            if self._read_at is None or now_s - self._read_at > _FRESH_S:
                self._with_case = await self._store.read(_read)
                self._read_at = now_s
        known = self._with_case
        return [(one.channel, self._keyring.address_index(one.channel, one.external_id)) in known for one in messages]


def _read(db: Any) -> set[tuple[str, str]]:
    return {(channel, index) for channel, index in db.exec_driver_sql(_WITH_CASE)}
