"""Time, death and the event loop of a simulation: nothing here waits, opens a socket or starts a thread.

A crash is a SystemExit of our own: neither `except Exception` nor the event loop swallows it. From the moment it is
raised the process counts as dead: every further crash point and every call to the world outside raises it again.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class CrashError(SystemExit):
    """kill -9: the process is gone at this very point."""


class StuckError(Exception):
    """The event loop waits for something that nobody will ever do."""


class SimClock:
    """A wall clock that may jump, and seconds that only rise."""

    def __init__(self, start: datetime) -> None:
        self._wall = start.astimezone(UTC)
        self._elapsed_s = 0.0
        self.jumps = 0

    def now(self) -> datetime:
        """Give what the wall clock shows, aware, in UTC."""
        return self._wall

    def now_ms(self) -> int:
        """Give what the wall clock shows, in milliseconds since 1970."""
        return int(self._wall.timestamp() * 1000)

    def monotonic(self) -> float:
        """Give the seconds that have truly passed."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._wall += timedelta(seconds=seconds)
        self._elapsed_s += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock by so much; no time passes."""
        self.jumps += 1
        self._wall += timedelta(seconds=seconds)


class Faults:
    """What the crash points of the code do: count, die when armed, or fail like a bug would."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self.crashed: Counter[str] = Counter()
        self.is_dead = False
        self.on_death: Callable[[], None] = lambda: None
        self.poison = 0  #: so many turns to come raise an ordinary exception
        self._point = ""
        self._left = 0

    @property
    def armed(self) -> str:
        """The point where it will die, if any."""
        return self._point

    def arm(self, point: str, nth: int) -> None:
        """Die when this point is passed for the nth time from now."""
        self._point, self._left = point, nth

    def disarm(self) -> None:
        """Let every point pass."""
        self._point, self.poison = "", 0

    def __call__(self, point: str) -> None:
        """Pass a crash point (bot.core.fault's hook)."""
        if self.is_dead:
            raise CrashError
        self.passed[point] += 1
        if point == "E2" and self.poison:
            self.poison -= 1
            raise RuntimeError("poison")
        if point == self._point:
            self._left -= 1
            if self._left <= 0:
                self.die(point)

    def die(self, point: str) -> None:
        """Be dead from here on; the disk stays as it is at this moment."""
        self._point = ""
        self.crashed[point] += 1
        self.is_dead = True
        self.on_death()
        raise CrashError


def _number(task: "asyncio.Task[Any]") -> int:
    """Give the place of a task among all that were ever begun: the names that asyncio gives count upwards."""
    return int(task.get_name().rpartition("-")[2])


class _NoSockets:
    """The selector of a loop that has no sockets: waiting is moving the clock."""

    def __init__(self, clock: SimClock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults

    def select(self, timeout: float | None) -> list[Any]:
        if self._faults.is_dead:
            raise CrashError
        if timeout is None:
            raise StuckError
        if timeout > 0:
            self._clock.advance(timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop on virtual time. What would run in a thread runs at once, so nothing depends on a scheduler."""

    def __init__(self, clock: SimClock, faults: Faults) -> None:
        super().__init__()
        self._clock = clock
        self._selector = _NoSockets(clock, faults)
        self.set_exception_handler(lambda _loop, _context: None)  # what a dead process left behind concerns nobody

    def time(self) -> float:
        """Give the virtual seconds."""
        return self._clock.monotonic()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine to its end."""
        task = self.create_task(work)
        return self.run_until_complete(task)

    def bury(self) -> None:
        """Drop what a dead process had begun, without running any more of it."""
        for task in sorted(asyncio.all_tasks(self), key=_number):  # a set of objects has another order each time
            work = task.get_coro()
            with contextlib.suppress(BaseException):
                work.close()

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Executor | None,  # noqa: ARG002 - the loop's contract
        func: Callable[..., T],
        *args: Any,
    ) -> "asyncio.Future[T]":
        """Run a blocking function here and now."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except CrashError:
            raise
        except Exception as error:  # noqa: BLE001 - it is the waiting caller's
            done.set_exception(error)
        return done

    def __del__(self) -> None:
        """Go without a warning: the loop of a dead process is left as it is, with what still waited in it."""

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass  # nobody sleeps in a selector that must be woken
