"""The same between processes, by Redis. Redis may be away, slow or emptied at any second: then each process's own counts.

Its own is asked first and always, so it is warm when Redis goes. A call waits a quarter of a second at most; after one
that failed Redis is left alone for two. Names reach Redis only as keyed digests, and every key goes by itself.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis

from bot.bus_shared import is_stopping
from bot.live import Bucket, Limit, OwnLive

_PATIENCE_S = 0.25
_REST_S = 2.0
_PING_S = 2.5
_CONNECTIONS = 16
#: Redis's own clock, one for all processes.
_NOW = "local t = redis.call('TIME'); local now = t[1] + t[2] / 1000000; "
#: KEYS: buckets. ARGV: most, per_s, keep of each. Gives how long to wait, as text.
_TAKE = (
    _NOW
    + """
local wait, left = 0, {}
for i, key in ipairs(KEYS) do
  local most, per_s, keep = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  local found = redis.call('HMGET', key, 'left', 'at', 'held')
  left[i] = math.min(most, (tonumber(found[1]) or most) + (now - (tonumber(found[2]) or now)) * per_s)
  wait = math.max(wait, (tonumber(found[3]) or now) - now, (1 + keep - left[i]) / per_s)
end
if wait > 0 then return tostring(wait) end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'left', tostring(left[i] - 1), 'at', tostring(now))
  if redis.call('PTTL', key) < 60000 then redis.call('PEXPIRE', key, 120000) end
end
return '0'
"""
)
_HOLD = (
    _NOW
    + """
local till = math.max(now + ARGV[1], tonumber(redis.call('HGET', KEYS[1], 'held')) or 0)
redis.call('HSET', KEYS[1], 'held', tostring(till))
redis.call('PEXPIRE', KEYS[1], math.ceil((till - now) * 1000) + 120000)
return '0'
"""
)
#: KEYS: names. ARGV: the window, a name for this try, and how many each allows.
_TRY = (
    _NOW
    + """
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - ARGV[1])
  if redis.call('ZCARD', key) >= tonumber(ARGV[i+2]) then return '0' end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now, ARGV[2])
  redis.call('PEXPIRE', key, math.ceil(ARGV[1] * 1000))
end
return '1'
"""
)
_COME = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] * 1000))
return redis.call('ZRANGE', KEYS[1], 0, 199)
"""
)


class RedisLive:
    """What processes share, by Redis when it answers. `run` asks it now and then whether it does."""

    def __init__(
        self,
        url: str,
        *,
        monotonic: Callable[[], float],
        secret: bytes,
        new_id: Callable[[], str],
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._redis: Any = Redis.from_url(
            url, socket_connect_timeout=patience_s, socket_timeout=patience_s, max_connections=_CONNECTIONS
        )
        self._patience_s = patience_s
        self._own = OwnLive(monotonic)
        self._monotonic = monotonic
        self._secret = secret
        self._new_id = new_id
        self._away_since: float | None = None
        self._rest_until = float("-inf")

    @property
    def away_s(self) -> float:
        """For how long Redis has not answered."""
        return 0.0 if self._away_since is None else self._monotonic() - self._away_since

    async def run(self) -> None:
        """Ask every few seconds, so that it is known when nobody else asks."""
        try:
            while True:
                await self._ask("return '1'", (), ())
                await asyncio.sleep(_PING_S)
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of Redis."""
        await self._redis.aclose()

    async def take(self, *buckets: Bucket) -> float:
        """Take one from each bucket, of our own and of everybody's."""
        own_s = await self._own.take(*buckets)
        if own_s > 0:
            return own_s
        limits = [str(value) for one in buckets for value in (one.most, one.per_s, one.keep)]
        found = await self._ask(_TAKE, [one.name for one in buckets], limits)
        return 0.0 if found is None else float(found)

    async def hold(self, name: str, seconds: float) -> None:
        """Keep a bucket shut for everybody."""
        await self._own.hold(name, seconds)
        await self._ask(_HOLD, [name], [str(seconds)])

    async def try_once(self, *limits: Limit, window_s: float) -> bool:
        """Count a try at each, here and for everybody."""
        if not await self._own.try_once(*limits, window_s=window_s):
            return False
        most = [str(one.most) for one in limits]
        found = await self._ask(_TRY, [one.name for one in limits], [str(window_s), self._new_id(), *most])
        return found is None or found == b"1"

    async def forgive(self, name: str) -> None:
        """Forget the tries of a name everywhere that can be reached."""
        await self._own.forgive(name)
        await self._ask("return redis.call('DEL', KEYS[1])", [name], ())

    async def come(self, place: str, who: str, *, for_s: float) -> frozenset[str]:
        """Say that somebody is at a place; give everybody who is there, in this process and in the others."""
        own = await self._own.come(place, who, for_s=for_s)
        found = await self._ask(_COME, [place], [who, str(for_s)])
        return own | frozenset(one.decode() for one in found or ())

    async def _ask(self, script: str, names: Sequence[str], values: Sequence[str]) -> Any:
        """Run a script; None when Redis does not answer as it should."""
        if self._monotonic() < self._rest_until:
            return None
        keys = [self._key(name) for name in names]
        try:
            async with asyncio.timeout(self._patience_s):
                found = await self._redis.eval(script, len(keys), *keys, *values)
        except (Exception, asyncio.CancelledError):
            if is_stopping():
                raise
            now = self._monotonic()
            self._rest_until = now + _REST_S
            self._away_since = now if self._away_since is None else self._away_since
            return None
        self._away_since = None
        return found

    def _key(self, name: str) -> str:
        return (
            "panah:live:"
            + hmac.new(self._secret, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
        )
