"""Wake-ups: a hint that something may be waiting. Losing one costs a poll interval, never a message.

Topics: inbox, outbox, cases, case:<id>, contact:<id>, flows. The in-process bus serves one process; bus_redis
and bus_postgres carry the same hints between processes.
"""

import asyncio
from types import TracebackType
from typing import Protocol, Self


class Subscription:
    """A listener's own flag, set by any of its topics."""

    def __init__(self, bus: "InProcessBus", topics: tuple[str, ...]) -> None:
        self._bus = bus
        self._topics = topics
        self._flag = asyncio.Event()

    def wake(self) -> None:
        """Set the flag (on the loop's thread)."""
        self._flag.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a hint or the timeout; True when there was a hint. Always poll afterwards."""
        try:
            async with asyncio.timeout(timeout_s):  # wait_for swallows a cancellation that meets a hint (until 3.12)
                await self._flag.wait()
        except TimeoutError:
            return False
        self._flag.clear()
        return True

    def __enter__(self) -> Self:
        self._bus.attach(self, self._topics)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bus.detach(self, self._topics)


class Bus(Protocol):
    """What publishers and listeners need of a bus."""

    def publish(self, *topics: str) -> None:
        """Hint that something happened; never blocks, never raises, callable from any thread."""
        ...

    def subscribe(self, *topics: str) -> Subscription:
        """Listen to topics: `with bus.subscribe("cases") as hints: await hints.wait(5)`."""
        ...


class InProcessBus:
    """The bus of one process."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[str, dict[Subscription, None]] = {}  # in the order in which they came

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop on which listeners live; before that, publishing does nothing."""
        self._loop = loop

    def publish(self, *topics: str) -> None:
        """Hint that something happened; callable from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, topics)

    def subscribe(self, *topics: str) -> Subscription:
        """Listen to topics."""
        return Subscription(self, topics)

    def attach(self, listener: Subscription, topics: tuple[str, ...]) -> None:
        """Start hearing (the subscription calls this)."""
        self._loop = self._loop or asyncio.get_running_loop()
        for topic in topics:
            self._listeners.setdefault(topic, {})[listener] = None

    def detach(self, listener: Subscription, topics: tuple[str, ...]) -> None:
        """Stop hearing (the subscription calls this)."""
        for topic in topics:
            listeners = self._listeners.get(topic, {})
            listeners.pop(listener, None)
            if not listeners:
                self._listeners.pop(topic, None)

    def _wake(self, topics: tuple[str, ...]) -> None:
        for topic in topics:
            for listener in self._listeners.get(topic, ()):
                listener.wake()
