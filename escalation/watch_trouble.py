"""What is wrong with the service itself, seen from outside it: gone, silent, not working off, database unreadable.

Where roles are processes of their own, each may die alone: the senders, the doors, the console and the sweeper are
missed by their own beats. Only a beat that this watch saw move is missed: what was never set up is no trouble.

Each trouble is a line like a case, tier `service`, and is alerted until it ends. Waits are counted by the monotonic
clock alone; a service that a person stopped is no trouble.
"""

from collections.abc import Mapping

from escalation.routing import NATIONAL
from escalation.watch_model import CaseLine
from escalation.watch_rows import Picture

#: When a beat that does not move, an inbox that does not empty, a database that cannot be read become a trouble.
SILENT_S, INBOX_LATE_MS, INBOX_HELD_S, UNREADABLE_S = 30.0, 60_000, 5.0, 10.0
#: The same for an urgent message that does not leave, and for the loops beside the worker.
OUTBOX_LATE_MS, OUTBOX_HELD_S, LOOP_SILENT_S = 60_000, 15.0, 60.0

#: The first beat seen after the end may be the dead process's last.
_BACK_BEATS = 2

PARENT, SILENT, INBOX, DATABASE = "service:parent", "service:silent", "service:inbox", "service:database"
OUTBOX, SENDER, DOOR = "service:outbox", "service:sender", "service:door"
CONSOLE, SWEEPER = "service:console", "service:sweeper"
_LOOPS = {"sender": SENDER, "web": DOOR, "console": CONSOLE, "sweeper": SWEEPER}


class _Loops:
    """Since when each loop's beat stands still, and whether it was ever seen to move."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float, bool]] = {}

    def look(self, beats: Mapping[str, int], monotonic_s: float, *, stopped: bool) -> None:
        """Note what moved; a row that is gone is a loop that was not wired again."""
        old, self._seen = self._seen, {}
        for name, at in beats.items():
            if name.partition(":")[0] not in _LOOPS:
                continue
            last_at, since, moved = old.get(name, (at, monotonic_s, False))
            if at != last_at or stopped:
                since, moved = monotonic_s, not stopped
            self._seen[name] = (at, since, moved)

    def blind(self, monotonic_s: float) -> None:
        """Note that nothing could be read: nobody stood still meanwhile that we know of."""
        self._seen = {name: (at, monotonic_s, moved) for name, (at, _, moved) in self._seen.items()}

    def silent(self, monotonic_s: float) -> list[str]:
        """Give the trouble of each kind of loop that stands still, once each."""
        still = {
            _LOOPS[name.partition(":")[0]]
            for name, (_, since, moved) in self._seen.items()
            if moved and monotonic_s - since >= LOOP_SILENT_S
        }
        return [name for name in _LOOPS.values() if name in still]


class Troubles:
    """Keeps what was last seen moving, and since when each trouble lasts."""

    def __init__(self) -> None:
        self._parent_gone = False
        self._beats_since_gone = 0
        self._beat: tuple[int | None, float] | None = None
        self._late_since: dict[str, float] = {}
        self._loops = _Loops()
        self._read_at: float | None = None
        self._since: dict[str, float] = {}

    def parent_gone(self) -> None:
        """Note that the process that started the watch ended without a word."""
        self._parent_gone = True
        self._beats_since_gone = 0

    def lines(self, picture: Picture | None, now_ms: int, monotonic_s: float) -> list[CaseLine]:
        """Give the troubles of this moment; `picture` None: the database could not be read."""
        if picture is None:
            found = self._unread(monotonic_s)
        else:
            self._read_at = monotonic_s
            found = self._seen(picture, now_ms, monotonic_s)
        if self._parent_gone:
            found = [PARENT, *(name for name in found if name not in {SILENT, OUTBOX, *_LOOPS.values()})]
        self._since = {name: self._since.get(name, monotonic_s) for name in found}
        return [
            CaseLine(
                id=name, code="", tier="service", desk=NATIONAL, since=now_ms - round((monotonic_s - began) * 1000)
            )
            for name, began in self._since.items()
        ]

    def _unread(self, monotonic_s: float) -> list[str]:
        if self._read_at is None:
            self._read_at = monotonic_s
        self._loops.blind(monotonic_s)
        return [DATABASE] if monotonic_s - self._read_at >= UNREADABLE_S else []

    def _seen(self, picture: Picture, now_ms: int, monotonic_s: float) -> list[str]:
        if self._beat is None or self._beat[0] != picture.beat_at or picture.stopped:
            self._beat = (picture.beat_at, monotonic_s)
            self._beats_since_gone += 1
        if self._beats_since_gone >= _BACK_BEATS or picture.stopped:
            self._parent_gone = False
        self._loops.look(picture.beats, monotonic_s, stopped=picture.stopped)
        is_silent = monotonic_s - self._beat[1] >= SILENT_S
        found = [SILENT] if is_silent else []
        if self._is_held(INBOX, picture, now_ms, monotonic_s):
            found.append(INBOX)
        if self._is_held(OUTBOX, picture, now_ms, monotonic_s) and not is_silent:
            found.append(OUTBOX)
        # a service that is silent as a whole is told of once
        return found if is_silent else found + self._loops.silent(monotonic_s)

    def _is_held(self, name: str, picture: Picture, now_ms: int, monotonic_s: float) -> bool:
        """True when something has been late for some seconds: after a jump of the clock everything looks late."""
        due_at, late_ms, held_s = (
            (picture.inbox_due_at, INBOX_LATE_MS, INBOX_HELD_S)
            if name == INBOX
            else (picture.outbox_due_at, OUTBOX_LATE_MS, OUTBOX_HELD_S)
        )
        if due_at is None or now_ms - due_at <= late_ms or picture.stopped:
            self._late_since.pop(name, None)
            return False
        return monotonic_s - self._late_since.setdefault(name, monotonic_s) >= held_s
