"""Leases and rests: nobody vanishes with a case, no open case is forgotten, whatever happened to its row (I10, I11)."""

import pytest

from bot.core.fault import arm
from escalation import acts
from escalation.sweeper import CASES_MAX, sweep

CRY = "شوهرم داره منو می‌زنه"

ORPHANS = (
    "SELECT id FROM cases WHERE state <> 'closed' AND NOT (state = 'queued'"
    " OR (state = 'claimed' AND lease_until >= :late) OR (state = 'waiting' AND next_action_at >= :late))"
)


def orphans(town):
    late = {"late": town.now - 60_000}
    return town.core.store.read_now(lambda db: db.exec_driver_sql(ORPHANS, late).all())


def test_a_vanished_holders_case_is_back_at_its_old_place_within_fifty_seconds(town):
    town.say(CRY)
    ((queued_at,),) = town.rows("SELECT queued_at FROM cases")
    town.wait(60)
    town.claim(town.case())
    town.wait(50, step=2)

    assert [("queued", queued_at, None)] == town.rows("SELECT state, queued_at, holder FROM cases")
    (lost,) = town.events("lease_lost")
    assert ("mina", "T1") == (lost["held_by"], lost["tier"])


def test_a_rest_that_is_over_brings_the_case_back_and_plans_its_stay(town):
    town.say(CRY)
    case_id = town.case()
    token = town.claim(case_id)
    town.says(case_id, token)
    town.act(acts.hand_back, case_id=case_id, token=token)
    town.wait(3600, step=60)

    assert [("queued",)] == town.rows("SELECT state FROM cases")
    assert ["planned"] * 3 == [state for step, state, _ in town.due("word") if step.startswith("1:")]
    assert [] == orphans(town)


@pytest.mark.parametrize(
    "broken", ["state = 'claimed', lease_until = NULL", "state = 'waiting', next_action_at = NULL"]
)
def test_a_case_without_its_deadline_is_an_orphan_for_no_longer_than_one_look(town, broken):
    town.say(CRY)
    town.claim(town.case())
    town.run(f"UPDATE cases SET {broken}, holder = CASE WHEN state = 'claimed' THEN holder END")
    town.tick()

    assert [("queued",)] == town.rows("SELECT state FROM cases")
    assert [] == orphans(town)


def test_many_come_back_in_turns_the_most_urgent_first(town):
    for n in range(CASES_MAX + 5):
        town.say(CRY, f"w{n}")
    town.run("UPDATE cases SET state = 'waiting', next_action_at = 1, tier = 'T2'")
    town.run("UPDATE cases SET tier = 'T1' WHERE id = (SELECT max(id) FROM cases)")
    swept = town.core.store.write_now(lambda tx: sweep(tx, town.office, now_ms=town.now))

    assert CASES_MAX == swept.due
    assert [("queued",)] == town.rows("SELECT state FROM cases WHERE tier = 'T1'")
    town.tick()
    assert [] == town.rows("SELECT 1 FROM cases WHERE state = 'waiting'")


class KilledError(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("point", ["F1", "F2"])
def test_a_kill_in_the_middle_of_a_sweep_changes_nothing_and_the_next_one_does(town, point):
    def die(name):
        if name == point:
            raise KilledError

    town.say(CRY)
    town.claim(town.case())
    town.clock.advance(46)
    arm(die)
    with pytest.raises(KilledError):
        town.core.store.write_now(lambda tx: sweep(tx, town.office, now_ms=town.now))
    arm(None)
    assert [("claimed",)] == town.rows("SELECT state FROM cases")
    town.tick()
    town.tick()

    assert 1 == len(town.events("lease_lost"))
