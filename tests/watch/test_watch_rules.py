"""Who is paged when: I7's times, levels without anybody, repeats without end, «دیدم», storms."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watch.towns import BEAT_S, START, Town, at, case, person

from escalation.watch_model import Hours, is_open
from escalation.watch_policy import load_policy
from escalation.watch_rules import due_attempts

MINA = person("mina", "counsellor", on_shift=True, province="IR-23")
HEAD = person("head", "supervisor", province="IR-23", ways=("staffbot", "sms"))
REST = person("rest", "counsellor", province="IR-23")
DUTY = person("duty:1", duty=True, ways=("sms",))
SLACK_S = BEAT_S


def test_the_levels_are_told_one_after_the_other():
    town = Town([MINA, HEAD, REST], [case("a")]).run(300)

    first = {one.key: town.told("a", one.key)[0] for one in town.people}
    assert first == {"mina": 20, "head": 60, "rest": 150}


def test_a_level_with_nobody_in_it_costs_no_wait():
    off = replace(MINA, on_shift=False)
    nameless = replace(HEAD, addresses={})
    alone = Town([off, nameless], [case("a")]).run(60)
    two = Town([nameless, DUTY, REST], [case("a")]).run(100)

    assert alone.told("a", "mina") == [20]
    assert (two.told("a", "duty:1"), two.told("a", "rest")) == ([20], [60])


def test_a_level_whose_ways_all_fail_costs_no_wait_and_is_tried_again():
    town = Town([MINA, HEAD], [case("a")], broken={("mina", "staffbot")}).run(100)

    assert town.told("a", "head") == [20]
    tries = [when for when, one in town.tried if one.person == "mina"]
    assert tries[:3] == [20, 36, 52]


def test_a_failing_way_is_followed_by_the_next_at_the_same_moment():
    town = Town([HEAD], [case("a")], broken={("head", "staffbot")}).run(100)

    assert [(when, one.way, one.state) for when, one in town.tried] == [
        (20, "staffbot", "failed"),
        (20, "sms", "sent"),
    ]


def test_without_anybody_to_tell_nothing_is_due():
    assert Town([], [case("a")]).run(300).tried == []
    assert Town([MINA], []).run(300).tried == []


def test_seen_keeps_it_quiet_for_five_minutes_and_then_it_begins_again():
    town = Town([MINA], [case("a")]).run(30)
    town.cases = [replace(case("a"), seen_at=at(31))]
    town.run(800)

    assert town.told("a", "mina") == [20, 352, 472, 592, 712]


def test_a_claim_ends_it_and_a_lost_lease_begins_it_anew():
    town = Town([MINA], [case("a")]).run(30)
    town.cases = []
    town.run(200)
    town.cases = [case("a", 200)]
    town.run(260)

    assert town.told("a", "mina") == [20, 220]


def test_a_case_for_tomorrow_waits_for_the_day():
    evening = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)  # 23:30 in Tehran
    slow = replace(case("slow", tier="T2"), since=int(evening.timestamp() * 1000))

    due = {
        hours: bool(due_attempts([slow], [], load_policy(), [MINA], evening + timedelta(hours=hours)))
        for hours in (0, 1, 8.4, 8.6)
    }

    assert due == {0: False, 1: False, 8.4: False, 8.6: True}


def test_a_case_for_tomorrow_never_holds_an_immediate_one_back():
    town = Town([MINA], [case("slow", tier="T2"), case("a", 1801)]).run(1900)

    assert town.told("slow") == [1800, 1822]
    assert town.told("a") == [1822]


def test_trouble_of_the_service_goes_to_the_duty_numbers_and_admins_first():
    admin = person("ada", "admin")
    town = Town([MINA, HEAD, DUTY, admin], [case("service:silent", tier="service", desk="EOC")]).run(100)

    assert {one.key: town.told("service:silent", one.key)[:1] for one in town.people} == {
        "duty:1": [10], "ada": [10], "mina": [60], "head": [60],
    }  # fmt: skip


def test_a_storm_of_a_thousand_cases_pages_again_only_for_news_and_lists_every_case():
    cases = [case(f"c{number:04}", number * 0.06) for number in range(1000)]
    town = Town([MINA, HEAD, DUTY, REST], cases).run(200)

    assert town.hasty_pages() == []
    for one in town.people:
        assert set().union(*(page.cases for _, page in town.sent if page.person == one.key)) == {c.id for c in cases}
    assert max(Counter(page.page for _, page in town.sent if page.person == "mina").values()) == 1


def test_a_new_case_goes_to_the_next_level_while_the_first_was_paged_a_moment_ago():
    town = Town([MINA, HEAD, REST], [case("a"), case("b", 15)]).run(60)

    assert town.told("a", "mina") == [20]
    assert town.told("b")[0] <= 15 + 30


@pytest.mark.parametrize("tier", ["T1", "service"])
@pytest.mark.parametrize("later_s", [1, 5, 25, 60, 119])
def test_the_only_person_in_reach_hears_within_a_minute_of_what_nobody_heard_of(tier, later_s):
    town = Town([DUTY], [case("a"), case("news", 20 + later_s, tier=tier, desk="EOC")]).run(400)

    assert town.told("a")[0] == 20
    assert town.told("news")[0] <= 20 + later_s + 60
    assert town.hasty_pages() == []


def test_what_somebody_heard_of_does_not_shorten_the_gap_of_another():
    first, second = DUTY, replace(DUTY, key="duty:2", addresses={"sms": "2"})
    town = Town([first, second], [case("a"), case("b", 25)], broken={("duty:2", "sms")}).run(24)
    town.broken.clear()
    town.run(200)

    assert town.told("b", "duty:2")[0] == 36  # tried again after 15 s, and the page lists all
    assert town.told("b", "duty:1") == [140]


def test_a_page_of_the_moment_in_which_a_case_begins_is_not_yet_news_of_it():
    town = Town([DUTY], [case("a", 59), case("b", 200)]).run(320)

    assert [200, 230] == [when for when in town.pages()["duty:1"] if 150 < when < 260]
    assert town.hasty_pages() == []


_PEOPLE = st.builds(
    lambda role, province, on_shift, ways, duty: (role, province, on_shift, ways, duty),
    st.sampled_from(["counsellor", "supervisor", "admin"]),
    st.sampled_from(["", "IR-23", "IR-04"]),
    st.booleans(),
    st.sets(st.sampled_from(["staffbot", "sms"]), max_size=2),
    st.integers(0, 9).map(lambda number: number == 0),
)


@st.composite
def towns(draw):
    """Some staff, some ways that never work, some cases in the first minutes that nobody takes."""
    people = [
        person(f"duty:{at_}" if duty else f"p{at_}", role, province=province, on_shift=on, duty=duty, ways=sorted(ways))
        for at_, (role, province, on, ways, duty) in enumerate(draw(st.lists(_PEOPLE, max_size=7)))
    ]
    every = [(one.key, way) for one in people for way in one.addresses]
    broken = draw(st.sets(st.sampled_from(every), max_size=4)) if every else set()
    begins = draw(st.lists(st.integers(0, 240), min_size=1, max_size=6))
    desks = st.sampled_from(["IR-23", "IR-04", "EOC"])
    return Town(people, [case(f"c{n}", since, desk=draw(desks)) for n, since in enumerate(begins)], broken=broken)


def listeners(town, one):
    """Give who is in some level for a case, with the ways that work."""
    from escalation.watch_rules import _members  # noqa: PLC0415

    found = {}
    for level in town.policy.tiers[one.tier].levels:
        for who, ways in _members(level, one.desk, town.policy, town.people, START):
            working = {way for way in ways if (who.key, way) not in town.broken}
            found.setdefault(who.key, set()).update(working)
    return {key: ways for key, ways in found.items() if ways}


@settings(max_examples=40, deadline=None)
@given(towns())
def test_every_untaken_immediate_case_keeps_the_times_of_i7(town):
    town.run(720)

    assert town.hasty_pages() == []
    for one in town.cases:
        since = (one.since - at(0)) / 1000
        hear = listeners(town, one)
        if not hear:
            continue
        assert min(town.told(one.id), default=9999) <= since + 30 + SLACK_S
        for key, ways in hear.items():
            for way in ways:
                told = town.told(one.id, key, way)
                assert min(told, default=9999) <= since + 300, (one, key, way)
                late = [when for when in told if when >= since + 165]
                assert all(after - before <= 120 + SLACK_S for before, after in pairwise([*late, 720.0])), (key, way)


@settings(max_examples=40, deadline=None)
@given(towns(), st.integers(10, 400))
def test_a_restart_at_any_moment_tells_at_most_once_more_and_forgets_nothing(town, moment):
    town.run(moment)
    before = len(town.sent)
    town.attempts = [one for one in town.attempts if one.page < at(moment - 20)]  # the newest were not recorded
    town.run(720)

    for one in town.cases:
        since = (one.since - at(0)) / 1000
        for key, ways in listeners(town, one).items():
            assert all(min(town.told(one.id, key, way), default=9999) <= since + 300 for way in ways)
    assert len(town.sent) >= before


def test_the_rules_answer_for_a_thousand_cases_and_a_hundred_people_within_a_beat():
    people = [person(f"p{n}", "counsellor", on_shift=n % 3 == 0, province="IR-23") for n in range(100)]
    cases = [case(f"c{n}") for n in range(1000)]
    now = START + timedelta(seconds=400)

    begun = datetime.now(UTC)
    due = due_attempts(cases, [], load_policy(), people, now)

    assert len(due) == 100
    assert datetime.now(UTC) - begun < timedelta(seconds=BEAT_S)


@pytest.mark.parametrize(
    ("day", "time", "is_day"),
    [(22, "11:30", True), (22, "07:29", False), (22, "14:30", False), (26, "11:30", False), (27, "11:30", False)],
)
def test_office_hours_are_those_of_tehran_and_end_on_thursday(day, time, is_day):
    hours = Hours(days=frozenset({5, 6, 0, 1, 2}), start=450, end=870, holidays=False)
    hour, minute = map(int, time.split(":"))
    moment = datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=3, minutes=30)

    assert is_open(hours, moment, frozenset()) is is_day


def test_a_holiday_closes_the_office_each_year_or_once_and_a_night_shift_belongs_to_its_evening():
    office = Hours(days=frozenset(range(7)), start=450, end=870, holidays=False)
    night = Hours(days=frozenset({6}), start=22 * 60, end=6 * 60, holidays=True)
    noon = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)  # 1405-09-01

    assert not is_open(office, noon, frozenset({"09-01"}))
    assert not is_open(office, noon, frozenset({"1405-09-01"}))
    assert is_open(office, noon, frozenset({"1404-09-01"}))
    assert is_open(night, datetime(2026, 11, 22, 23, 0, tzinfo=UTC), frozenset())
    assert not is_open(night, datetime(2026, 11, 21, 23, 0, tzinfo=UTC), frozenset())
