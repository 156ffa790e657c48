"""Closing a case: by whom, with what on record, and how it is taken back."""

import json

import pytest

from bot.erasing import erase
from bot.store import schema
from bot.store.vault import unseal
from escalation import acts
from escalation.case import (
    BadInputError,
    CaseClosedError,
    NotSeenError,
    TooLateError,
)
from escalation.page import read_case
from escalation.relay import ErasedError


def test_an_urgent_case_is_not_closed_by_who_did_not_claim_it(house, mina, case_id):
    with pytest.raises(NotSeenError):
        house.do(acts.close_case, actor=mina, case_id=case_id, token=None, outcome="duplicate", reason="تکراری")


def test_closing_keeps_the_reason_sealed_and_tells_the_flow(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    close = {"actor": mina, "case_id": case_id, "token": claim.token, "outcome": "safe_now"}
    with pytest.raises(BadInputError):
        house.do(acts.close_case, **close, reason="  ")
    house.do(acts.close_case, **close, reason="پیش خواهرش است")

    assert (house.case(case_id)["state"], house.case(case_id)["outcome"]) == ("closed", "safe_now")
    assert house.told("p") == ["held", "closed"]
    note = house.rows(schema.case_notes)[0]
    assert unseal(house.key("p"), "case_notes.body", note["sealed_body"]) == {"text": "پیش خواهرش است"}
    assert house.rows(schema.audit)[-1]["reason"] == "safe_now"
    with pytest.raises(CaseClosedError):
        house.do(acts.claim_case, actor=mina, case_id=case_id)


def close(house, actor, case_id):
    claim = house.do(acts.claim_case, actor=actor, case_id=case_id)
    return house.do(
        acts.close_case, actor=actor, case_id=case_id, token=claim.token, outcome="counselled", reason="تمام"
    )


def test_a_close_is_undone_under_a_new_token(house, mina, case_id):
    close(house, mina, case_id)
    house.advance(60)
    again = house.do(acts.undo_close, actor=mina, case_id=case_id)

    assert (again.state, again.holder, again.token, again.outcome) == ("claimed", "mina", 2, None)
    assert house.told("p") == ["held", "closed", "reopened"]
    assert house.case(case_id)["closed_at"] is None


def test_a_close_is_not_undone_late_or_by_another(house, mina, case_id):
    close(house, mina, case_id)

    with pytest.raises(TooLateError):
        house.do(acts.undo_close, actor=house.staff("sara"), case_id=case_id)
    house.advance(121)
    with pytest.raises(TooLateError):
        house.do(acts.undo_close, actor=mina, case_id=case_id)


def test_undoing_a_close_merges_into_the_case_that_was_opened_since(house, mina, case_id):
    close(house, mina, case_id)
    newer = house.escalate("p", "T3", kinds=("legal",), why=("پرسید",), note="نو")
    given = house.do(acts.undo_close, actor=mina, case_id=case_id)

    assert (given.id, given.tier, given.state) == (newer, "T1", "queued")
    assert json.loads(house.case(newer)["kinds"]) == ["legal", "suicide"]
    summary = unseal(house.key("p"), "cases.summary", house.case(newer)["sealed_summary"])
    assert summary == {"why": ["پرسید", "چون نوشت"], "note": "نو"}
    assert house.case(case_id)["state"] == "closed"
    assert (house.kinds_of(case_id)[-1], house.kinds_of(newer)[-1]) == ("merged", "raised")


def test_merging_the_case_of_an_erased_contact_merges_no_words(house, mina, case_id):
    close(house, mina, case_id)
    newer = house.escalate("p", "T3")
    house.change(schema.contacts, "p", wrapped_key=None)

    assert house.do(acts.undo_close, actor=mina, case_id=case_id).tier == "T1"
    assert house.case(newer)["tier"] == "T1"


def test_the_close_of_an_erased_contact_is_final_and_nothing_else_is_offered(house, mina, case_id):
    close(house, mina, case_id)
    assert house.do(read_case, actor=mina, case_id=case_id).undo_close_until is not None
    house.store.write_now(lambda tx: erase(tx, contact_id="p", now_ms=house.now))

    assert house.do(read_case, actor=mina, case_id=case_id).undo_close_until is None
    with pytest.raises(ErasedError):
        house.do(acts.undo_close, actor=mina, case_id=case_id)
    assert house.case(case_id)["state"] == "closed"


def test_a_close_that_sets_her_erasure_going_offers_no_way_back(house, mina, case_id):
    house.change(schema.contacts, "p", erase_due_at=house.now)
    close(house, mina, case_id)

    assert house.do(read_case, actor=mina, case_id=case_id).undo_close_until is None


def test_the_case_of_an_erased_contact_is_lowered_and_closed_without_its_note(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.store.write_now(lambda tx: erase(tx, contact_id="p", now_ms=house.now))  # a restored copy's tombstone
    held = {"actor": mina, "case_id": case_id, "token": claim.token, "reason": "پاک شده است"}
    with pytest.raises(BadInputError):
        house.do(acts.close_case, **{**held, "reason": " "}, outcome="duplicate")
    house.do(acts.lower_tier, **held, tier="T3")
    house.do(acts.close_case, **held, outcome="duplicate")

    case = house.case(case_id)
    assert (case["tier"], case["state"], case["outcome"]) == ("T3", "closed", "duplicate")
    assert house.rows(schema.case_notes) == []
    assert [row["reason"] for row in house.rows(schema.audit)][-2:] == ["T1>T3", "duplicate"]
