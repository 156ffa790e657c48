"""A post office on virtual time: an event loop that sleeps by moving the clock, and a provider with Telegram's limits."""

import asyncio
import selectors
from collections import Counter, defaultdict, deque
from dataclasses import dataclass

from bot.core.channels import SendError, Sent
from bot.handlers.pace import Pace


class _Jumping(selectors.DefaultSelector):
    """Never waits: where the loop would sleep, the clock moves."""

    clock = None

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everything waits for nothing")
        if not ready and timeout > 0:
            self.clock.advance(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock):
        selector = _Jumping()
        selector.clock = clock
        super().__init__(selector)
        self._virtual = clock
        self._clock_resolution = 1e-6

    def time(self):
        return self._virtual.monotonic()


@dataclass(frozen=True)
class Call:
    at: float
    chat: str
    text: str
    key: str
    urgent: bool
    answer: str


class Provider:
    """Telegram's rules on the virtual clock: 30 calls a second, a short burst and then 1 a second in a chat, and a 429
    for the whole bot; `early` counts calls after it was told. `calls` is the ledger; `planned[chat]` says how the next calls of a chat go wrong."""

    mode = "rich"

    def __init__(self, clock, *, name="telegram", per_s=30, per_chat=4, paced=True):
        self.name = name
        self.account = f"{name}:111"
        self.clock = clock
        if paced:
            self.pace = Pace(clock, per_s=20.0, per_chat=True)
        self.calls = []
        self.deleted = []
        self.early = 0
        self.planned = defaultdict(deque)
        self.hanging = set()
        self.latency_s = 0.05
        self.delete_failures = 0
        self._per_s, self._per_chat = per_s, per_chat
        self._quiet_until = self._told_at = -1.0

    async def send(self, message):
        if hasattr(self, "pace"):
            await self.pace.wait(urgent=message.urgent, chat=message.external_id)
        if message.external_id in self.hanging:
            await asyncio.sleep(10_000)
        now = self.clock.monotonic()
        answer = self._answer(message, now)
        self.calls.append(Call(now, message.external_id, message.text, message.key, message.urgent, answer))
        await asyncio.sleep(self.latency_s)
        match answer.split():
            case ["ok"]:
                return Sent(provider_message_id=f"p{len(self.calls)}")
            case ["429", seconds]:
                if hasattr(self, "pace"):
                    self.pace.hold(float(seconds) - self.latency_s)
                raise SendError("throttled", retryable=True, retry_after_s=float(seconds) - self.latency_s)
            case ["403"]:
                raise SendError("blocked_by_contact", retryable=False)
            case _:
                raise SendError(answer, retryable=True)

    def _answer(self, message, now):
        self.early += self._told_at <= now < self._quiet_until
        answer = self.planned[message.external_id].popleft() if self.planned[message.external_id] else "ok"
        if answer == "ok":
            recent = [call for call in self.calls[-60:] if call.at > now - 1]
            here = [call for call in self.calls[-200:] if call.chat == message.external_id and call.at > now - 3]
            if len(recent) >= self._per_s or len(here) >= self._per_chat + 2:
                answer = "429 5"
        if answer.startswith("429"):
            self._quiet_until = now + float(answer.split()[1])
            self._told_at = now + self.latency_s
        return answer

    def written_id(self, raw):
        return raw.decode()

    async def delete(self, external_id, provider_message_ids):
        if self.delete_failures:
            self.delete_failures -= 1
            raise SendError("unavailable", retryable=True)
        self.deleted.extend(provider_message_ids)
        return len(provider_message_ids)

    async def close(self): ...

    @property
    def said(self):
        return [(call.chat, call.text) for call in self.calls if call.answer == "ok"]

    def texts(self, chat):
        return [text for whom, text in self.said if whom == chat]

    def copies(self):
        return Counter(call.key for call in self.calls if call.answer == "ok")

    def most_in_a_second(self):
        times = [call.at for call in self.calls]
        return max(sum(at <= other < at + 1 for other in times[place : place + 60]) for place, at in enumerate(times))
