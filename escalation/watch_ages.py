"""How long things have waited, so that no jump of the clock hides a case or calls everybody at once.

The database's times are the wall clock's. They are believed once, when a case is first seen; from then on it ages by
the monotonic clock, and remembered times move with every jump of the wall clock. What is first seen right after a jump
may bear a time of either clock: it began after the look before. A lease counts while somebody renews it, whatever the
clock says meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from escalation.watch_model import CaseLine
from escalation.watch_rows import CaseRow

#: A difference between the two clocks that is a jump, and not a clock being set right little by little.
_JUMP_MS = 2_000
#: A look takes a few seconds at most: what is further ahead than this was written by another clock.
_AHEAD_MS = 10_000
#: The longest lease an act gives (the staff bot's); a longer one is the trace of a clock set back.
_LEASE_MAX_MS = 200_000
#: How long a lease lives after its last renewal, which the console sends every 15 s.
_RENEWED_S = 50.0


class Jumps:
    """Tells how far the wall clock jumped since it was asked last."""

    def __init__(self) -> None:
        self._offset_ms: float | None = None

    def since_last(self, now_ms: int, monotonic_s: float) -> int:
        """Give the jump in milliseconds, 0 when there was none."""
        offset = now_ms - monotonic_s * 1000
        before, self._offset_ms = self._offset_ms, offset
        if before is None or abs(offset - before) < _JUMP_MS:
            return 0
        return round(offset - before)


@dataclass(slots=True)
class _Lease:
    """What was seen of a claim: its row's marks, and when they last moved."""

    marks: tuple[int | None, int]
    moved_at_s: float | None = None  #: unknown at first sight


class Ages:
    """Turns rows of the database into lines whose `since` can be compared with the present wall clock."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str, int], int] = {}
        self._leases: dict[str, _Lease] = {}
        self._looked_at: int | None = None
        self._has_jumped = False

    def shift(self, jump_ms: int) -> None:
        """Move everything that is remembered with the wall clock."""
        self._since = {key: at + jump_ms for key, at in self._since.items()}
        if self._looked_at is not None:
            self._looked_at += jump_ms
            self._has_jumped = True

    def lines(self, rows: Sequence[CaseRow], now_ms: int, monotonic_s: float, *, is_new: bool = True) -> list[CaseLine]:
        """Give the cases that nobody holds; `is_new`: the rows are of this moment, not what is remembered."""
        self._leases = {row.id: self._lease(row, monotonic_s) for row in rows if row.state == "claimed"}
        kept: dict[tuple[str, str, int], int] = {}
        found = []
        for row in rows:
            if row.state == "claimed" and self._is_held(row, now_ms, monotonic_s):
                continue
            since = self._began(row) if row.state != "claimed" else min(row.lease_until or now_ms, now_ms)
            stamp = row.since if row.state != "claimed" else row.lease_until or 0
            found.append(
                CaseLine(
                    id=row.id,
                    code=row.code,
                    tier=row.tier,
                    desk=row.desk,
                    since=self._remember(kept, (row.id, row.tier, stamp), since, now_ms),
                    seen_at=self._seen(kept, row, now_ms),
                )
            )
        self._since = kept
        if is_new:
            self._looked_at, self._has_jumped = now_ms, False
        return found

    def _began(self, row: CaseRow) -> int:
        """Give since when it waits, if this is the first look at it."""
        return max(row.since, self._looked_at) if self._has_jumped and self._looked_at is not None else row.since

    def _seen(self, kept: dict[tuple[str, str, int], int], row: CaseRow, now_ms: int) -> int | None:
        """Give when somebody saw it. What was seen in a time to come, by a clock set back since, keeps nobody quiet."""
        if row.seen_at is None or row.state == "claimed":
            return None
        key = (row.id, "seen", row.seen_at)
        if key not in self._since and row.seen_at > now_ms + _AHEAD_MS:
            return None
        return self._remember(kept, key, row.seen_at, now_ms)

    def _remember(self, kept: dict[tuple[str, str, int], int], key: tuple[str, str, int], at: int, now_ms: int) -> int:
        kept[key] = self._since.get(key, min(at, now_ms))
        return kept[key]

    def _lease(self, row: CaseRow, monotonic_s: float) -> _Lease:
        marks = (row.lease_until, row.changed_at)
        before = self._leases.get(row.id)
        if before is None:
            return _Lease(marks)
        return before if before.marks == marks else _Lease(marks, monotonic_s)

    def _is_held(self, row: CaseRow, now_ms: int, monotonic_s: float) -> bool:
        moved = self._leases[row.id].moved_at_s
        if moved is not None and monotonic_s - moved < _RENEWED_S:
            return True
        left = (row.lease_until or 0) - now_ms
        return 0 < left <= (_LEASE_MAX_MS if moved is not None else left)
