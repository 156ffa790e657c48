"""What the alert loop reasons about: who waits, who can be told and by which ways, what was tried, and the policy.

Plain frozen values with no I/O and no clock; escalation.watch_rules decides on them, escalation.watch_policy reads a
policy from its file. Times are milliseconds UTC, spans of the policy are seconds. Nothing here holds content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.core.clock import TEHRAN
from bot.core.jalali import sortable_date

#: The tiers a policy speaks of: immediate, within a day, and the service itself being in trouble.
WATCHED = ("T1", "T2", "service")
#: The ways a page can leave by.
WAYS = ("staffbot", "sms", "command")
#: What became of an attempt. `due` is what the rules ask for; the others are history.
AttemptState = Literal["due", "trying", "sent", "failed"]
Desk = str  # "case", "national", "any", or a desk's own code


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A case that nobody has acknowledged: number, tier, desk and since when it waits for a person. Never content.

    Trouble of the service itself is such a line too, with tier `service` and no code.
    """

    id: str
    code: str
    tier: str
    desk: str
    since: int
    seen_at: int | None = None  #: when somebody said «دیدم» and still nobody claimed it


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who can be paged, and where. `duty` stands for the installation's own numbers and command."""

    key: str  #: user name, or duty:<n>
    roles: frozenset[str] = frozenset()
    province: str = ""  #: empty is the national desk
    on_shift: bool = False
    duty: bool = False
    addresses: Mapping[str, str]  #: way → where; empty: cannot be paged


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One page to one person by one way. Attempts of one page share `page`, the moment it began."""

    person: str
    way: str
    level: int
    cases: tuple[str, ...]
    page: int
    at: int
    urgent: bool
    state: AttemptState = "due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When somebody may be paged, in Tehran time. `end` at or before `start` runs past midnight."""

    days: frozenset[int]  #: datetime.weekday() numbers: Saturday is 5, Friday 4
    start: int  #: minutes of the day
    end: int
    holidays: bool  #: True: also on holidays


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """One line of a level's people; every condition that is given must hold."""

    username: str = ""
    role: str = ""
    desk: Desk = "any"
    on_shift: bool = False
    duty: bool = False
    phone: str = ""
    hours: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Who is told when, and by which ways in which order."""

    after_s: int
    people: tuple[Who, ...]
    ways: tuple[str, ...]
    hours: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPolicy:
    """How one tier is alerted until a person acknowledges."""

    levels: tuple[Level, ...]
    all_ways_after_s: int  #: from then on everybody of every level is told by every way they have
    repeat_s: int
    seen_for_s: int  #: how long «دیدم» keeps it quiet while nobody claims it


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole escalation policy."""

    tiers: Mapping[str, TierPolicy]
    page_gap_s: int  #: a person is paged at most once in this time, unless a page brings what nobody has heard of
    retry_s: int  #: when no way to a person worked
    holidays: frozenset[str]  #: Jalali days: "01-01" each year, "1405-04-05" once
    phones: Mapping[str, str]  #: user name → number, for SMS


def is_open(hours: Hours | None, now: datetime, holidays: frozenset[str]) -> bool:
    """True within the hours; no hours means always."""
    if hours is None:
        return True
    here = now.astimezone(TEHRAN)
    minute = here.hour * 60 + here.minute
    if hours.start < hours.end:
        return hours.start <= minute < hours.end and _is_day(hours, here, holidays)
    if minute >= hours.start:
        return _is_day(hours, here, holidays)
    return minute < hours.end and _is_day(hours, here - timedelta(days=1), holidays)


def _is_day(hours: Hours, here: datetime, holidays: frozenset[str]) -> bool:
    if here.weekday() not in hours.days:
        return False
    day = sortable_date(here).replace("/", "-")
    return hours.holidays or (day not in holidays and day[5:] not in holidays)
