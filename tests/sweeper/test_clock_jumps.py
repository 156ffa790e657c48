"""The wall clock jumps a day ahead, or back: nothing fires twice, nothing in a burst, every wait keeps its rest."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.clock import SteadyClock, VirtualClock
from bot.core.fault import arm
from escalation import acts, shifts

pytestmark = pytest.mark.sqlite  # of several processes none moves everybody's deadlines

CRY = "شوهرم داره منو می‌زنه"
HUMAN = "مددکار"
DAY = 86_400


@pytest.fixture(params=["steady", "raw"])
def house(request, make_town):
    """Give a town on a clock that hides jumps, as in production, and on one that shows them at once."""
    return make_town(steady=request.param == "steady")


def test_a_steady_clock_goes_on_by_monotonic_time_until_the_jump_is_adopted():
    raw = VirtualClock(datetime(2026, 11, 22, tzinfo=UTC))
    clock = SteadyClock(raw)
    raw.advance(10)
    raw.jump(DAY)

    assert (clock.now() - datetime(2026, 11, 22, tzinfo=UTC)).total_seconds() == 10
    assert clock.drift_s() == DAY
    clock.adopt()
    assert (clock.drift_s(), clock.now()) == (0, raw.now())


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_a_jump_moves_every_wait_and_fires_nothing(house, seconds):
    house.say(HUMAN)
    house.tick()
    before = house.due("word"), house.last_outbox()
    house.clock.jump(seconds)
    house.tick()

    moved = [(step, state, at + seconds * 1000) for step, state, at in before[0]]
    assert moved == house.due("word")
    assert house.last_outbox() == before[1]
    house.wait(11 * 60)
    assert ["fired", "planned", "planned"] == house.states("word")


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_a_claim_outlives_a_jump_and_a_vanished_holder_still_loses_it(house, seconds):
    house.say(CRY)
    case_id = house.case()
    house.act(shifts.start_shift)
    house.claim(case_id)
    house.tick()
    house.clock.jump(seconds)
    house.tick()
    assert [("claimed",)] == house.rows("SELECT state FROM cases")
    house.wait(50, step=2)

    assert [("queued",)] == house.rows("SELECT state FROM cases")


def test_what_was_written_ahead_of_time_does_not_hide_what_comes_after(house):
    house.say("سلام")
    house.clock.jump(DAY)
    house.tick()
    house.say("خروج")
    house.clock.jump(-DAY)
    house.tick()
    house.say("سلام")
    house.core.directory.forget_all()
    house.say("هستید؟")

    assert house.rows("SELECT count(*) FROM sessions WHERE ended_at IS NULL") == [(1,)]
    assert house.rows("SELECT count(*) FROM messages WHERE at > ?", house.now) == [(0,)]


def test_after_a_stop_a_clock_that_stands_before_what_is_written_was_set_back(make_town, tmp_path):
    first = make_town(path=tmp_path / "panah.db")
    first.say(CRY)
    case_id = first.case()
    first.claim(case_id)
    first.core.store.close()
    first.clock.jump(-DAY)
    second = make_town(path=tmp_path / "panah.db")
    second.wait(50, step=2)

    assert [("queued",)] == second.rows("SELECT state FROM cases")


def test_a_clock_that_was_set_back_is_not_set_back_again_by_a_restart(make_town, tmp_path):
    first = make_town(path=tmp_path / "panah.db")
    first.say(CRY)
    first.claim(first.case())
    first.run(
        "INSERT INTO audit (actor, action, target, at, seq, prev, mac) VALUES ('mina', 'open', 'case', ?, 99, '', '')",
        first.now,
    )
    first.run("INSERT INTO beats (name, at, detail) VALUES ('worker', ?, '{}')", first.now)
    first.clock.jump(-DAY)
    first.tick()
    before = first.due("word")
    first.core.store.close()
    second = make_town(path=tmp_path / "panah.db")
    second.tick()

    assert before == second.due("word")


def test_a_deadline_that_waits_in_the_inbox_does_not_arrive_again_after_a_jump(town):
    town.say("سلام")
    ((session, due_at),) = town.rows("SELECT id, silence_at FROM sessions")
    waits = f"{session}:silence:{due_at}"
    town.run(
        "INSERT INTO inbox (channel, provider_id, contact_id, kind, received_at, state, attempts, due_at)"
        " SELECT 'timer', ?, contact_id, 'silence', ?, 'waiting', 0, ? FROM sessions", waits, town.now, town.now,
    )  # fmt: skip
    town.core.timers.fire_due()
    town.clock.jump(-DAY)
    town.core.timers.fire_due()

    ((moved,),) = town.rows("SELECT silence_at FROM sessions")
    assert [(f"{session}:silence:{moved}",)] == town.rows("SELECT provider_id FROM inbox WHERE channel = 'timer'")


def test_what_an_outage_made_late_is_spread_and_not_said_at_once(make_town):
    town = make_town()
    for n in range(40):
        known = town.say(HUMAN, f"w{n}")
        town.make_reachable(known.contact_id)
    before = town.last_outbox()
    town.clock.advance(30 * 3600)  # nobody looks: the process is down, and all three words are overdue
    worst = 0
    for _ in range(60):
        seen = town.last_outbox()
        town.clock.advance(10)
        town.tick()
        worst = max(worst, town.last_outbox() - seen)

    assert 40 == town.last_outbox() - before
    assert worst < 8


STEPS = st.lists(st.sampled_from(["jump", "back", "wait", "word", "claim", "restart"]), min_size=1, max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_the_clock_does_each_step_of_a_plan_fires_at_most_once(make_town, steps):
    town = make_town(steady=True)
    town.say(CRY)
    for step in steps:
        match step:
            case "jump" | "back":
                town.clock.jump(DAY if step == "jump" else -DAY)
            case "wait":
                town.wait(400, step=100)
            case "word":
                town.say("هنوز اینجاست")
            case "claim":
                token = town.claim(town.case())
                town.act(acts.release_case, case_id=town.case(), token=token)
            case "restart":
                town.core.directory.forget_all()
        town.tick()

    fired = town.rows("SELECT data FROM case_events WHERE kind = 'overflowed'")
    assert len(fired) <= 2 * (1 + steps.count("claim"))
    assert [] == town.rows("SELECT 1 FROM inbox WHERE channel = 'timer' GROUP BY provider_id HAVING count(*) > 1")
    assert [] == town.rows("SELECT 1 FROM due WHERE state = 'planned' AND due_at < ?", town.now - 60_000)
    assert [("T1",)] == town.rows("SELECT tier FROM cases")


class KilledError(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("point", ["F1", "F2"])
def test_a_kill_while_a_promise_fires_leaves_it_to_fire_once(make_town, tmp_path, point):
    def die(name):
        if name == point:
            raise KilledError

    town = make_town(path=tmp_path / "panah.db")
    town.say(HUMAN)
    town.clock.advance(10 * 60)
    arm(die)
    with pytest.raises(KilledError):
        town.core.timers.fire_due()
    arm(None)
    town.core.store.close()
    again = make_town(path=tmp_path / "panah.db")
    assert ["planned", "planned", "planned"] == again.states("word")
    again.tick()
    again.tick()

    assert [("still_queued",)] == again.rows("SELECT kind FROM inbox WHERE channel = 'timer'")
    assert "fired" == again.states("word")[0]
