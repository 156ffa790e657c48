"""The alert loop: every two seconds it looks at the main database and pages whom the rules name, for ever.

A process of its own that shares no queue, bus, telemetry or Redis with the bot. It reads, it never writes there; its
attempts are in its own file, each before it is made and after it. Whatever breaks (the database, its own file, a way
out) it goes on with what it remembers: telling twice is cheap, silence is not. It stops only when told to.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.core.clock import Clock
from bot.core.fault import fault
from bot.telemetry import Log
from escalation.routing import NATIONAL
from escalation.watch_ages import Ages, Jumps
from escalation.watch_file import WatchFile
from escalation.watch_model import Attempt, CaseLine, Person, Policy
from escalation.watch_rows import Picture, look
from escalation.watch_rules import due_attempts, reachable, untold, with_ways
from escalation.watch_trouble import Troubles
from escalation.watch_ways import Threads, Way, WayError
from escalation.watch_words import Page

#: How often to look; I7 asks for 5 s at most.
LOOK_EVERY_S = 2.0
_LOOK_WITHIN_S = 5.0
_AGAIN_S = 0.2
_KEEP_PICTURE_S = 20.0
#: Whoever watches the watch hears nothing more when no page left for so long.
_LOST_S = 60.0


class Heart(Protocol):
    """Where the loop says that it lives."""

    def beat(self, *, reaching: bool, people: int) -> None:
        """Say it; `reaching` is false when pages are due and none leaves, `people` is how many can be paged now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What one watch works with. `duty` are the house's own addresses, which need no account."""

    database: Path | str
    file: WatchFile
    ways: Mapping[str, Way]
    policy: Policy
    duty: Sequence[Person]
    heart: Heart
    clock: Clock
    log: Log


