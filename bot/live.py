"""What processes share while it lasts and may lose at any moment: speed limits, counts of tries, who is where.

Nothing that matters stands here. In one process `OwnLive` is all there is; between processes bot.live_redis carries the
same, and falls back to its own process's when Redis is away. One contract suite holds both.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

V = TypeVar("V")

#: Names that are remembered at most; the longest unused are forgotten first.
_KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A limit of speed: `most` at once, `per_s` a second. Whoever takes leaves at least `keep` in it for others."""

    name: str
    most: float
    per_s: float
    keep: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of tries within a window."""

    name: str
    most: int


class Live(Protocol):
    """What is shared."""

    async def take(self, *buckets: Bucket) -> float:
        """Take one from each bucket; 0 when it was taken, else how many seconds to wait before asking again."""
        ...

    async def hold(self, name: str, seconds: float) -> None:
        """Let nobody take from a bucket for so long: a provider said so."""
        ...

    async def try_once(self, *limits: Limit, window_s: float) -> bool:
        """Count one try at each of these; False, and nothing is counted, when one of them has no try left."""
        ...

    async def forgive(self, name: str) -> None:
        """Forget the tries of a name."""
        ...

    async def come(self, place: str, who: str, *, for_s: float) -> frozenset[str]:
        """Say that somebody is at a place for a while; give everybody who is there."""
        ...

    @property
    def away_s(self) -> float:
        """For how long the other processes have not been reached; 0 while they are, or where there are none."""
        ...


class OwnLive:
    """The same within one process."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._held: OrderedDict[str, float] = OrderedDict()
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._places: OrderedDict[str, dict[str, float]] = OrderedDict()

    @property
    def away_s(self) -> float:
        """There are no others."""
        return 0.0

    async def take(self, *buckets: Bucket) -> float:
        """Take one from each bucket, or none."""
        now = self._monotonic()
        found = [(one, self._left(one, now)) for one in buckets]
        waits = [max(self._held.get(one.name, now) - now, (1 + one.keep - left) / one.per_s) for one, left in found]
        wait_s = max(waits, default=0.0)
        if wait_s > 0:
            return wait_s
        for one, left in found:
            _put(self._buckets, one.name, (left - 1, now))
        return 0.0

    async def hold(self, name: str, seconds: float) -> None:
        """Keep a bucket shut for so long."""
        until = self._monotonic() + seconds
        _put(self._held, name, max(until, self._held.get(name, until)))

    async def try_once(self, *limits: Limit, window_s: float) -> bool:
        """Count a try at each, or at none."""
        now = self._monotonic()
        found = [(self._tries.get(one.name, deque()), one) for one in limits]
        for tries, _ in found:
            while tries and tries[0] <= now - window_s:
                tries.popleft()
        if any(len(tries) >= one.most for tries, one in found):
            return False
        for tries, one in found:
            tries.append(now)
            _put(self._tries, one.name, tries)
        return True

    async def forgive(self, name: str) -> None:
        """Forget the tries of a name."""
        self._tries.pop(name, None)

    async def come(self, place: str, who: str, *, for_s: float) -> frozenset[str]:
        """Say that somebody is at a place; give everybody who is there."""
        now = self._monotonic()
        there = {name: until for name, until in self._places.get(place, {}).items() if until > now}
        there[who] = now + for_s
        _put(self._places, place, there)
        return frozenset(there)

    def _left(self, bucket: Bucket, now: float) -> float:
        left, at = self._buckets.get(bucket.name, (bucket.most, now))
        return min(bucket.most, left + (now - at) * bucket.per_s)


def _put(kept: OrderedDict[str, V], name: str, value: V) -> None:
    kept[name] = value
    kept.move_to_end(name)
    while len(kept) > _KEPT:
        kept.popitem(last=False)
