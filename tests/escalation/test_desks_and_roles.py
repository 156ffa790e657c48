"""Who may do what to whose case: transfers, tiers, other desks, roles that do not counsel."""

import pytest

from bot.store import schema
from escalation import acts, reading, relay, shifts
from escalation.case import (
    BadInputError,
    NoSuchCaseError,
)
from escalation.policy import NotAllowedError


def test_a_transfer_moves_the_case_and_frees_it(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.do(acts.transfer_case, actor=mina, case_id=case_id, token=claim.token, desk="IR-07")

    assert (house.case(case_id)["desk"], house.case(case_id)["state"]) == ("IR-07", "queued")
    assert house.told("p") == ["held", "put_back"]


def test_an_unheld_case_is_moved_only_by_a_supervisor(house, mina, case_id):
    with pytest.raises(NotAllowedError):
        house.do(acts.transfer_case, actor=mina, case_id=case_id, token=None, desk="IR-07")
    boss = house.staff("boss", "supervisor")
    with pytest.raises(BadInputError):
        house.do(acts.transfer_case, actor=boss, case_id=case_id, token=None, desk="mars")
    house.do(acts.transfer_case, actor=boss, case_id=case_id, token=None, desk="IR-07")

    assert house.case(case_id)["desk"] == "IR-07"
    assert house.told("p") == []


def test_only_the_holder_lowers_the_tier_with_a_reason(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    lower = {"actor": mina, "case_id": case_id, "token": claim.token}
    with pytest.raises(BadInputError):
        house.do(acts.lower_tier, **lower, tier="T3", reason="")
    with pytest.raises(BadInputError):
        house.do(acts.lower_tier, **lower, tier="T9", reason="x")
    house.do(acts.lower_tier, **lower, tier="T3", reason="خطر گذشت")

    assert house.case(case_id)["tier"] == "T3"
    assert house.rows(schema.audit)[-1]["reason"] == "T1>T3"


def test_another_desks_case_does_not_exist_for_a_province(house, mina, case_id):
    stranger = house.staff("far", province="IR-07")
    for act, more in (
        (acts.claim_case, {}),
        (acts.renew_lease, {"token": 0}),
        (acts.release_case, {"token": 0}),
        (acts.hand_back, {"token": 0}),
        (acts.close_case, {"token": None, "outcome": "duplicate", "reason": "x"}),
        (acts.undo_close, {}),
        (acts.transfer_case, {"token": None, "desk": "IR-07"}),
        (acts.lower_tier, {"token": 0, "tier": "T4", "reason": "x"}),
        (relay.write_message, {"token": 0, "text": "x", "command_id": "command-1"}),
        (relay.add_note, {"text": "x"}),
        (relay.refer_case, {"token": 0, "to_type": "x", "near": ""}),
        (relay.mark_safe_contact, {"token": 0, "safe": {"way": "x"}}),
    ):
        with pytest.raises(NoSuchCaseError):
            house.do(act, actor=stranger, case_id=case_id, **more)
        with pytest.raises(NoSuchCaseError):
            house.do(act, actor=mina, case_id="nosuch", **more)


@pytest.mark.parametrize("role", ["flow_admin", "reviewer", "analyst", "admin"])
def test_who_does_not_counsel_does_nothing_to_a_case(house, case_id, role):
    actor = house.staff("x", role)
    for act, more in (
        (acts.claim_case, {"case_id": case_id}),
        (acts.close_case, {"case_id": case_id, "token": None, "outcome": "duplicate", "reason": "x"}),
        (relay.add_note, {"case_id": case_id, "text": "x"}),
        (shifts.start_shift, {}),
    ):
        with pytest.raises(NotAllowedError):
            house.do(act, actor=actor, **more)
    with pytest.raises(NotAllowedError):
        house.see(reading.queue, actor=actor)
