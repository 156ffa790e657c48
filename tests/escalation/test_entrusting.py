"""A case handed to one colleague by name: it waits for everybody, with her name beside it, until somebody takes it."""

import json

import pytest

from bot.store import schema
from escalation import acts, reading, shifts
from escalation.case import MEANT_MS, NoSuchCaseError, StaleTokenError
from escalation.entrusting import NotOnShiftError, entrust_case, who_can_take
from escalation.page import read_case
from escalation.policy import NotAllowedError

TEHRAN, FARS = "IR-23", "IR-07"


def at_work(house, name, *roles, province=""):
    """Add somebody who is on shift."""
    actor = house.staff(name, *roles, province=province)
    house.do(shifts.start_shift, actor=actor)
    return actor


def row_of(house, actor):
    (row,) = house.see(reading.queue, actor=actor)
    return row


@pytest.fixture
def held(house, mina, case_id):
    """Give what mina shows for the case that she holds."""
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    return {"actor": mina, "case_id": case_id, "token": claim.token}


def test_it_waits_in_the_queue_with_her_name_beside_it(house, mina, held, case_id):
    sara = at_work(house, "sara")
    house.do(entrust_case, **held, to="sara")

    case = house.case(case_id)
    assert ("queued", None, None) == (case["state"], case["holder"], case["lease_until"])
    assert ["opened", "claimed", "released", "entrusted"] == house.kinds_of(case_id)
    assert [("sara", True), ("sara", False)] == [
        (row_of(house, one).meant_for.name, row_of(house, one).meant_for.me) for one in (sara, mina)
    ]
    audited = [(row["action"], row["reason"]) for row in house.rows(schema.audit, target_id=case_id)]
    assert [("released", ""), ("entrusted", "sara")] == audited[-2:]


def test_it_is_told_and_paged_like_any_case_that_comes_back(house, held, case_id):
    at_work(house, "sara")
    before = house.see(lambda connection, now_ms: reading.newest_event(connection))
    house.do(entrust_case, **held, to="sara")

    alerts = house.see(lambda connection, now_ms: reading.alerts(connection, before))
    assert [(case_id, "released")] == [(one.case_id, one.kind) for one in alerts]
    steps = [row["step"] for row in house.rows(schema.due, state="planned", subject=case_id)]
    assert any(step.startswith(f"{held['token']}:") for step in steps)


def test_anybody_may_take_it_and_the_old_token_is_worth_nothing(house, mina, held, case_id):
    at_work(house, "sara")
    leila = at_work(house, "leila")
    house.do(entrust_case, **held, to="sara")
    claim = house.do(acts.claim_case, actor=leila, case_id=case_id)

    assert held["token"] + 1 == claim.token
    with pytest.raises(StaleTokenError):
        house.do(acts.release_case, **held)
    house.do(acts.release_case, actor=leila, case_id=case_id, token=claim.token)
    assert row_of(house, mina).meant_for is None


def test_her_name_goes_after_a_while_and_the_case_stays(house, mina, held):
    at_work(house, "sara")
    house.do(entrust_case, **held, to="sara")
    house.advance(MEANT_MS / 1000)

    assert ("queued", None) == (row_of(house, mina).state, row_of(house, mina).meant_for)


def test_who_is_not_at_work_counsels_nobody_or_is_oneself_is_given_nothing(house, mina, held, case_id):
    house.do(shifts.start_shift, actor=mina)
    house.staff("home")
    gone = at_work(house, "gone")
    house.do(shifts.end_shift, actor=gone)
    silent = at_work(house, "silent")
    house.advance(91)
    house.do(shifts.start_shift, actor=mina)
    for to in ("home", gone.staff_id, silent.staff_id, "mina", "nobody", ""):
        with pytest.raises(NotOnShiftError):
            house.do(entrust_case, **held, to=to)

    assert ("claimed", "mina") == (house.case(case_id)["state"], house.case(case_id)["holder"])
    assert ["mina"] == [one.staff_id for one in house.see(who_can_take)]


def test_a_colleague_of_another_desk_gets_the_case_at_hers(house):
    tehran = at_work(house, "tehran", province=TEHRAN)
    fars = at_work(house, "fars", province=FARS)
    national = at_work(house, "national")
    case_id = house.escalate(house.contact("p"), "T2", province=TEHRAN)

    def give(to):
        token = house.do(acts.claim_case, actor=tehran, case_id=case_id).token
        return house.do(entrust_case, actor=tehran, case_id=case_id, token=token, to=to)

    assert TEHRAN == give("national").desk
    assert row_of(house, national).meant_for.me
    assert FARS == give("fars").desk
    assert row_of(house, fars).meant_for.me
    event = house.rows(schema.case_events, case_id=case_id, kind="entrusted")[-1]
    assert {"to": "fars", "token": house.case(case_id)["token"]} == json.loads(event["data"])


def test_only_who_holds_the_case_gives_it_on(house, held, case_id):
    sara = at_work(house, "sara")
    with pytest.raises(StaleTokenError):
        house.do(entrust_case, **{**held, "actor": at_work(house, "leila")}, to="sara")
    with pytest.raises(NotAllowedError):
        house.do(entrust_case, **{**held, "actor": house.staff("ana", "analyst")}, to="sara")
    with pytest.raises(NoSuchCaseError):
        house.do(entrust_case, **{**held, "actor": at_work(house, "fars", province=FARS)}, to="sara")

    assert "entrusted" not in house.kinds_of(case_id)
    assert not row_of(house, sara).mine


def test_the_page_says_to_whom_it_was_given(house, mina, held, case_id):
    at_work(house, "sara")
    house.do(entrust_case, **held, to="sara")
    page = house.do(read_case, actor=mina, case_id=case_id)

    assert ("entrusted", "sara") == (page.history[-1].kind, page.history[-1].to_name)
    assert "sara" == page.meant_for.name
