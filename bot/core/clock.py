"""Time as an argument: aware UTC now, and monotonic seconds for waits.

Everything that asks for the time takes a Clock; deadlines are UTC datetimes, displays are Asia/Tehran.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

TEHRAN = ZoneInfo("Asia/Tehran")


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Give the present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds that never jump, for measuring waits."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the present moment, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give the machine's monotonic seconds."""
        return time.monotonic()


class VirtualClock:
    """A clock that moves only when told to (replay, tests, simulation)."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        """Give the virtual moment, aware, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Give the virtual seconds since the start."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Move time forward."""
        self._now += timedelta(seconds=seconds)
        self._elapsed_s += seconds
