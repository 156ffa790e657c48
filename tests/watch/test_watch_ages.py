"""Jumps of the clock: nobody is hidden by one, nobody is called twice by one, a live claim stays a claim."""

import pytest
from watch.towns import START_MS, at

from escalation.watch_ages import Ages, Jumps
from escalation.watch_rows import CaseRow, Picture
from escalation.watch_trouble import (
    CONSOLE,
    DATABASE,
    DOOR,
    INBOX,
    OUTBOX,
    PARENT,
    SENDER,
    SILENT,
    SWEEPER,
    Troubles,
)

DAY_MS = 86_400_000


def row(since=START_MS, *, state="queued", lease_until=None, changed_at=START_MS, seen_at=None):
    return CaseRow(
        id="a", code="12345", tier="T1", desk="EOC", state=state, since=since, seen_at=seen_at,
        lease_until=lease_until, changed_at=changed_at,
    )  # fmt: skip


class Machine:
    """A wall clock that can be set, a monotonic one that cannot, and what the loop does at each look."""

    def __init__(self):
        self.wall = at(0)
        self.ticks = 1000.0
        self.ages = Ages()
        self.jumps = Jumps()

    def pass_(self, seconds, *, jump_ms=0):
        self.wall += round(seconds * 1000) + jump_ms
        self.ticks += seconds

    def ages_of(self, *rows):
        """Give each line's age in seconds."""
        jump = self.jumps.since_last(self.wall, self.ticks)
        if jump:
            self.ages.shift(jump)
        return [(self.wall - line.since) / 1000 for line in self.ages.lines(rows, self.wall, self.ticks)]


@pytest.mark.parametrize("jump_ms", [DAY_MS, -DAY_MS, 3_600_000, -3_600_000])
def test_a_case_that_is_known_ages_by_the_monotonic_clock(jump_ms):
    machine = Machine()
    machine.pass_(5)
    assert machine.ages_of(row()) == [5]

    machine.pass_(10, jump_ms=jump_ms)
    assert machine.ages_of(row()) == [15]
    machine.pass_(10, jump_ms=-jump_ms)
    assert machine.ages_of(row()) == [25]


def test_a_case_from_the_future_is_a_case_of_now():
    machine = Machine()
    assert machine.ages_of(row(at(86_400))) == [0]
    machine.pass_(60)
    assert machine.ages_of(row(at(86_400))) == [60]


@pytest.mark.parametrize("jump_ms", [DAY_MS, -DAY_MS])
def test_a_case_that_comes_with_a_jump_is_no_older_than_the_look_before(jump_ms):
    machine = Machine()
    machine.ages_of()
    machine.pass_(5)
    released = machine.wall
    machine.pass_(5, jump_ms=jump_ms)

    [age] = machine.ages_of(row(since=released))
    machine.pass_(10)

    assert 0 <= age <= 10
    assert machine.ages_of(row(since=released)) == [age + 10]


def test_a_case_that_comes_later_is_as_old_as_it_says():
    machine = Machine()
    machine.ages_of()
    machine.pass_(5, jump_ms=DAY_MS)
    machine.ages_of()
    machine.pass_(60)

    assert machine.ages_of(row(since=machine.wall - 90_000)) == [90]


def test_a_case_that_waited_before_the_watch_began_is_as_old_as_it_is():
    machine = Machine()
    machine.pass_(500)

    assert machine.ages_of(row()) == [500]


def test_a_claim_whose_lease_ran_out_waits_again_since_then():
    machine = Machine()
    held = row(state="claimed", lease_until=at(45))
    assert machine.ages_of(held) == []
    machine.pass_(44)
    assert machine.ages_of(held) == []
    machine.pass_(6)
    assert machine.ages_of(held) == [5]


@pytest.mark.parametrize("jump_ms", [DAY_MS, -DAY_MS])
def test_a_claim_that_is_renewed_is_held_whatever_the_clock_says(jump_ms):
    machine = Machine()
    assert machine.ages_of(row(state="claimed", lease_until=at(45))) == []
    machine.pass_(15)
    assert machine.ages_of(row(state="claimed", lease_until=at(60), changed_at=at(15))) == []
    machine.pass_(10, jump_ms=jump_ms)
    assert machine.ages_of(row(state="claimed", lease_until=at(60), changed_at=at(15))) == []
    machine.pass_(5)
    renewed = max(at(60), machine.wall + 45_000)
    assert machine.ages_of(row(state="claimed", lease_until=renewed, changed_at=machine.wall)) == []


def test_a_holder_who_vanishes_after_the_clock_was_set_back_is_missed_all_the_same():
    machine = Machine()
    machine.ages_of(row(state="claimed", lease_until=at(45)))
    machine.pass_(15)
    last = row(state="claimed", lease_until=at(60), changed_at=at(15))
    machine.ages_of(last)
    machine.pass_(2, jump_ms=-DAY_MS)
    assert machine.ages_of(last) == []

    machine.pass_(60)

    assert len(machine.ages_of(last)) == 1


