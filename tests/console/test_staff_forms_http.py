"""The questionnaires for trained staff: scored as published, kept sealed, shown to the next colleague, never to her."""

import json

import pytest

from bot.content import PACKAGE_FLOWS
from bot.staff_forms import StaffFormsOf
from bot.store import schema
from bot.store.vault import contact_key, unseal

FORMS = StaffFormsOf(PACKAGE_FLOWS)
CSSRS = ("wish", "thoughts", "method", "intent", "plan", "behaviour")
DA = [item.id for form in FORMS.all() if form.id == "danger_assessment" for item in form.items]


def cssrs(*answers):
    return {item: answer for item, answer in zip(CSSRS, answers, strict=True) if answer}


# Source: C-SSRS screener triage card (Columbia Lighthouse Project), domain.md §3.
@pytest.mark.parametrize(
    ("answers", "band", "tier"),
    [
        (cssrs("no", "no", "", "", "", "no"), "none", None),
        (cssrs("yes", "no", "", "", "", "no"), "low", "T3"),
        (cssrs("no", "yes", "no", "no", "no", "no"), "low", "T3"),
        (cssrs("yes", "yes", "no", "no", "no", "no"), "low", "T3"),
        (cssrs("yes", "yes", "yes", "no", "no", "no"), "moderate", "T2"),
        (cssrs("yes", "yes", "no", "yes", "no", "no"), "high", "T1"),
        (cssrs("yes", "yes", "no", "no", "yes", "no"), "high", "T1"),
        (cssrs("no", "no", "", "", "", "ever"), "moderate", "T2"),
        (cssrs("no", "no", "", "", "", "recent"), "high", "T1"),
        (cssrs("yes", "no", "yes", "yes", "yes", "no"), "high", "T1"),  # they contradict each other: the graver counts
        (cssrs("no", "no", "", "yes", "yes", "no"), "high", "T1"),
        (cssrs("no", "no", "", "", "", "skip"), "high", "T1"),
        (cssrs("skip", "no", "", "", "", "no"), "low", "T2"),
    ],
)
def test_the_columbia_screener_comes_to_its_published_level(answers, band, tier):
    result = FORMS.score("cssrs", answers)

    assert ((), band, tier) == (result.missing, result.band, result.tier)


@pytest.mark.parametrize(
    ("yes", "band", "tier"), [(0, "some", "T3"), (7, "some", "T3"), (8, "raised", "T2"), (13, "raised", "T2"), (14, "high", "T1"), (20, "high", "T1")]
)  # fmt: skip
def test_the_danger_assessment_counts_each_yes_as_one(yes, band, tier):
    result = FORMS.score("danger_assessment", {item: "yes" if at < yes else "no" for at, item in enumerate(DA)})

    assert (yes, band, tier, ()) == (result.points, result.band, result.tier, result.missing)


def test_what_is_not_answered_is_named_and_what_need_not_be_asked_is_not():
    assert ("behaviour",) == FORMS.score("cssrs", cssrs("no", "no", "", "", "", "")).missing
    assert ("method", "intent", "plan") == FORMS.score("cssrs", cssrs("no", "yes", "", "", "", "no")).missing


@pytest.fixture
async def held(room, visit):
    """Give a case that mina holds, and her browser."""
    mina = room.staff("mina", name="مینا")
    case_id = room.cry(text="شوهرم تهدیدم می‌کنه")
    token = room.claim(mina, case_id).token
    return room, await visit("mina"), case_id, token


