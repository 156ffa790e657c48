"""A town with staff and cases, whose alert rules are driven every two seconds of virtual time."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from escalation.watch_file import still_needed
from escalation.watch_model import CaseLine, Person
from escalation.watch_policy import load_policy
from escalation.watch_rules import due_attempts

#: A Sunday, 11:30 in Tehran.
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
BEAT_S = 2


def at(seconds):
    """Give a moment of the test in milliseconds."""
    return START_MS + round(seconds * 1000)


def person(key, *roles, province="", on_shift=False, ways=("staffbot",), duty=False):
    return Person(
        key=key, roles=frozenset(roles), province=province, on_shift=on_shift, duty=duty,
        addresses={way: f"{key}@{way}" for way in ways},
    )  # fmt: skip


def case(name, since_s=0.0, *, tier="T1", desk="IR-23", seen_s=None):
    return CaseLine(
        id=name, code=name, tier=tier, desk=desk, since=at(since_s), seen_at=None if seen_s is None else at(seen_s)
    )


@dataclass
class Town:
    """Drives the rules: who waits, who is there, which ways are broken; `sent` is the ledger of what arrived."""

    people: list
    cases: list
    policy: object = field(default_factory=load_policy)
    broken: set = field(default_factory=set)  #: (person, way) that fails
    attempts: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    tried: list = field(default_factory=list)
    now_s: float = 0.0

    def run(self, until_s, *, start=None):
        """Look every two seconds until a moment."""
        begin = START if start is None else start
        while self.now_s <= until_s:
            self.look(begin + timedelta(seconds=self.now_s))
            self.now_s += BEAT_S
        return self

    def look(self, now):
        waiting = [one for one in self.cases if one.since <= now.timestamp() * 1000]
        while due := due_attempts(waiting, self.attempts, self.policy, self.people, now):
            for attempt in due:
                worked = (attempt.person, attempt.way) not in self.broken
                done = replace(attempt, state="sent" if worked else "failed")
                self.attempts.append(done)
                self.tried.append((self.now_s, done))
                if worked:
                    self.sent.append((self.now_s, done))
            self.attempts = still_needed(self.attempts)

    def told(self, name, person=None, way=None):
        """Give when a case was told, to somebody, by some way."""
        return [
            when
            for when, one in self.sent
            if name in one.cases and person in {None, one.person} and way in {None, one.way}
        ]

    def pages(self):
        """Give when each person's pages began."""
        found = defaultdict(set)
        for when, one in self.sent:
            found[one.person].add(when)
        return {key: sorted(times) for key, times in found.items()}

    def hasty_pages(self):
        """Give who was paged again within 30 s, or within 120 s with nothing that nobody had heard of before.

        A page of the very moment in which a case begins may have listed it as something else: it is not heard of yet.
        """
        first, since = {}, {one.id: (one.since - START_MS) / 1000 for one in self.cases}
        for when, one in self.sent:
            for name in one.cases:
                if when != since.get(name):
                    first.setdefault(name, when)
        news = {(one.person, when) for when, one in self.sent if any(first.get(name) == when for name in one.cases)}
        return [
            (key, before, after)
            for key, times in self.pages().items()
            for before, after in pairwise(times)
            if after - before < (30 if (key, after) in news else 120)
        ]