def picture(*, beat_at=None, stopped=False, inbox_due_at=None):
    return Picture(cases=(), people=(), beat_at=beat_at, stopped=stopped, inbox_due_at=inbox_due_at)


def names(lines):
    return [line.id for line in lines]


def test_a_service_whose_beat_stands_still_for_thirty_seconds_is_in_trouble_until_it_moves():
    troubles = Troubles()
    assert names(troubles.lines(picture(beat_at=1), at(0), 0.0)) == []
    assert names(troubles.lines(picture(beat_at=1), at(29), 29.0)) == []
    found = troubles.lines(picture(beat_at=1), at(34), 34.0)
    assert (names(found), found[0].since) == ([SILENT], at(34))
    assert names(troubles.lines(picture(beat_at=2), at(36), 36.0)) == []


def test_a_service_that_was_stopped_by_a_person_is_no_trouble():
    troubles = Troubles()
    for second in range(0, 200, 10):
        assert troubles.lines(picture(beat_at=1, stopped=True, inbox_due_at=at(0)), at(second), float(second)) == []


def test_a_jump_of_the_clock_makes_no_trouble():
    troubles = Troubles()
    troubles.lines(picture(beat_at=at(0)), at(0), 0.0)

    assert troubles.lines(picture(beat_at=at(0), inbox_due_at=at(1)), at(86_400), 2.0) == []
    assert troubles.lines(picture(beat_at=at(86_403)), at(86_404), 6.0) == []


def test_an_inbox_that_does_not_empty_is_a_trouble():
    troubles = Troubles()
    late = [names(troubles.lines(picture(beat_at=s, inbox_due_at=at(0)), at(s), float(s))) for s in (50, 62, 64, 68)]

    assert late == [[], [], [], [INBOX]]


def test_a_parent_that_is_gone_is_told_until_another_one_beats_twice():
    troubles = Troubles()
    troubles.lines(picture(beat_at=1), at(0), 0.0)
    troubles.parent_gone()
    assert names(troubles.lines(picture(beat_at=2), at(2), 2.0)) == [PARENT]  # its last beat, seen late
    assert names(troubles.lines(picture(beat_at=2), at(60), 60.0)) == [PARENT]
    assert names(troubles.lines(picture(beat_at=3), at(62), 62.0)) == []


def test_a_database_that_cannot_be_read_is_a_trouble_after_ten_seconds():
    troubles = Troubles()
    assert names(troubles.lines(None, at(0), 0.0)) == []
    assert names(troubles.lines(None, at(10), 10.0)) == [DATABASE]
    assert names(troubles.lines(picture(beat_at=1), at(12), 12.0)) == []


def beating(second, **others):
    """A picture in which the worker beats; `others`: what else of it is so."""
    return Picture(cases=(), people=(), beat_at=second, stopped=False, inbox_due_at=None, **others)


@pytest.mark.parametrize(
    ("name", "trouble"),
    [("sender:telegram", SENDER), ("web", DOOR), ("console", CONSOLE), ("sweeper", SWEEPER)],
)
def test_a_role_that_dies_alone_is_missed_once_it_was_seen_to_live_and_no_more_when_it_beats(name, trouble):
    troubles = Troubles()
    for second, beat in ((0, 0), (10, 10), (60, 10)):
        assert names(troubles.lines(beating(second, beats={name: beat}), at(second), float(second))) == []
    assert names(troubles.lines(beating(71, beats={name: 10}), at(71), 71.0)) == [trouble]
    assert names(troubles.lines(beating(73, beats={name: 72}), at(73), 73.0)) == []


def test_a_beat_that_was_never_seen_to_move_or_is_not_wired_again_is_not_missed():
    troubles = Troubles()
    for second in range(0, 200, 10):
        beats = {"sender:sms": 0, "sender:web": second} if second < 50 else {"sender:sms": 0}
        assert troubles.lines(beating(second, beats=beats), at(second), float(second)) == []


def test_two_dead_senders_are_one_trouble_and_a_silent_service_is_told_of_once():
    troubles = Troubles()
    for second in (0, 5):
        troubles.lines(beating(second, beats={"sender:sms": second, "sender:web": second}), at(second), second)
    both = {"sender:sms": 5, "sender:web": 5}
    assert names(troubles.lines(beating(70, beats=both), at(70), 70.0)) == [SENDER]
    assert names(troubles.lines(beating(70, beats=both), at(101), 101.0)) == [SILENT]


def test_loops_did_not_stand_still_while_the_database_could_not_be_read():
    troubles = Troubles()
    for second in (0, 5):
        troubles.lines(beating(second, beats={"web": second}), at(second), second)
    assert names(troubles.lines(None, at(300), 300.0)) == [DATABASE]
    assert names(troubles.lines(beating(6, beats={"web": 5}), at(302), 302.0)) == []


def test_an_urgent_message_that_does_not_leave_is_a_trouble_after_a_minute():
    troubles = Troubles()
    late = [names(troubles.lines(beating(s, outbox_due_at=at(0)), at(s), float(s))) for s in (50, 62, 70, 78)]

    assert late == [[], [], [], [OUTBOX]]
    assert troubles.lines(beating(80), at(80), 80.0) == []
