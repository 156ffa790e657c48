"""How often a code word may be tried: five misses in ten minutes, then nothing is looked up for a while.

Counted together by all doors where they can tell each other (bot.live), and never in the database: it slows a person
who holds the phone, and a restart that forgets it costs little.
"""

from bot.live import Limit, Live

_MISSES_MAX = 5
_WINDOW_S = 600.0


class Guesses:
    """Counts the misses of each contact."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def may_try(self, contact_id: str) -> bool:
        """Count a try; False when there were too many misses lately."""
        return await self._live.try_once(Limit(name=_name(contact_id), most=_MISSES_MAX), window_s=_WINDOW_S)

    async def was_right(self, contact_id: str) -> None:
        """Forget the tries of who knows the word."""
        await self._live.forgive(_name(contact_id))


def _name(contact_id: str) -> str:
    return f"code word {contact_id}"
