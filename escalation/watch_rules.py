"""Who is due for which page now: the alert loop's decisions, pure, so that a simulation can drive them.

I7 for an immediate case: first attempt by 30 s, the next level by 180 s, everybody by every way by 300 s, then every
120 s without end. A level in which nobody can be told costs no wait: it shares its moment with the next one. A person
gets one page in `page_gap_s` at most, in NEWS_GAP_S when it brings what nobody has heard of, and it lists every case
that concerns them. Who was paged a moment ago counts as not there for a new case: the next level gets it at once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from escalation.routing import NATIONAL
from escalation.watch_model import Attempt, CaseLine, Level, Person, Policy, TierPolicy, Who, is_open

#: I7's own limits with the loop's beat taken off; escalation.watch_policy refuses a policy beyond them.
FIRST_BY_S, NEXT_BY_S = 25, 170
#: Between two urgent pages of one person when the later one brings news to everybody: 25 and 30 are within I7's 60.
NEWS_GAP_S = 30
#: An attempt that has not said how it ended by then has failed; every way gives up earlier by itself.
TRYING_MS = 30_000
_URGENT = frozenset({"T1", "service"})


def due_attempts(
    cases: Sequence[CaseLine], attempts: Iterable[Attempt], policy: Policy, people: Sequence[Person], now: datetime
) -> list[Attempt]:
    """Give the attempts to make now. `cases` are those nobody acknowledged; `attempts` is all that was tried for them.

    Write each attempt as `trying` before it is made and as `sent` or `failed` after it; after a failure ask again at
    once, and the next way is due.
    """
    book = _Book(attempts, policy, int(now.timestamp() * 1000))
    calls: dict[str, _Call] = {}
    levels: dict[tuple[str, str], list[_Members]] = {}
    for case in sorted(cases, key=lambda one: (one.tier, one.since, one.id)):
        tier = policy.tiers.get(case.tier)
        began = None if tier is None else begins_at(case, tier)
        if tier is None or began is None or began > book.now:
            continue
        place = (case.tier, case.desk)
        if place not in levels:
            levels[place] = [_members(level, case.desk, policy, people, now) for level in tier.levels]
        unheard = case.tier in _URGENT and not book.has_left(case.id, began)
        _call(_Due(case, tier, began, unheard), levels[place], book, calls)
    return [attempt for key in sorted(calls) for attempt in book.next_attempts(key, calls[key])]


def with_ways(staff: Iterable[Person], duty: Iterable[Person], policy: Policy, ways: Collection[str]) -> list[Person]:
    """Give everybody with the addresses that stand open: the staff with the policy's numbers, the house's own."""
    numbers = policy.phones
    people = [
        replace(one, addresses={**one.addresses, "sms": numbers[one.key]}) if one.key in numbers else one
        for one in staff
    ]
    return [
        replace(one, addresses={way: to for way, to in one.addresses.items() if way in ways})
        for one in (*people, *duty)
    ]


def reachable(desk: str, policy: Policy, people: Sequence[Person], now: datetime) -> frozenset[str]:
    """Give who can be paged at this moment for an immediate case of a desk, by any level."""
    levels = policy.tiers["T1"].levels
    return frozenset(one.key for level in levels for one, _ in _members(level, desk, policy, people, now))


def untold(
    cases: Sequence[CaseLine], attempts: Iterable[Attempt], policy: Policy, people: Sequence[Person], now: datetime
) -> list[CaseLine]:
    """Give the urgent lines that I7 has told somebody of by now, and nobody was: no page left or is on its way.

    One that only waits because whoever can be told was paged a moment ago is not among them.
    """
    book = _Book(attempts, policy, int(now.timestamp() * 1000))
    found = []
    for case in cases:
        if case.tier not in _URGENT:
            continue
        tier = policy.tiers[case.tier]
        began = begins_at(case, tier)
        if book.now - began < FIRST_BY_S * 1000 or book.has_left(case.id, began):
            continue
        members = (one for level in tier.levels for one, _ in _members(level, case.desk, policy, people, now))
        if not any(book.is_resting(one.key) for one in members):
            found.append(case)
    return found


def begins_at(case: CaseLine, tier: TierPolicy) -> int:
    """Give the moment from which a case's alerts count: a «دیدم» that nobody followed up begins them anew."""
    return case.since if case.seen_at is None else max(case.since, case.seen_at + tier.seen_for_s * 1000)