class Watch:
    """One alert loop."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self._clock = duties.clock
        self._ages = Ages()
        self._jumps = Jumps()
        self._troubles = Troubles()
        self._picture: Picture | None = duties.file.picture()
        self._kept_at = float("-inf")
        self._reader = Threads(at_once=1)
        self._sending: set[asyncio.Task[None]] = set()
        self._again = asyncio.Event()
        self._held_off: dict[str, float] = {}
        self._lost_since: float | None = None
        self._untold_since: float | None = None

    def parent_gone(self) -> None:
        """Say that the process that started this one ended without a word."""
        self._troubles.parent_gone()
        self._again.set()

    @property
    def stopped(self) -> bool:
        """True when the service was stopped by a person, as far as the last look could tell."""
        return self._picture is not None and self._picture.stopped

    async def run(self) -> None:
        """Look and page until cancelled."""
        try:
            while True:
                try:
                    await self.cycle()
                except Exception as error:  # noqa: BLE001 - nothing may end this loop but the one who started it
                    self._duties.log.error("watch_cycle_failed", error=type(error).__name__)
                await self._wait()
        finally:
            for task in self._sending:
                task.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)

    async def cycle(self) -> int:
        """Look once and begin what is due; give how many attempts began."""
        now, monotonic_s = self._clock.now(), self._clock.monotonic()
        picture = await self._look()  # what changes from here on was not on a page of `now`
        now_ms = int(now.timestamp() * 1000)
        jump = self._jumps.since_last(now_ms, monotonic_s)
        if jump:
            self._duties.log.warning("clock_jumped", seconds=round(jump / 1000))
            self._ages.shift(jump)
            self._duties.file.shift(jump)
        lines = self._lines(picture, now_ms, monotonic_s)
        if not lines:
            self._lost_since = None
        policy, people = self._policy(), self._people()
        due = due_attempts(lines, self._duties.file.history, policy, people, now)
        if due:
            fault("A1")
            self._begin(due, lines, now)
        self._note_untold(untold(lines, self._duties.file.history, policy, people, now), monotonic_s)
        in_reach = len(reachable(NATIONAL, policy, people, now))
        self._duties.heart.beat(reaching=not self._is_lost(monotonic_s), people=in_reach)
        return len(due)

    async def settle(self) -> None:
        """Wait until every attempt that began has ended."""
        while self._sending:
            await asyncio.gather(*self._sending, return_exceptions=True)

    async def _wait(self) -> None:
        """Wait for the next look; a failed attempt brings it forward."""
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._again.wait()
                await asyncio.sleep(_AGAIN_S)
        except TimeoutError:
            pass
        self._again.clear()

    async def _look(self) -> Picture | None:
        now_ms = int(self._clock.now().timestamp() * 1000)
        try:
            return await self._reader.run(lambda: look(self._duties.database, now_ms), _LOOK_WITHIN_S)
        except Exception as error:  # noqa: BLE001 - whatever breaks, what is remembered is paged
            self._duties.log.error("database_unreadable", error=type(error).__name__)
            return None

    def _lines(self, picture: Picture | None, now_ms: int, monotonic_s: float) -> list[CaseLine]:
        """Give who waits now; without a look that can be used, what is remembered still waits."""
        if picture is not None:
            try:
                lines = self._ages.lines(picture.cases, now_ms, monotonic_s)
                self._remember(picture, monotonic_s)
                return [*lines, *self._troubles.lines(picture, now_ms, monotonic_s)]
            except Exception as error:  # noqa: BLE001 - a row that makes no sense hides no other
                self._duties.log.error("database_unreadable", error=type(error).__name__)
        known = () if self._picture is None else self._picture.cases
        lines = self._ages.lines(known, now_ms, monotonic_s, is_new=False)
        return [*lines, *self._troubles.lines(None, now_ms, monotonic_s)]

    def _remember(self, picture: Picture, monotonic_s: float) -> None:
        self._picture = picture
        if monotonic_s - self._kept_at >= _KEEP_PICTURE_S:
            self._kept_at = monotonic_s
            self._duties.file.keep_picture(picture)

    def _people(self) -> list[Person]:
        """Give staff with every way that stands open, and the house's own addresses."""
        staff = () if self._picture is None else self._picture.people
        return with_ways(staff, self._duties.duty, self._duties.policy, self._duties.ways)

    def _policy(self) -> Policy:
        """Give the policy without the ways whose provider asked to be left alone for a while."""
        now_s = self._clock.monotonic()
        self._held_off = {way: until for way, until in self._held_off.items() if until > now_s}
        if not self._held_off:
            return self._duties.policy
        tiers = {
            name: replace(
                tier,
                levels=tuple(
                    replace(level, ways=tuple(way for way in level.ways if way not in self._held_off))
                    for level in tier.levels
                ),
            )
            for name, tier in self._duties.policy.tiers.items()
        }
        return replace(self._duties.policy, tiers=tiers)

    def _begin(self, due: Sequence[Attempt], lines: Sequence[CaseLine], now: datetime) -> None:
        numbers = self._duties.file.begin(due)
        fault("A2")
        by_id = {line.id: line for line in lines}
        people = {one.key: one for one in self._people()}
        for number, attempt in zip(numbers, due, strict=True):
            told = tuple(by_id[case] for case in attempt.cases)
            page = Page(lines=told, made_at=int(now.timestamp() * 1000))
            address = people[attempt.person].addresses[attempt.way]
            task = asyncio.create_task(self._send(number, attempt, address, page))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, number: int, attempt: Attempt, address: str, page: Page) -> None:
        file, log = self._duties.file, self._duties.log
        try:
            await self._duties.ways[attempt.way].send(address, page)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the next way is due
            code = error.code if isinstance(error, WayError) else type(error).__name__
            if isinstance(error, WayError) and error.retry_after_s:
                self._held_off[attempt.way] = self._clock.monotonic() + error.retry_after_s
            log.warning("alert_failed", channel=attempt.way, code=code, count=len(attempt.cases))
            file.finish(number, "failed", code)
            if self._lost_since is None:
                self._lost_since = self._clock.monotonic()
            self._again.set()
            return
        fault("A3")
        file.finish(number, "sent")
        self._lost_since = None
        log.info("alert_sent", channel=attempt.way, count=len(attempt.cases))

    def _note_untold(self, lines: Sequence[CaseLine], monotonic_s: float) -> None:
        """Note that somebody waits and nobody is told, not even in vain."""
        if not lines:
            self._untold_since = None
        elif self._untold_since is None:
            self._untold_since = monotonic_s
            self._duties.log.error("nobody_to_tell", count=len(lines))

    def _is_lost(self, monotonic_s: float) -> bool:
        """True when pages fail and none has left for a while, or there is nobody to send one to."""
        began = [since for since in (self._lost_since, self._untold_since) if since is not None]
        return bool(began) and monotonic_s - min(began) >= _LOST_S
