"""How many messages may wait so that the last of them still hears in time: learnt from how fast they are taken (I23).

A limit in messages would promise too much on a slow disk and refuse too early on a fast one. Knows no message.
"""

from bot.core.clock import Clock

#: The room before anything was measured.
START = 1_000
LEAST = 300
MOST = 5_000


class Room:
    """The room of one inbox. `took` is called on the writer's thread, `size` on the loop's."""

    def __init__(self, clock: Clock, answer_s: float) -> None:
        self._clock = clock
        self._in_time_s = answer_s / 2  # half is kept for a rate that falls meanwhile
        self._size = START
        self._since: float | None = None
        self._count = 0

    @property
    def size(self) -> int:
        """Give how many may wait now."""
        return self._size

    def took(self, count: int, *, left: int) -> None:
        """Note that a batch was taken; while more waits, the next one tells how long this one lasted."""
        now_s = self._clock.monotonic()
        if self._since is not None and now_s > self._since:
            per_s = self._count / (now_s - self._since)
            self._size = int(min(MOST, max(LEAST, (self._size + per_s * self._in_time_s) / 2)))
        self._since, self._count = (now_s, count) if left else (None, 0)