async def test_a_filled_form_is_kept_sealed_with_who_when_and_version_and_leaves_an_audit_row(held):
    room, mina, case_id, token = held
    path = f"/cases/{case_id}/forms/cssrs"
    page = await mina.get(path)
    answer = await mina.post(path, {"token": str(token), **cssrs("yes", "yes", "no", "yes", "no", "no")})
    row = room.rows(schema.assessments, name="cssrs")[0]
    key = room.core.store.read_now(lambda db: contact_key(db, room.core.keyring, row["contact_id"]))
    kept = unseal(key, "assessments.result", row["sealed_result"])

    assert "ترجمه اعتبارسنجی نشده" in page.text
    assert "Columbia Lighthouse Project" in page.text
    assert 303 == answer.status_code
    assert ("high", "mina", "T1", case_id) == (kept["band"], kept["by"], kept["tier"], kept["case"])
    assert "قصد".encode() not in row["sealed_result"]
    assert row["version"] == next(form.version for form in FORMS.all() if form.id == "cssrs")
    assert ["cssrs"] == [one["reason"] for one in room.rows(schema.audit, action="assessed", actor="mina")]
    (event,) = room.rows(schema.case_events, kind="assessed")
    assert {"instrument", "version"} == set(json.loads(event["data"]))


async def test_the_next_colleague_sees_it_and_may_raise_the_tier_which_nothing_does_by_itself(held, visit):
    room, mina, case_id, token = held
    room.core.store.write_now(lambda tx: tx.execute(schema.cases.update().values(tier="T2")) and None)
    await mina.post(
        f"/cases/{case_id}/forms/cssrs", {"token": str(token), **cssrs("yes", "yes", "no", "yes", "no", "no")}
    )
    assert "T2" == room.case(case_id)["tier"]

    await mina.post(f"/cases/{case_id}/release", {"token": str(token)})
    token = room.claim(room.staff("leila", name="لیلا"), case_id).token
    leila = await visit("leila")
    page = (await leila.get(f"/cases/{case_id}")).text
    assert "غربال کلمبیا" in page
    assert "مینا" in page
    assert "قصد داشته‌اید" in page
    assert "بالا بردن سطح به «فوری»" in page
    assert "۴۳" not in page  # our weights are no score of Columbia's

    await leila.post(f"/cases/{case_id}/raise", {"token": str(token), "tier": "T1"})
    assert "T1" == room.case(case_id)["tier"]
    assert "بالا بردن سطح به" not in (await leila.get(f"/cases/{case_id}")).text
    assert 422 == (await leila.post(f"/cases/{case_id}/raise", {"token": str(token), "tier": "T3"})).status_code
    assert "T1" == room.case(case_id)["tier"]


async def test_a_low_result_offers_nothing(held):
    room, mina, case_id, token = held
    before = room.case(case_id)["tier"]
    await mina.post(f"/cases/{case_id}/forms/cssrs", {"token": str(token), **cssrs("no", "no", "", "", "", "no")})

    assert "بالا بردن سطح به" not in (await mina.get(f"/cases/{case_id}")).text
    assert before == room.case(case_id)["tier"]


async def test_an_incomplete_form_comes_back_with_its_answers_and_nothing_is_kept(held):
    room, mina, case_id, token = held
    answer = await mina.post(f"/cases/{case_id}/forms/cssrs", {"token": str(token), "wish": "yes"})

    assert 422 == answer.status_code
    assert 'name="wish" value="yes" checked' in answer.text
    assert "این پرسش پاسخ می‌خواهد" in answer.text
    assert [] == room.rows(schema.assessments, name="cssrs")


async def test_who_does_not_hold_the_case_fills_in_nothing(held, visit):
    room, _, case_id, token = held
    room.staff("leila")
    leila = await visit("leila")
    answers = {"token": str(token), **cssrs("no", "no", "", "", "", "no")}

    assert 409 == (await leila.get(f"/cases/{case_id}/forms/cssrs")).status_code
    assert 409 == (await leila.post(f"/cases/{case_id}/forms/cssrs", answers)).status_code
    assert [] == room.rows(schema.assessments, name="cssrs")


async def test_a_form_that_there_is_none_of_is_not_found(held):
    _, mina, case_id, _ = held

    assert 404 == (await mina.get(f"/cases/{case_id}/forms/secret")).status_code


async def test_she_who_writes_is_told_nothing_of_it(held):
    room, mina, case_id, token = held
    said = len(room.rows(schema.outbox))
    await mina.post(
        f"/cases/{case_id}/forms/cssrs", {"token": str(token), **cssrs("yes", "yes", "no", "yes", "no", "no")}
    )
    room.say("هنوز هستم")

    assert said == len(room.rows(schema.outbox))
