"""Our own speed limit before a provider's: a 429 is an incident, not a rhythm (I16).

Bulk may use four fifths of the speed and takes a slot only when it is free now; an urgent message takes the next slot
whatever waits, so bulk delays it by one slot. With `share` all processes that send by one bot keep the limit together
(bot.live): a fifth of the shared bucket is left for urgent ones. One chat gets a short burst, then one message a second. After a 429
nothing is called before the moment the provider named, urgent or not.
"""

import asyncio
from collections import OrderedDict

from bot.core.channels import SendError
from bot.core.clock import Clock
from bot.live import Bucket, Live

#: Longer than this nothing waits here: the outbox keeps it and its lease stays short.
_WAIT_S_MAX = 5.0
_BULK_SHARE = 0.8
#: What all processes together may send at once, as seconds of the limit.
_SHARED_BURST_S = 0.5
#: How many bulk slots ahead the outbox may hand rows over.
_AHEAD_S = 0.25
#: A turn says up to three texts at once; Telegram asks for one a second in a chat and forgives a short burst.
_CHAT_GAP_S = 1.0
_CHAT_BURST = 3
_CHATS_MAX = 10_000
#: Two roundings of one moment are the same moment.
_TINY_S = 1e-6


class Pace:
    """The slots of one provider account. `per_chat` adds the limit of one message a second in a chat."""

    def __init__(self, clock: Clock, *, per_s: float, per_chat: bool = False) -> None:
        self._clock = clock
        self._gap_s = 1 / per_s
        self._bulk_gap_s = 1 / (per_s * _BULK_SHARE)
        self._next = self._next_bulk = self._held_until = float("-inf")
        self._line = asyncio.Lock()
        self._waiting_bulk = 0
        self._per_chat = per_chat
        self._chats: OrderedDict[str, float] = OrderedDict()
        self._per_s = per_s
        self._live: Live | None = None
        self._account = ""
        self._telling: set[asyncio.Task[None]] = set()

    def share(self, live: Live, account: str) -> None:
        """Keep the limit together with every process that sends for this account."""
        self._live, self._account = live, account

    def hold(self, seconds: float) -> None:
        """Let nothing out for so long, in the other processes too."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)
        if self._live is not None:
            task = asyncio.get_running_loop().create_task(self._live.hold(self._account, seconds))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    @property
    def held_s(self) -> float:
        """For how long nothing may go out."""
        return max(0.0, self._held_until - self._clock.monotonic())

    @property
    def bulk_room(self) -> int:
        """How many bulk messages may be handed over now without standing in line here for long."""
        ahead_s = max(0.0, self._next_bulk - self._clock.monotonic())
        return max(0, int((_AHEAD_S - ahead_s) / self._bulk_gap_s) + 1 - self._waiting_bulk)

    def refuse_while_held(self) -> None:
        """Let nothing pass before the moment the provider named.

        Raises:
            SendError: throttled, and for how long.
        """
        if self.held_s > 0:
            raise SendError("throttled", retryable=True, retry_after_s=self.held_s)

    async def wait(self, *, urgent: bool, chat: str = "") -> None:
        """Wait for a slot, in this chat and in all.

        Raises:
            SendError: the next slot is too far away to wait for here, or nothing may go out (throttled).
        """
        self.refuse_while_held()
        if chat and self._per_chat:
            await self._sleep(self._chat_slot_s(chat))
        if urgent:
            await self._sleep(self._take())
        else:
            await self._stand_in_line()
        if self._live is not None:
            await self._ask_the_others(self._live, urgent=urgent)

    async def _ask_the_others(self, live: Live, *, urgent: bool) -> None:
        """Take one from the bucket of all processes; bulk leaves a fifth of it, and takes four fifths of the speed."""
        most = max(2.0, self._per_s * _SHARED_BURST_S)
        buckets = [
            Bucket(name=self._account, most=most, per_s=self._per_s, keep=0 if urgent else most * (1 - _BULK_SHARE))
        ]
        if not urgent:
            buckets.append(Bucket(name=f"{self._account} bulk", most=most, per_s=self._per_s * _BULK_SHARE))
        waited_s = 0.0
        while (wait_s := await live.take(*buckets)) > 0:
            waited_s += wait_s
            if waited_s > _WAIT_S_MAX:
                raise SendError("throttled", retryable=True, retry_after_s=wait_s)
            if not urgent:  # less is leased while the others are quicker
                self._next_bulk = max(self._next_bulk, self._clock.monotonic() + wait_s)
            await self._sleep(wait_s)

    async def _stand_in_line(self) -> None:
        too_far_s = self._waiting_bulk * self._bulk_gap_s
        if too_far_s > _WAIT_S_MAX:
            raise SendError("throttled", retryable=True, retry_after_s=too_far_s)
        self._waiting_bulk += 1
        try:
            async with self._line:
                while (wait_s := max(self._next, self._next_bulk) - self._clock.monotonic()) > _TINY_S:
                    await self._sleep(wait_s)  # urgent ones may take the slot meanwhile
                self.refuse_while_held()  # so may a 429 have come while others stood before this one
                self._next_bulk = max(self._clock.monotonic(), self._next_bulk) + self._bulk_gap_s
                self._take()
        finally:
            self._waiting_bulk -= 1

    def _take(self) -> float:
        """Take the next slot of all; give how long to wait for it."""
        now = self._clock.monotonic()
        at = max(now, self._next)
        if at - now > _WAIT_S_MAX:
            raise SendError("throttled", retryable=True, retry_after_s=at - now)
        self._next = at + self._gap_s
        return at - now

    def _chat_slot_s(self, chat: str) -> float:
        """Take this chat's next slot; give how long to wait for it."""
        now = self._clock.monotonic()
        at = max(self._chats.get(chat, float("-inf")), now - (_CHAT_BURST - 1) * _CHAT_GAP_S)
        if at - now > _WAIT_S_MAX:
            raise SendError("throttled", retryable=True, retry_after_s=at - now)
        self._chats[chat] = at + _CHAT_GAP_S
        self._chats.move_to_end(chat)
        while len(self._chats) > _CHATS_MAX:
            self._chats.popitem(last=False)
        return max(0.0, at - now)

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)
            self.refuse_while_held()  # a 429 may have come meanwhile
