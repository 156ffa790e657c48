"""How often a code word may be tried: five misses in ten minutes, then nothing is looked up for a while.

In memory on purpose: it slows a person who holds the phone, and a restart that forgets it costs little.
"""

from bot.core.clock import Clock

_MISSES_MAX = 5
_WINDOW_S = 600.0
_REMEMBERED_MAX = 10_000


class Guesses:
    """Counts the misses of each contact."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._misses: dict[str, list[float]] = {}

    def may_try(self, contact_id: str) -> bool:
        """True while there were few misses lately."""
        return len(self._recent(contact_id)) < _MISSES_MAX

    def missed(self, contact_id: str) -> None:
        """Count a miss."""
        if len(self._misses) >= _REMEMBERED_MAX:
            self._misses.pop(next(iter(self._misses)))
        self._misses[contact_id] = [*self._recent(contact_id), self._clock.monotonic()]

    def _recent(self, contact_id: str) -> list[float]:
        since = self._clock.monotonic() - _WINDOW_S
        return [at for at in self._misses.get(contact_id, []) if at > since]
