"""Our own speed limit before a provider's: a 429 is an incident, not a rhythm (I16).

A fifth of the speed is a lane that only urgent messages may use, so bulk delays them by at most a slot. After a 429
nothing is called before the moment the provider named.
"""

import asyncio

from bot.core.channels import SendError
from bot.core.clock import Clock

#: Longer than this nothing waits here: the outbox keeps it and its lease stays short.
_WAIT_S_MAX = 5.0
_URGENT_SHARE = 0.2


class Pace:
    """The slots of one provider account."""

    def __init__(self, clock: Clock, *, per_s: float) -> None:
        self._clock = clock
        self._gap_s = {"bulk": 1 / (per_s * (1 - _URGENT_SHARE)), "urgent": 1 / (per_s * _URGENT_SHARE)}
        self._next = {"bulk": 0.0, "urgent": 0.0}
        self._held_until = 0.0

    def hold(self, seconds: float) -> None:
        """Let nothing out for so long."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    async def wait(self, *, urgent: bool) -> None:
        """Wait for a slot.

        Raises:
            SendError: the next slot is too far away to wait for here (throttled).
        """
        wait_s = self._reserve(urgent=urgent)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
            self._refuse_while_held()  # a 429 may have come meanwhile

    def _reserve(self, *, urgent: bool) -> float:
        self._refuse_while_held()
        now = self._clock.monotonic()
        lane = "urgent" if urgent and self._next["urgent"] <= self._next["bulk"] else "bulk"
        at = max(now, self._next[lane])
        if at - now > _WAIT_S_MAX:
            raise SendError("throttled", retryable=True, retry_after_s=at - now)
        self._next[lane] = at + self._gap_s[lane]
        return at - now

    def _refuse_while_held(self) -> None:
        held_s = self._held_until - self._clock.monotonic()
        if held_s > 0:
            raise SendError("throttled", retryable=True, retry_after_s=held_s)
