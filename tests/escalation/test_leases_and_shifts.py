"""What time does: leases run out, resting cases return, a shift counts while its console is heard."""

import asyncio

import pytest
from fakes.log import RecordingLog

from bot.beats import Beats
from bot.store import schema
from escalation import acts, shifts, sweeper


def test_renewing_keeps_the_lease_and_writes_no_history(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.advance(30)
    house.do(acts.renew_lease, actor=mina, case_id=case_id, token=claim.token)
    house.advance(30)

    assert house.do(sweeper_sweep).lost == 0
    assert house.kinds_of(case_id) == ["opened", "claimed"]


def sweeper_sweep(tx, office, *, now_ms):
    return sweeper.sweep(tx, office, now_ms=now_ms)


def test_an_expired_lease_returns_the_case_to_its_desk_and_the_flow_speaks(house, mina, case_id):
    before = house.case(case_id)["queued_at"]
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.advance(46)

    assert house.do(sweeper_sweep).lost == 1
    assert house.do(sweeper_sweep).lost == 0
    row = house.case(case_id)
    assert (row["state"], row["holder"], row["queued_at"]) == ("queued", None, before)
    assert house.told("p") == ["held", "put_back"]
    assert house.kinds_of(case_id)[-1] == "lease_lost"


async def test_an_idle_sweeper_writes_nothing_and_a_due_one_does(house, mina, case_id):
    house.do(acts.claim_case, actor=mina, case_id=case_id)

    assert (await sweeper.sweep_once(house.store, house.office, house.clock)).lost == 0
    house.advance(46)
    assert (await sweeper.sweep_once(house.store, house.office, house.clock)).lost == 1


def test_an_immediate_case_that_nobody_said_a_word_to_does_not_rest_it_stands_in_the_queue_at_its_old_place(
    house, mina, case_id
):
    before = house.case(case_id)["queued_at"]
    house.advance(60)
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.advance(600)
    house.do(acts.hand_back, actor=mina, case_id=case_id, token=claim.token)

    row = house.case(case_id)
    assert ("queued", before, None) == (row["state"], row["queued_at"], row["next_action_at"])
    assert "released" == house.kinds_of(case_id)[-1]
    assert house.told("p") == ["held", "put_back"]


def test_what_is_not_immediate_may_rest_without_a_word(house, mina):
    case_id = house.escalate(house.contact("q"), "T2")
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.do(acts.hand_back, actor=mina, case_id=case_id, token=claim.token)

    assert "waiting" == house.case(case_id)["state"]
    assert house.told("q") == ["held", "put_back"]


def test_a_handed_back_case_rests_and_returns(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.says(mina, case_id, claim.token)
    house.do(acts.hand_back, actor=mina, case_id=case_id, token=claim.token)

    assert (house.case(case_id)["state"], house.case(case_id)["next_action_at"]) == ("waiting", house.now + 3_600_000)
    assert house.told("p") == ["held", "handed_back"]
    house.advance(3600)
    assert house.do(sweeper_sweep).due == 1
    assert house.case(case_id)["state"] == "queued"


def test_a_new_cry_wakes_a_resting_case_and_never_a_held_one(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.escalate("p", "T1", kinds=("self_harm",))
    assert house.case(case_id)["state"] == "claimed"
    house.says(mina, case_id, claim.token)
    house.do(acts.hand_back, actor=mina, case_id=case_id, token=claim.token)
    house.escalate("p", "T3")

    assert (house.case(case_id)["state"], house.case(case_id)["tier"]) == ("queued", "T1")


async def test_the_sweeper_goes_on_until_it_is_told_to_stop(house, mina, case_id):
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.advance(46)
    sweeping = sweeper.keep_sweeping(house.store, house.office, house.clock, RecordingLog([]), Beats(house.clock))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sweeping, 0.3)

    assert house.case(case_id)["state"] == "queued"


def test_a_shift_counts_while_its_console_is_heard(house, mina, case_id):
    assert house.see(shifts.staff_on_shift) == 0
    house.do(shifts.start_shift, actor=mina)
    house.do(shifts.start_shift, actor=mina)
    assert house.see(shifts.staff_on_shift) == 1
    assert house.see(shifts.names_on_shift) == ["mina"]
    house.advance(60)
    assert house.store.write_now(lambda tx: shifts.touch_shift(tx, actor=mina, now_ms=house.now))
    house.advance(60)
    assert house.see(shifts.on_shift_since, actor=mina) == house.now - 120_000
    house.advance(31)
    assert house.see(shifts.staff_on_shift) == 0
    assert house.see(shifts.on_shift_since, actor=mina) is None


def test_ending_a_shift_puts_held_cases_back(house, mina, case_id):
    house.do(shifts.start_shift, actor=mina)
    house.do(acts.claim_case, actor=mina, case_id=case_id)

    assert house.do(shifts.end_shift, actor=mina) == 1
    assert house.do(shifts.end_shift, actor=mina) == 0
    assert house.case(case_id)["state"] == "queued"
    assert [row["action"] for row in house.rows(schema.audit, target="shift")] == ["shift_started", "shift_ended"]
