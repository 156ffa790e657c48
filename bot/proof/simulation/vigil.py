"""Who was told of an urgent case, and by when (I7): a model of its own, by seconds that truly passed.

It knows the cases that wait, as the tables show them, and the pages that left, as the ways out saw them. The limits are
those of reliability.md, not those of the policy, which are tighter.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_S, NEXT_S, ALL_S, REPEAT_S = 60.0, 180.0, 300.0, 120.0
#: The looks of a simulated watch are so far apart at most; a repeat may be late by two.
LOOKS_S = 20.0
#: An urgent page that brings news comes no sooner after another than this; a calm one holds up nothing.
GAP_S = 29.0
#: «دیدم» keeps a case quiet for so long.
SEEN_S = 300.0
#: Time that passed at once, without any loop: what fell due in it is not held against anybody.
STILL_S = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """One page that was tried, by whom it was to reach and by which way."""

    person: str
    way: str
    cases: tuple[str, ...]
    at_s: float
    is_heard: bool
    is_urgent: bool


@dataclass(slots=True)
class _Wait:
    since_s: float
    asked: dict[str, float] = field(default_factory=dict)  #: whom a page was tried for, and when last
    is_heard: bool = False


class Vigil:
    """Watches over all waits. `broken` is told (invariant, what)."""

    def __init__(self, people: frozenset[str], broken: Callable[[str, str], None]) -> None:
        self.pages = 0
        self._people = people
        self._broken = broken
        self._waits: dict[str, _Wait] = {}
        self._seen: dict[str, int] = {}
        self._heard: dict[tuple[str, str], float] = {}
        self._before: dict[str, _Wait] = {}  #: pages of a claim that had run out, until its case is put back
        self._looked_s = 0.0

    @property
    def is_awaited(self) -> bool:
        """True while somebody's urgent case waits for a person."""
        return bool(self._waits)

    def is_fresh(self, now_s: float) -> bool:
        """True while one of them waits for about a minute at most."""
        return any(now_s - wait.since_s < FIRST_S + LOOKS_S for wait in self._waits.values())

    def note(self, rows: list[tuple[str, int]], now_s: float) -> None:
        """Note who waits now: the case, and how often it was seen."""
        if now_s - self._looked_s > STILL_S:
            self.disturbed(now_s)
        self._looked_s = now_s
        known, self._waits = self._waits, {}
        for case_id, seen in rows:
            wait = known.get(case_id) or self._begin(case_id, now_s)
            if self._seen.get(case_id, 0) != seen:
                wait = _Wait(now_s + SEEN_S)
            self._seen[case_id] = seen
            self._waits[case_id] = wait
        self._before.clear()

    def _begin(self, case_id: str, now_s: float) -> _Wait:
        """Begin a wait; whoever was called because its claim ran out, just before it was put back, was called for it."""
        told = self._before.get(case_id)
        if told is None or now_s - told.since_s > LOOKS_S:
            return _Wait(now_s)
        return _Wait(now_s, told.asked, told.is_heard)

    def judge(self, now_s: float, open_since_s: float) -> None:
        """Say who should have been told by now; since `open_since_s` all ways out work."""
        for wait in self._waits.values():
            self._judge(wait, now_s)
            if now_s - max(wait.since_s, open_since_s) > FIRST_S and not wait.is_heard:
                self._broken("I7", "nobody heard within a minute")

    def paged(self, page: Paged) -> None:
        """Note that a page was tried."""
        self.pages += 1
        for case_id in page.cases:
            wait = self._waits.get(case_id) or self._before.setdefault(case_id, _Wait(page.at_s))
            wait.asked[page.person] = page.at_s
            wait.is_heard |= page.is_heard
        if page.is_heard and page.is_urgent:
            mark = (page.person, page.way)
            if page.at_s - self._heard.get(mark, -GAP_S) < GAP_S:
                self._broken("I18", "somebody is paged twice within half a minute")
            self._heard[mark] = page.at_s

    def disturbed(self, now_s: float) -> None:
        """Begin to count anew: nothing ran for a while, or nobody could know how long it had been."""
        for wait in self._waits.values():
            wait.since_s = max(wait.since_s, now_s)  # who was called already need not be called at once
        self._heard.clear()

    def died(self) -> None:
        """The watch was killed: what it had sent and not written down may be said once more."""
        self._heard.clear()

    def left_undone(self, count: int) -> None:
        """Note what a watch left that a new one would do at once."""
        if count:
            self._broken("I7", f"{count} pages are due and were not made")

    def _judge(self, wait: _Wait, now_s: float) -> None:
        age_s = now_s - wait.since_s
        if age_s > FIRST_S and not wait.asked:
            self._broken("I7", "nobody was called within a minute")
        if age_s > NEXT_S and len(wait.asked) < 2:
            self._broken("I7", "nobody else was called within three minutes")
        if age_s > ALL_S and not self._people <= set(wait.asked):
            self._broken("I7", "not everybody was called within five minutes")
        if age_s > ALL_S and wait.asked and now_s - max(wait.asked.values()) > REPEAT_S + 2 * LOOKS_S:
            self._broken("I7", "the calls have ended and nobody came")
