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


class SteadyClock:
    """A clock's time without its jumps: it runs on by the monotonic seconds until somebody settles the difference.

    Whoever shifts the deadlines in the database by `drift_s` calls `adopt` with that commit (bot.jumps), so nothing in
    the process ever sees the new time beside the old deadlines.
    """

    def __init__(self, raw: Clock) -> None:
        self._raw = raw
        self._anchor = (raw.now(), raw.monotonic())

    def now(self) -> datetime:
        """Give the present moment as it goes on from the last one that was adopted, aware, in UTC."""
        at, since_s = self._anchor
        return at + timedelta(seconds=self._raw.monotonic() - since_s)

    def monotonic(self) -> float:
        """Give the raw clock's monotonic seconds."""
        return self._raw.monotonic()

    def drift_s(self) -> float:
        """Give how far the raw clock has moved away since, in seconds; negative when it was set back."""
        return (self._raw.now() - self.now()).total_seconds()

    def adopt(self) -> None:
        """Take the raw clock's time from here on."""
        self._anchor = (self._raw.now(), self._raw.monotonic())


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

    def jump(self, seconds: float) -> None:
        """Set the wall clock by so much; no time passes."""
        self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Move time forward."""
        self._now += timedelta(seconds=seconds)
        self._elapsed_s += seconds
