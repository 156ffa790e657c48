"""The same hints between processes, by Redis publish/subscribe. Redis may die at any second: nothing depends on it.

Local listeners hear local hints at once, as on the in-process bus; Redis only carries them further. While it is away
the other processes poll, which is what they do anyway; `is_connected` says so to `panah doctor` and the metrics.
Topics are ids and names, so no content passes through Redis.
"""

import asyncio
import json
import random
from collections import deque
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from bot.bus import InProcessBus, Subscription

_CHANNEL = "panah:hints"
_BACK_OFF_MAX_S = 30.0
_ALIVE_S = 10.0
#: Hints that wait for Redis; more than that and the oldest are dropped, they are only hints.
_WAITING_MAX = 1_000
_TOPICS_MAX = 64
_TOPIC_CHARS_MAX = 200


class RedisBus:
    """A bus over many processes. `run` keeps it connected; without `run` it serves its own process."""

    def __init__(self, url: str, *, log: Any, name: str) -> None:
        self._local = InProcessBus()
        self._redis = Redis.from_url(url, socket_connect_timeout=5, socket_timeout=None, health_check_interval=0)
        self._log = log
        self._name = name  # our own hints come back from Redis and are passed over
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[tuple[str, ...]] = deque(maxlen=_WAITING_MAX)
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
                    if _is_stopping():
                        raise
                    failures = 1 if self.is_connected else failures + 1
                    self.is_connected = False
                    self._log.warning("redis_is_away", code=type(error).__name__, attempts=failures)
                pause_s = min(2.0 ** min(failures, 10) / 8, _BACK_OFF_MAX_S)
                await asyncio.sleep(pause_s * self._spread.uniform(0.5, 1.0))
        finally:
            self.is_connected = False
            await self._redis.aclose()

    async def _serve(self) -> None:
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(_CHANNEL)
            tasks = {asyncio.create_task(self._hear(pubsub)), asyncio.create_task(self._tell())}
            try:
                # no TaskGroup: in Python 3.11 one that is failing swallows its own cancellation
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self, pubsub: PubSub) -> None:
        is_silent = False
        while True:
            message = await pubsub.get_message(timeout=_ALIVE_S)
            if message is None and is_silent:
                raise TimeoutError  # not even our ping was answered: the connection is dead
            is_silent = message is None
            if message is None:
                await pubsub.ping()
            elif message["type"] == "subscribe":
                self.is_connected = True
                self._log.info("redis_is_connected")
            elif message["type"] == "message":
                self._wake(message["data"])

    async def _tell(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            while self._waiting:
                topics = self._waiting.popleft()
                await self._redis.publish(_CHANNEL, json.dumps([self._name, *topics]))

    def _queue(self, topics: tuple[str, ...]) -> None:
        self._waiting.append(topics)
        self._something.set()

    def _wake(self, raw: bytes) -> None:
        """Pass a hint of another process on; whatever else somebody put on the channel is passed over."""
        try:
            hint = json.loads(raw)
        except (ValueError, RecursionError):
            return
        if not isinstance(hint, list) or not hint or hint[0] == self._name:
            return
        topics = [item for item in hint[1 : _TOPICS_MAX + 1] if isinstance(item, str) and len(item) <= _TOPIC_CHARS_MAX]
        self._local.publish(*topics)


def _is_stopping() -> bool:
    """True when this loop itself is cancelled: a client under it may leak a cancellation of its own."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
