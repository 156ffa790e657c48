"""The alert process of a simulation: the real loop with a file of its own, killed and started apart from the service.

It looks at the service's database as the real one does, from outside. Its ways out take pages into a ledger or fail;
who hears what by when is judged by the vigil (I7). Its looks are ten or twenty seconds apart, not two: a deadline that
holds for it holds for a quicker one.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bot.core import fault
from bot.proof.simulation.house import House
from bot.proof.simulation.vigil import Paged, Vigil
from bot.proof.simulation.virtual import CrashError, Faults, VirtualLoop
from escalation.watch import Duties, Watch
from escalation.watch_ages import Ages
from escalation.watch_file import WatchFile
from escalation.watch_model import Person, Policy
from escalation.watch_rows import Picture, picture_of
from escalation.watch_rules import due_attempts, with_ways
from escalation.watch_ways import WayError
from escalation.watch_words import Page

T = TypeVar("T")

#: So far apart are the looks while somebody has just begun to wait, and later.
SOON_S, LATER_S = 10.0, 20.0
#: The house's own way, beside those of the staff.
DUTY = Person(key="duty:command", duty=True, addresses={"command": "duty"})
#: A failed page brings the next look forward; after so many in one moment it waits.
_CYCLES_MAX = 6


@dataclass(slots=True)
class _Way:
    """One way out."""

    name: str
    alarm: "Alarm"

    async def send(self, address: str, page: Page) -> None:
        """Take a page, or fail."""
        self.alarm.pages_out(self.name, address, page)


class _Here:
    """In the place of the reader's thread: the look is made at once."""

    def __init__(self, alarm: "Alarm") -> None:
        self._alarm = alarm

    async def run(self, _work: Callable[[], Any], _within_s: float) -> Picture:
        """Look by the open connection that all who look from outside share: opening one takes longer than the look.

        Who serves in a simulation is no loop with a beat, so the beat is taken as given.
        """
        now_ms = self._alarm.now_ms()
        self._alarm.picture = picture = replace(picture_of(self._alarm.eye, now_ms), beat_at=now_ms)
        return picture


class _Heart:
    def beat(self, *, reaching: bool, people: int) -> None:
        """Be heard by nobody."""


class Alarm:
    """The alert process. `faults` are its own crash points (A1, A2, A3)."""

    def __init__(self, path: Path, house: House, policy: Policy, vigil: Vigil) -> None:
        self.clock = house.clock
        self._house = house
        self.faults = Faults()
        self.picture: Picture | None = None
        self.deaf_until: dict[str, float] = {}
        self.down_until = 0.0
        self.failed = 0
        self._policy = policy
        self._vigil = vigil
        self._log = house.log
        self._path = path
        self._started_at_jump = -1
        self._start()

    @property
    def eye(self) -> Any:
        """How the database is seen from outside."""
        return self._house.eye

    @property
    def open_since_s(self) -> float:
        """Since when every way out works; in the future while one does not."""
        return max(self.deaf_until.values(), default=0.0)

    def now_ms(self) -> int:
        """Give the moment by the machine's clock, right or wrong."""
        return self.clock.now_ms()

    # -- the process ------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._started_at_jump not in {-1, self.clock.jumps}:
            self._vigil.disturbed(self.clock.monotonic())  # it cannot know how long anybody waited by a right clock
        self._started_at_jump = self.clock.jumps
        self.faults.is_dead = False
        self._loop = VirtualLoop(self.clock, self.faults)
        self._file = WatchFile(self._path, self._log, self.now_ms())
        ways = {name: _Way(name, self) for name in ("staffbot", "sms", "command")}
        self._ways = frozenset(ways)
        self._watch = Watch(
            Duties(
                database=self._path, file=self._file, ways=ways, policy=self._policy, duty=[DUTY], heart=_Heart(),
                clock=self.clock, log=self._log,
            )
        )  # fmt: skip
        self._watch._reader = _Here(self)  # type: ignore[assignment]  # noqa: SLF001 - no threads in a simulation

    def kill(self, seconds: float) -> None:
        """Kill it; its supervisor has it back after so many seconds."""
        with contextlib.suppress(CrashError):
            self.faults.die("idle")
        self._bury(seconds)

    def _bury(self, seconds: float) -> None:
        self._vigil.died()
        self._loop.bury()
        self._file.close()
        self.down_until = self.clock.monotonic() + seconds

    def shut(self) -> None:
        """End the simulation of it."""
        self._loop.bury()
        self._file.close()

    def arm(self, point: str) -> None:
        """Die at one of its crash points, soon."""
        self.faults.arm(point, 1)

    def heal(self) -> None:
        """End what ails it."""
        self.faults.disarm()
        self.deaf_until = dict.fromkeys(self.deaf_until, self.clock.monotonic())
        self.down_until = 0.0

    # -- its work ---------------------------------------------------------------------------------------------------

    def look(self, others: Faults) -> None:
        """Look and page until nothing is due; `others` are the crash points of the service, which go on afterwards."""
        if self.clock.monotonic() < self.down_until:
            return
        fault.arm(self.faults)
        try:
            if self.faults.is_dead:
                self._start()
            for _ in range(_CYCLES_MAX):
                if not self._loop.run(self._cycle()):
                    break
        except CrashError:
            self._bury(0.0)
        finally:
            fault.arm(others)
        if not self.faults.is_dead:
            self._nothing_left_undone()

    async def _cycle(self) -> int:
        begun = await self._watch.cycle()
        await self._watch.settle()
        return begun

    def pages_out(self, way: str, address: str, page: Page) -> None:
        """Take a page that leaves, or fail it.

        Raises:
            WayError: nobody hears on this way now.
        """
        if self.faults.is_dead:
            raise CrashError
        now_s = self.clock.monotonic()
        is_heard = now_s >= self.deaf_until.get(way, 0.0)
        cases = tuple(line.id for line in page.lines)
        tried = [one for one in self._file.history if one.state == "trying" and one.way == way and one.cases == cases]
        is_urgent = any(one.urgent for one in tried)  # what made the page due, not what else it lists
        self._vigil.paged(
            Paged(person=address, way=way, cases=cases, at_s=now_s, is_heard=is_heard, is_urgent=is_urgent)
        )
        if not is_heard:
            self.failed += 1
            raise WayError("simulated")

    def _nothing_left_undone(self) -> None:
        """Ask the rules what a process would find due that began in this moment: nothing, or this one missed it."""
        if self.clock.jumps or self.picture is None or self.clock.monotonic() < self.open_since_s:
            return
        now_ms, now_s = self.now_ms(), self.clock.monotonic()
        waiting = [row for row in self.picture.cases if row.state == "queued" and row.tier == "T1"]
        people = with_ways(self.picture.people, [DUTY], self._policy, self._ways)
        lines = Ages().lines(waiting, now_ms, now_s)
        history = [one for one in self._file.history if one.state != "failed"]
        if len(history) == len(self._file.history):
            due = due_attempts(lines, history, self._policy, people, self.clock.now())
            self._vigil.left_undone(len(due))
