"""The same hints between processes, by Redis publish/subscribe."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from bot.bus_shared import CHANNEL, SharedBus

_ALIVE_S = 10.0


class RedisBus(SharedBus):
    """Carries hints by Redis."""

    def __init__(self, url: str, *, log: Any, name: str) -> None:
        super().__init__(log=log, name=name)
        self._redis = Redis.from_url(url, socket_connect_timeout=5, socket_timeout=None, health_check_interval=0)

    async def _serve(self) -> None:
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(CHANNEL)
            await self._both(self._hear(pubsub), self._tell())

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
            await self._redis.publish(CHANNEL, await self._next_hint())

    async def _close(self) -> None:
        await self._redis.aclose()

    def _tell_away(self, code: str, attempts: int) -> None:
        self._log.warning("redis_is_away", code=code, attempts=attempts)
