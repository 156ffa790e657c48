"""The world outside: what citizens' updates wait at the providers, what providers accepted from us, and how they fail.

The ledger is the truth of what was said. Telegram is the real channel of bot.handlers.telegram over a bot that lives
here; the SMS gateway is a channel of its own that takes an idempotency key.
"""

import asyncio
import ssl
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from aiogram.exceptions import (
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import DeleteMessages

from bot.core.channels import SendError, Sent
from bot.core.messages import Input, Mode, OutboundMsg
from bot.handlers.pace import Pace
from bot.handlers.telegram import Telegram
from bot.handlers.telegram_session import Say
from bot.proof.simulation.virtual import CrashError, Faults, SimClock

Failure = Literal["429", "5xx", "lost", "403", "cut"]
#: How a call may fail.
FAILURES: tuple[Failure, ...] = ("429", "5xx", "lost", "403", "cut")
#: How long a provider goes on offering an update that nobody confirmed.
KEPT_S = 24 * 3600.0
RETRY_AFTER_S = 7
#: The form of a token; nobody's.
_BOT_OF_NOBODY = "1:simulated"
#: How long a call takes.
TRAVEL_S = 0.03


@dataclass(slots=True, kw_only=True)
class Update:
    """Something a citizen did, on its way to us. `heard` is when we said yes (seconds), None before."""

    number: int
    channel: str
    chat: str
    input: Input
    meant: str  #: danger, worry, plain, answer, ordinary: what the invented text says
    made_s: float
    heard: float | None = None
    times: int = 0  #: how often it was delivered with a yes

    @property
    def provider_id(self) -> str:
        """Give the name under which it is stored."""
        return f"1:{self.number}" if self.channel == "telegram" else f"sm{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message that a provider took from us, and when (seconds); several rows of ours may be joined in it."""

    keys: tuple[str, ...]
    chat: str
    channel: str
    text: str
    buttons: tuple[tuple[str, str], ...]
    kind: str
    at: float
    told: bool  #: whether we heard that it was taken


@dataclass(slots=True)
class Provider:
    """Both providers and their ledger. `failures` are the answers to the next calls, oldest first."""

    clock: SimClock
    faults: Faults
    updates: list[Update] = field(default_factory=list)
    waiting: list[Update] = field(default_factory=list)
    ledger: list[Delivery] = field(default_factory=list)
    copies: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    cut_until: float = 0.0
    held_until: dict[str, float] = field(default_factory=dict)  #: by channel
    calls_too_early: int = 0
    blocked: set[str] = field(default_factory=set)
    faults_met: Counter[str] = field(default_factory=Counter)
    buttons: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    under_way: set[str] = field(default_factory=set)  #: rows in calls that travel: whoever dies now does not stop them
    on_send: Callable[[OutboundMsg], tuple[str, ...]] = lambda message: (message.key,)

    def new_update(self, channel: str, chat: str, received: Input, meant: str) -> Update:
        """Note what a citizen did; it waits until it is delivered."""
        made = Update(
            number=len(self.updates) + 1, channel=channel, chat=chat, input=received, meant=meant,
            made_s=self.clock.monotonic(),
        )  # fmt: skip
        self.updates.append(made)
        self.waiting.append(made)
        return made

    def confirmed(self, update: Update) -> None:
        """Note that we said yes to an update."""
        update.times += 1
        if update.heard is None:
            update.heard = self.clock.monotonic()
        if update in self.waiting:
            self.waiting.remove(update)

    def heal(self) -> None:
        """End every fault of the providers."""
        self.failures.clear()
        self.cut_until = 0.0
        self.blocked.clear()

    def known_hold(self, channel: str, seconds: float) -> None:
        """Note what a new process can know of the moment that was named: it is asked for no more than that."""
        known_until = self.clock.monotonic() + max(0.0, seconds)
        self.held_until[channel] = min(self.held_until.get(channel, 0.0), known_until)

    async def called(self, channel: str, keys: tuple[str, ...]) -> None:
        """Let a call travel; a call that begins before a moment we were named is one too many (I16)."""
        if self.clock.monotonic() < self.held_until.get(channel, 0.0):
            self.calls_too_early += 1
        self.under_way.update(keys)
        try:
            await asyncio.sleep(TRAVEL_S)
        finally:
            self.under_way.difference_update(keys)

    def failure_of(self, channel: str, chat: str) -> Failure | None:
        """Give how the next call for a chat fails, if it does."""
        now = self.clock.monotonic()
        if now < self.cut_until:
            found: Failure | None = "cut"
        elif self.failures:
            found = self.failures.pop(0)
        else:
            found = "403" if chat in self.blocked else None
        if found is not None:
            self.faults_met[found] += 1
        if found == "403":
            self.blocked.add(chat)
        if found == "429":
            self.held_until[channel] = now + RETRY_AFTER_S
        return found

    def take(self, call: "Call", channel: str, buttons: tuple[tuple[str, str], ...], *, told: bool) -> str:
        """Take one message; give its number."""
        message = call.message
        self.copies.update(call.keys)
        self.ledger.append(
            Delivery(
                keys=call.keys, chat=message.external_id, channel=channel, text=message.text, buttons=buttons,
                kind=message.kind, at=self.clock.monotonic(), told=told,
            )
        )  # fmt: skip
        self.buttons[message.external_id] = [data for _, data in buttons] or self.buttons[message.external_id]
        return str(len(self.ledger))


@dataclass(slots=True)
class Call:
    """One message on its way to a provider: what it says, and which rows of ours it holds."""

    message: OutboundMsg
    keys: tuple[str, ...] = ()


class _Answer:
    """What sendMessage gives."""

    def __init__(self, number: str) -> None:
        self.message_id = int(number)


class _Bot:
    """In the place of aiogram's Bot: the same call, the same exceptions, no network."""

    def __init__(self, provider: Provider, sending: ContextVar[Call]) -> None:
        self._provider = provider
        self._sending = sending

    async def __call__(self, method: Any, request_timeout: int) -> Any:  # noqa: ARG002 - aiogram's shape
        provider = self._provider
        if provider.faults.is_dead:
            raise CrashError
        if isinstance(method, DeleteMessages):
            return True
        if not isinstance(method, Say):
            return True  # a press is answered
        call = self._sending.get()
        call.keys = provider.on_send(call.message)
        await provider.called("telegram", call.keys)
        failure = provider.failure_of("telegram", call.message.external_id)
        taken = failure in {None, "lost"}
        number = provider.take(call, "telegram", _shown(method), told=failure is None) if taken else ""
        self._refuse(method, failure)
        return _Answer(number)

    def _refuse(self, method: Any, failure: Failure | None) -> None:
        match failure:
            case "429":
                raise TelegramRetryAfter(method=method, message="too many", retry_after=RETRY_AFTER_S)
            case "5xx":
                raise TelegramServerError(method=method, message="bad gateway")
            case "403":
                raise TelegramForbiddenError(method=method, message="blocked")
            case "lost" | "cut":
                raise TelegramNetworkError(method=method, message="timeout") from TimeoutError()


def _shown(method: Say) -> tuple[tuple[str, str], ...]:
    rows = (method.reply_markup or {}).get("inline_keyboard", [])
    return tuple((button["text"], button["callback_data"]) for row in rows for button in row)


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@contextmanager
def _one_tls_context() -> Iterator[None]:
    """Make one TLS context for all channels: none is ever used, and reading the certificates takes 20 ms each time."""
    made, ssl.create_default_context = ssl.create_default_context, lambda *_args, **_more: _tls_context()
    try:
        yield
    finally:
        ssl.create_default_context = made


class SimTelegram(Telegram):
    """The real Telegram channel, whose bot is ours."""

    def __init__(self, provider: Provider) -> None:
        with _one_tls_context():
            super().__init__(token=_BOT_OF_NOBODY, api="http://telegram.invalid", clock=provider.clock)
        self._sending: ContextVar[Call] = ContextVar("sending")
        self._bot = _Bot(provider, self._sending)  # type: ignore[assignment]

    async def send(self, message: OutboundMsg) -> Sent:
        """Send one message; the ledger learns which row of ours it was."""
        self._sending.set(Call(message))
        return await super().send(message)


_ERRORS: dict[Failure, SendError] = {
    "429": SendError("throttled", retryable=True, retry_after_s=RETRY_AFTER_S),
    "5xx": SendError("unavailable", retryable=True),
    "403": SendError("no_such_address", retryable=False),
    "lost": SendError("timeout", retryable=True),
    "cut": SendError("unavailable", retryable=True),
}


class SimSms:
    """An SMS gateway that sends the same key once."""

    name = "sms"
    mode: Mode = "sms"

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.account = "sms"
        self.pace = Pace(provider.clock, per_s=20.0)

    async def send(self, message: OutboundMsg) -> Sent:
        """Take one message, or fail as told.

        Raises:
            SendError: it was not accepted, or we are not told that it was.
        """
        provider = self._provider
        if provider.faults.is_dead:
            raise CrashError
        await self.pace.wait(urgent=message.urgent)
        keys = provider.on_send(message)
        await provider.called(self.name, keys)
        failure = provider.failure_of(self.name, message.external_id)
        if failure == "429":
            self.pace.hold(RETRY_AFTER_S)
        if failure in {None, "lost"} and not provider.copies[message.key]:
            provider.take(Call(message, keys), "sms", (), told=failure is None)
        if failure is not None:
            raise _ERRORS[failure]
        return Sent(provider_message_id=message.key)

    async def delete(self, external_id: str, provider_message_ids: tuple[str, ...]) -> int:  # noqa: ARG002 - the contract
        """Delete nothing: a text message cannot be called back."""
        return 0

    async def close(self) -> None:
        """Hold nothing, let go of nothing."""
