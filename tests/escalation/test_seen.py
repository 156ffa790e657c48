"""«دیدم»: a person knows of a waiting case. It is on record, moves nothing, and tells her nothing."""

import pytest

from bot.store import schema
from escalation import acts, page
from escalation.case import CaseClosedError, CaseTakenError, NoSuchCaseError
from escalation.policy import NotAllowedError
from escalation.seeing import see, see_waiting


def test_seen_is_on_record_and_moves_neither_the_case_nor_anything_of_hers(house, mina, case_id):
    before = house.case(case_id)
    house.do(see, actor=mina, case_id=case_id)

    assert house.case(case_id) == before
    assert house.kinds_of(case_id) == ["opened", "seen"]
    assert [(row["actor"], row["action"]) for row in house.rows(schema.audit)] == [("mina", "seen")]
    assert house.rows(schema.outbox) == []
    assert house.told("p") == []


def test_a_case_that_is_held_closed_or_of_another_desk_cannot_be_seen_to(house, mina, case_id):
    sara, far = house.staff("sara"), house.staff("far", province="IR-04")
    house.do(acts.claim_case, actor=sara, case_id=case_id)

    with pytest.raises(CaseTakenError):
        house.do(see, actor=mina, case_id=case_id)
    with pytest.raises(NoSuchCaseError):
        house.do(see, actor=far, case_id=case_id)
    house.do(see, actor=sara, case_id=case_id)
    house.change(schema.cases, case_id, state="closed")
    with pytest.raises(CaseClosedError):
        house.do(see, actor=mina, case_id=case_id)
    assert "seen" not in house.kinds_of(case_id)


def test_who_takes_no_cases_sees_none(house, case_id):
    analyst = house.staff("ana", "analyst")

    with pytest.raises(NotAllowedError):
        house.do(see, actor=analyst, case_id=case_id)
    with pytest.raises(NotAllowedError):
        house.do(see_waiting, actor=analyst, until_ms=house.now)


def test_a_whole_page_is_seen_but_not_what_came_or_came_back_after_it(house, mina, case_id):
    second, third = (house.escalate(house.contact(name), "T1") for name in ("q", "r"))
    slow = house.escalate(house.contact("s"), "T3")
    claim = house.do(acts.claim_case, actor=mina, case_id=third)
    until = house.now
    house.advance(200)
    house.do(acts.release_case, actor=mina, case_id=third, token=claim.token)

    assert house.do(see_waiting, actor=mina, until_ms=until) == 2

    assert ["seen" in house.kinds_of(one) for one in (case_id, second, third, slow)] == [True, True, False, False]


def test_the_case_page_tells_who_saw_it(house, mina, case_id):
    house.do(see, actor=mina, case_id=case_id)

    shown = house.do(page.read_case, actor=mina, case_id=case_id)

    assert ("seen", "mina") in [(one.kind, one.actor_name) for one in shown.history]
