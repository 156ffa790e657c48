"""Where everything that moves a session waits its turn: words, presses, timers, a counsellor's acts.

A handler hands an InboundMsg to `accept` and hears back only when it is on disk, so it may say 2xx then and not
before. One row a message, UNIQUE(channel, provider_id); the worker takes what waits, oldest first for each contact. In
an overload new messages are refused before acceptance, but never those of an open urgent case (I23).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.core.clock import Clock
from bot.core.messages import Button, InboundMsg
from bot.core.screening import Tier
from bot.core.values import value
from bot.inbox_order import choose
from bot.inbox_room import Room
from bot.store.database import Tx

#: Words that sound of danger are let in up to so many times the room of the others. An open case at T1 or T2 knows no limit.
URGENT_ROOM = 4
#: From so many on it matters who is taken first.
CROWD = 256
#: How long a caller waits for a commit: less than Twilio, the least patient provider, waits for us (15 seconds).
ANSWER_S = 12.0
#: Commits follow one another no faster than this under load: each then holds more, and costs less a turn.
GATHER_S = 0.003


class NotStoredError(Exception):
    """It is not on disk: the commit failed or does not come (a full disk, a lock). Ask to come back (503)."""


class OverloadedError(NotStoredError):
    """Too much is waiting, so nothing was stored; ask the provider to come back."""


@value()
class Reply:
    """One text of the turn, for channels that answer in the same breath (Rasa, replay)."""

    text: str
    buttons: tuple[Button, ...] = ()


@value(kw_only=True)
class Accepted:
    """What became of an arrival, told after its commit."""

    contact_id: str = ""
    duplicate: bool = False
    deferred: bool = False  #: stored; its turn comes a little later (after an unclean stop, or a failure)
    replies: tuple[Reply, ...] = ()
    tier: Tier | None = None
    kinds: tuple[str, ...] = ()
    case_code: str = ""
    handed_over: bool = False


@dataclass(slots=True)
class Arrival:
    """A message on its way to its turn."""

    message: InboundMsg
    contact_id: str = ""
    inbox_id: int = 0  #: the number of its row, once it has one
    attempts: int = 0
    urgent: bool = False  #: its words sound of danger; looked at only in a crowd
    more_waits: bool = False  #: this is late, and more that she wrote is run right after it
    overtakes: bool = False  #: danger or leaving in a hurry: it did not wait behind an earlier message that failed
    overtaken: bool = False  #: it failed, and such a one had its turn before it
    done: "Future[Accepted] | asyncio.Future[Accepted]" = field(default_factory=Future)


class Judges(Protocol):
    """Who tells the urgent from the rest while there are too many (bot.admission)."""

    def sounds_urgent(self, message: InboundMsg) -> bool:
        """True for words of danger."""
        ...

    async def have_urgent_case(self, messages: Sequence[InboundMsg]) -> list[bool]:
        """Say of each message whether its writer has an open case at T1 or T2."""
        ...


class Inbox:
    """The door. `on_arrival` is the worker's kick, set by the wiring."""

    def __init__(self, judge: Judges, clock: Clock) -> None:
        self._judge = judge
        self.room = Room(clock, ANSWER_S)
        self._waiting: deque[Arrival] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_kicking = False
        self._kicked_at = 0.0
        self.on_arrival: Callable[[], None] = lambda: None
        self.answer_s = ANSWER_S
        self.refused = 0  #: since the start: told to come back because too much was waiting

    def __len__(self) -> int:
        return len(self._waiting)

    async def accept(self, message: InboundMsg) -> Accepted:
        """Take a message in; returns after the commit that holds it.

        Raises:
            NotStoredError: it is not on disk, for whatever reason; it may be offered again.
        """
        return (await self.accept_batch([message]))[0]

    async def accept_batch(self, messages: Sequence[InboundMsg]) -> list[Accepted]:
        """Take several messages in, in their order; returns when all are on disk.

        Raises:
            NotStoredError: some are not on disk; all may be offered again, what was stored is then a duplicate.
        """
        self._loop = asyncio.get_running_loop()
        if len(self._waiting) + len(messages) > self.room.size:
            return await self._accept_urgent(messages)
        return await self._accept_all(messages)

    async def _accept_urgent(self, messages: Sequence[InboundMsg]) -> list[Accepted]:
        """Take in what must not wait for room; all are offered again if some were refused, and known then."""
        has_case = await self._judge.have_urgent_case(messages)
        has_room = len(self._waiting) < URGENT_ROOM * self.room.size
        urgent = [
            message
            for message, is_known in zip(messages, has_case, strict=True)
            if is_known or (has_room and self._judge.sounds_urgent(message))
        ]
        accepted = await self._accept_all(urgent) if urgent else []
        if len(urgent) < len(messages):
            self.refused += len(messages)
            raise OverloadedError
        return accepted

    async def _accept_all(self, messages: Sequence[InboundMsg]) -> list[Accepted]:
        loop = asyncio.get_running_loop()
        dones = [loop.create_future() for _ in messages]
        for message, done in zip(messages, dones, strict=True):
            self._stand_in_line(Arrival(message, done=done))
        self._kick_soon()
        too_late = loop.call_later(self.answer_s, _give_up, dones)
        try:
            for done in dones:  # all are waited for; what became of each is read below
                with contextlib.suppress(Exception):
                    await done
        finally:
            too_late.cancel()
            for done in dones:
                done.cancel()  # nobody listens any more; what still waits is stored, and known when it comes again
        return [_accepted(done) for done in dones]

    def oldest(self) -> datetime | None:
        """Give when the oldest came of what waits in memory for its turn; None when nothing waits."""
        return min((arrival.message.received_at for arrival in self._waiting.copy()), default=None)

    def _kick_soon(self) -> None:
        """Wake the worker once for all that comes together: at once when it is quiet, else with what comes meanwhile."""
        if not self._is_kicking and self._loop is not None:
            self._loop.call_at(self._kicked_at + GATHER_S, self._kick)  # in the past when nothing came lately
            self._is_kicking = True

    def _kick(self) -> None:
        self._is_kicking = False
        self._kicked_at = self._loop.time() if self._loop is not None else 0.0
        self.on_arrival()

    def put(self, message: InboundMsg, *, contact_id: str = "") -> Arrival:
        """Queue a message without waiting (the simulator, timers); `done` is a plain future."""
        arrival = Arrival(message, contact_id=contact_id)
        self._stand_in_line(arrival)
        self.on_arrival()
        return arrival

    def settle(self, outcomes: Sequence[tuple[Arrival, Accepted | BaseException]]) -> None:
        """Answer the waiting callers, all of a batch in one hop to their loop (the worker, after the commit)."""
        plain = [pair for pair in outcomes if isinstance(pair[0].done, Future)]
        awaited = [pair for pair in outcomes if not isinstance(pair[0].done, Future)]
        _answer(plain)
        if awaited and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_answer, awaited)

    def take(self, most: int) -> list[Arrival]:
        """Give what waits, oldest first; in a crowd the urgent and the newest first (the worker, on the writer's thread)."""
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]  # others may join behind meanwhile
        self.room.took(min(most, len(waiting)), left=max(0, len(waiting) - most))
        if len(waiting) <= most:
            return waiting
        taken, left = choose(waiting, most, waiting[-1].message.received_at)
        self._waiting.extendleft(reversed(left))
        return taken

    def _stand_in_line(self, arrival: Arrival) -> None:
        if len(self._waiting) >= CROWD:
            arrival.urgent = self._judge.sounds_urgent(arrival.message)
        self._waiting.append(arrival)


