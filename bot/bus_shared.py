"""What every bus between processes has in common: local listeners at once, the others as soon as the server carries it.

A server of hints may die at any second: nothing depends on it. While it is away the other processes poll, which is what
they do anyway; `is_connected` says so to the health page. Topics are ids and names, so no content passes through it.
"""

import asyncio
import json
import random
from abc import ABC, abstractmethod
from typing import Any

from bot.bus import InProcessBus, Subscription

CHANNEL = "panah_hints"
_BACK_OFF_MAX_S = 30.0
#: Topics that wait to be carried; more than that and the oldest are dropped, they are only hints.
_WAITING_MAX = 1_000
_TOPICS_MAX = 64
_TOPIC_CHARS_MAX = 200
#: What PostgreSQL takes in one hint, with room.
_HINT_BYTES_MAX = 7_000


class SharedBus(ABC):
    """A bus over many processes. `run` keeps it connected; without `run` it serves its own process."""

    def __init__(self, *, log: Any, name: str) -> None:
        self._local = InProcessBus()
        self._log = log
        self._name = name  # our own hints come back and are passed over
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[str, None] = {}  # in order, each once
        self._something = asyncio.Event()
        self._spread = random.Random(name)  # noqa: S311 - spreads retries, guards nothing
        self.is_connected = False

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop on which listeners live."""
        self._loop = loop
        self._local.bind(loop)

    def publish(self, *topics: str) -> None:
        """Hint that something happened; never blocks, never raises, callable from any thread."""
        self._local.publish(*topics)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._queue, topics)

    def subscribe(self, *topics: str) -> Subscription:
        """Listen to topics: `with bus.subscribe("cases") as hints: await hints.wait(5)`."""
        return self._local.subscribe(*topics)

    async def run(self) -> None:
        """Stay connected until cancelled; a failure only makes it wait and try again."""
        self.bind(asyncio.get_running_loop())
        failures = 0
        try:
            while True:
                try:
                    await self._serve()
                except (Exception, asyncio.CancelledError) as error:
                    if is_stopping():
                        raise
                    failures = 1 if self.is_connected else failures + 1
                    self.is_connected = False
                    self._tell_away(type(error).__name__, failures)
                pause_s = min(2.0 ** min(failures, 10) / 8, _BACK_OFF_MAX_S)
                await asyncio.sleep(pause_s * self._spread.uniform(0.5, 1.0))
        finally:
            self.is_connected = False
            await self._close()

    @abstractmethod
    async def _serve(self) -> None:
        """Connect, set `is_connected`, carry hints until it breaks."""

    @abstractmethod
    async def _close(self) -> None:
        """Let go of what outlives one connection."""

    @abstractmethod
    def _tell_away(self, code: str, attempts: int) -> None:
        """Log that the server is away."""

    async def _both(self, hearing: Any, telling: Any) -> None:
        """Hear and tell until one of them breaks."""
        tasks = {asyncio.create_task(hearing), asyncio.create_task(telling)}
        try:
            # no TaskGroup: in Python 3.11 one that is failing swallows its own cancellation
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _next_hint(self) -> str:
        """Wait for something to carry; give many topics as one hint."""
        while not self._waiting:
            self._something.clear()
            await self._something.wait()
        hint, size = [self._name], len(self._name)
        while self._waiting and len(hint) <= _TOPICS_MAX and size < _HINT_BYTES_MAX:
            topic = next(iter(self._waiting))
            del self._waiting[topic]
            hint.append(topic[:_TOPIC_CHARS_MAX])
            size += len(json.dumps(topic)) + 2
        return json.dumps(hint)

    def _queue(self, topics: tuple[str, ...]) -> None:
        for topic in topics:
            self._waiting.setdefault(topic)
        while len(self._waiting) > _WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        self._something.set()

    def _wake(self, raw: bytes | str) -> None:
        """Pass a hint of another process on; whatever else somebody put on the channel is passed over."""
        try:
            hint = json.loads(raw)
        except (ValueError, RecursionError):
            return
        if not isinstance(hint, list) or not hint or hint[0] == self._name:
            return
        topics = [item for item in hint[1 : _TOPICS_MAX + 1] if isinstance(item, str) and len(item) <= _TOPIC_CHARS_MAX]
        self._local.publish(*topics)


def is_stopping() -> bool:
    """True when this loop itself is cancelled: a client under it may leak a cancellation of its own."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
