"""How far a run of `panah prove` is: to a person at a terminal all the time, to a file one line a minute."""

import sys
import time
from datetime import datetime

from bot.proof.part import Progress

_PAUSE_S = 60.0


def progress_of(name: str, until: float | None) -> Progress:
    """Give what tells how far a part is that ends at a monotonic moment, or has no end by time."""
    told_at = -_PAUSE_S
    is_seen = sys.stderr.isatty()

    def tell(said: str) -> None:
        nonlocal told_at
        now = time.monotonic()
        left = f", {max(0.0, until - now) / 60:.0f} min left" if until is not None else ""
        if is_seen:
            _print(f"\r\x1b[K{name}: {said}{left}", end="")
        elif now - told_at >= _PAUSE_S:
            told_at = now
            _print(f"{datetime.now():%H:%M:%S} {name}: {said}{left}")  # noqa: DTZ005 - for whoever sits there

    return tell


def clear() -> None:
    """Leave an empty line at the terminal."""
    if sys.stderr.isatty():
        _print("\r\x1b[K", end="")


def _print(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201 - the terminal is this verb's business
