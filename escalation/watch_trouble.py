"""What is wrong with the service itself, seen from outside it: gone, silent, not working off, database unreadable.

Each trouble is a line like a case, tier `service`, and is alerted until it ends. Waits are counted by the monotonic
clock alone; a service that a person stopped is no trouble.
"""

from escalation.routing import NATIONAL
from escalation.watch_model import CaseLine
from escalation.watch_rows import Picture

#: When a beat that does not move, an inbox that does not empty, a database that cannot be read become a trouble.
SILENT_S, INBOX_LATE_MS, INBOX_HELD_S, UNREADABLE_S = 30.0, 60_000, 5.0, 10.0

#: The first beat seen after the end may be the dead process's last.
_BACK_BEATS = 2

PARENT, SILENT, INBOX, DATABASE = "service:parent", "service:silent", "service:inbox", "service:database"


class Troubles:
    """Keeps what was last seen moving, and since when each trouble lasts."""

    def __init__(self) -> None:
        self._parent_gone = False
        self._beats_since_gone = 0
        self._beat: tuple[int | None, float] | None = None
        self._late_since: float | None = None
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
            found = [PARENT, *(name for name in found if name != SILENT)]
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
        return [DATABASE] if monotonic_s - self._read_at >= UNREADABLE_S else []

    def _seen(self, picture: Picture, now_ms: int, monotonic_s: float) -> list[str]:
        if self._beat is None or self._beat[0] != picture.beat_at or picture.stopped:
            self._beat = (picture.beat_at, monotonic_s)
            self._beats_since_gone += 1
        if self._beats_since_gone >= _BACK_BEATS or picture.stopped:
            self._parent_gone = False
        late = picture.inbox_due_at is not None and now_ms - picture.inbox_due_at > INBOX_LATE_MS
        if not late or picture.stopped:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = monotonic_s
        found = [SILENT] if monotonic_s - self._beat[1] >= SILENT_S else []
        # held for some seconds: after a jump of the clock everything looks late for a moment
        if self._late_since is not None and monotonic_s - self._late_since >= INBOX_HELD_S:
            found.append(INBOX)
        return found