@dataclass(frozen=True, slots=True)
class _Due:
    case: CaseLine
    tier: TierPolicy
    began: int
    unheard: bool  #: urgent, and nobody at all was told of it since it began


@dataclass(slots=True)
class _Call:
    """What one person is to be told, if anything of it is due."""

    addresses: frozenset[str]
    ways: list[str] = field(default_factory=list)
    cases: dict[str, None] = field(default_factory=dict)  #: in order, each once
    level: int = 0
    due: bool = False
    urgent: bool = False
    unheard: bool = False
    every_way: bool = False

    def add_ways(self, ways: Sequence[str]) -> None:
        self.ways += [way for way in ways if way in self.addresses and way not in self.ways]


_Members = list[tuple[Person, tuple[str, ...]]]


def _members(level: Level, desk: str, policy: Policy, people: Sequence[Person], now: datetime) -> _Members:
    """Give who is in a level now and can be told at all, with their ways in the level's order."""
    if not is_open(level.hours, now, policy.holidays):
        return []
    open_lines = [who for who in level.people if is_open(who.hours, now, policy.holidays)]
    found = []
    for person in people:
        ways = tuple(way for way in level.ways if way in person.addresses)
        if ways and any(_is(who, person, desk) for who in open_lines):
            found.append((person, ways))
    return found


def _is(who: Who, person: Person, desk: str) -> bool:
    if who.phone:
        return person.key == f"phone:{who.phone}"
    if who.duty or person.duty:
        return who.duty and person.duty
    own = person.province or NATIONAL
    here = {"any": True, "case": own == desk, "national": own == NATIONAL}.get(who.desk, own == who.desk)
    return (
        here
        and person.key.partition(":")[0] != "phone"
        and (not who.username or who.username == person.key)
        and (not who.role or who.role in person.roles)
        and (person.on_shift or not who.on_shift)
    )


def _call(due: _Due, levels: Sequence[_Members], book: "_Book", calls: dict[str, _Call]) -> None:
    """Enter one case into the calls of everybody it concerns."""
    age_s = (book.now - due.began) / 1000
    every = age_s >= due.tier.all_ways_after_s
    slots = [level.after_s for level in due.tier.levels]
    slot = 0
    for number, members in enumerate(levels):
        reached = every or age_s >= slots[slot]
        for person, ways in members:
            call = calls.setdefault(person.key, _Call(frozenset(person.addresses)))
            if not reached and due.case.tier not in _URGENT:
                continue
            call.cases[due.case.id] = None  # a page lists all that concerns a person, also what is not due yet
            if reached:
                _reach(call, due, number, ways, book.told(person.key, due))
            if every:
                call.add_ways(ways)
                call.every_way = True
        if any(book.can_hear(person.key, ways, due, is_first=slot == 0) for person, ways in members):
            slot = min(slot + 1, len(slots) - 1)


def _reach(call: _Call, due: _Due, number: int, ways: Sequence[str], told: bool) -> None:
    call.add_ways(ways)
    call.level = max(call.level, number)
    call.urgent = call.urgent or due.case.tier in _URGENT
    call.unheard = call.unheard or due.unheard
    call.due = call.due or not told