def _give_up(dones: Sequence[asyncio.Future[Accepted]]) -> None:
    for done in dones:
        if not done.done():
            done.set_exception(TimeoutError())


def _accepted(done: asyncio.Future[Accepted]) -> Accepted:
    if done.cancelled():
        raise NotStoredError
    error = done.exception()
    if error is not None:
        raise NotStoredError from error
    return done.result()


def _answer(outcomes: Sequence[tuple[Arrival, Accepted | BaseException]]) -> None:
    for arrival, outcome in outcomes:
        if arrival.done.done():
            continue  # the caller went away (a closed connection); what it sent is stored all the same
        if isinstance(outcome, BaseException):
            arrival.done.set_exception(outcome)
        else:
            arrival.done.set_result(outcome)


def enqueue_act(tx: Tx, *, contact_id: str, kind: str, now_ms: int, provider_id: str) -> None:
    """Put a counsellor's act (held, handed_back, put_back, closed, reopened) in the contact's line, inside the act's own transaction.

    The wake-up follows the commit by the act's own bus hint on «inbox».
    """
    tx.raw.execute(
        "INSERT INTO inbox (channel, provider_id, contact_id, kind, received_at, state, attempts, due_at)"
        " VALUES ('desk', ?, ?, ?, ?, 'waiting', 0, ?) ON CONFLICT DO NOTHING",
        (provider_id, contact_id, kind, now_ms, now_ms),
    )