class _Book:
    """What was tried: by person the newest page, and when each case was last told."""

    def __init__(self, attempts: Iterable[Attempt], policy: Policy, now: int) -> None:
        self.now = now
        self._gap = policy.page_gap_s * 1000
        self._retry = policy.retry_s * 1000
        self._pages: dict[str, dict[int, list[Attempt]]] = defaultdict(lambda: defaultdict(list))
        self._told: dict[tuple[str, str], int] = {}
        self._delivered: dict[tuple[str, bool], int] = {}
        self._left: dict[str, int] = {}
        for attempt in attempts:
            self._pages[attempt.person][attempt.page].append(attempt)
            if self._may_have_arrived(attempt):
                mark = (attempt.person, attempt.urgent)
                self._delivered[mark] = max(attempt.page, self._delivered.get(mark, attempt.page))
                for case in attempt.cases:
                    self._left[case] = max(attempt.page, self._left.get(case, attempt.page))
            if attempt.state == "sent":
                for case in attempt.cases:
                    self._told[attempt.person, case] = max(attempt.page, self._told.get((attempt.person, case), 0))

    def told(self, person: str, due: _Due) -> bool:
        """True when the person heard of this case within its repeat.

        A page of the very moment in which it began may still have listed it as what it was before.
        """
        at = self._told.get((person, due.case.id))
        return at is not None and at > due.began and self.now - at < due.tier.repeat_s * 1000

    def can_hear(self, person: str, ways: Sequence[str], due: _Due, *, is_first: bool) -> bool:
        """True when the person heard of it, or can hear of it in time."""
        at = self._told.get((person, due.case.id))
        if at is not None and at > due.began:
            return True
        if self._is_lost(person, ways):
            return False
        if due.case.tier not in _URGENT:
            return True
        latest = due.began + (FIRST_BY_S if is_first else NEXT_BY_S) * 1000
        return self._free_at(person, urgent=True, unheard=due.unheard) <= max(self.now, latest)

    def has_left(self, case: str, began: int) -> bool:
        """True when somebody was told of the case since it began, or is being told."""
        return self._left.get(case, began) > began

    def is_resting(self, person: str) -> bool:
        """True when the person was paged so lately that even what nobody heard of must wait."""
        return self._free_at(person, urgent=True, unheard=True) > self.now

    def next_attempts(self, person: str, call: _Call) -> list[Attempt]:
        """Give what is due for a person: nothing, the next way of a page that fails, or a new page."""
        if not call.due or not call.ways:
            return []
        page, tried = self._newest(person)
        if any(self._is_open(attempt) for attempt in tried):
            return []
        failing = bool(tried) and all(attempt.state != "sent" for attempt in tried)
        if failing:
            left = [way for way in call.ways if way not in {attempt.way for attempt in tried}]
            if left and self.now - page < self._gap:
                return self._attempts(person, call, page, left)
            if self.now - page < self._retry:
                return []
        if self._free_at(person, urgent=call.urgent, unheard=call.unheard) > self.now:
            return []
        return self._attempts(person, call, self.now, call.ways)

    def _attempts(self, person: str, call: _Call, page: int, ways: Sequence[str]) -> list[Attempt]:
        chosen = ways if call.every_way else ways[:1]
        return [
            Attempt(
                person=person,
                way=way,
                level=call.level,
                cases=tuple(call.cases),
                page=page,
                at=self.now,
                urgent=call.urgent,
            )
            for way in chosen
        ]

    def _newest(self, person: str) -> tuple[int, list[Attempt]]:
        pages = self._pages.get(person)
        if not pages:
            return 0, []
        newest = max(pages)
        return newest, pages[newest]

    def _is_open(self, attempt: Attempt) -> bool:
        return attempt.state == "trying" and self.now - attempt.at < TRYING_MS

    def _may_have_arrived(self, attempt: Attempt) -> bool:
        return attempt.state == "sent" or self._is_open(attempt)

    def _is_lost(self, person: str, ways: Sequence[str]) -> bool:
        """True when the last page reached the person by none of these ways."""
        _, tried = self._newest(person)
        failed = {attempt.way for attempt in tried if not self._may_have_arrived(attempt)}
        return all(way in failed for way in ways) and not any(self._may_have_arrived(attempt) for attempt in tried)

    def _free_at(self, person: str, *, urgent: bool, unheard: bool) -> int:
        """Give when the person may be paged again: an urgent page is held back by urgent ones only."""
        marks = [self._delivered.get((person, True))]
        if not urgent:
            marks.append(self._delivered.get((person, False)))
        known = [mark for mark in marks if mark is not None]
        gap = NEWS_GAP_S * 1000 if unheard else self._gap
        return max(known) + gap if known else 0
