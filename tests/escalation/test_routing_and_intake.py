"""Routing and intake: pure, total, and only ever upwards."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.events import EscalationRequested
from bot.core.provinces import PROVINCES
from bot.core.screening import KINDS, TIERS
from escalation.deadlines import NEAR_MS
from escalation.intake import OpenCase, take_in
from escalation.routing import NATIONAL, desk_name, desk_of, is_desk, near_desks, order, overflows, sees

T = 5_000_000


@pytest.mark.parametrize(
    ("province", "wanted", "desk"),
    [
        ("IR-23", "auto", "IR-23"),
        ("", "auto", NATIONAL),
        ("IR-99", "auto", NATIONAL),
        ("IR-23", "EOC", "EOC"),
        ("IR-23", "IR-07", "IR-07"),
        ("IR-23", "nowhere", "IR-23"),
    ],
)
def test_a_case_goes_to_its_provinces_desk_or_to_the_national_one(province, wanted, desk):
    assert desk_of(province=province, wanted=wanted) == desk


def test_desks_are_the_provinces_and_the_national_one():
    assert is_desk("EOC")
    assert is_desk("IR-00")
    assert not is_desk("auto")
    assert (desk_name("IR-23"), desk_name("EOC")) == ("تهران", "میز کشوری")


@pytest.mark.parametrize("tier", ["T1", "T2", "T3"])
def test_an_untaken_case_overflows_at_its_tiers_time(tier):
    late = {"queued_at": T, "now_ms": T + NEAR_MS[tier]}

    assert overflows(tier=tier, state="queued", **late)
    assert not overflows(tier=tier, state="queued", queued_at=T, now_ms=T + NEAR_MS[tier] - 1)
    assert not overflows(tier="T4", state="queued", **late)
    assert not overflows(tier=tier, state="claimed", **late)


def test_a_desk_sees_its_own_and_an_overflowing_neighbour():
    assert sees(province="", desk="IR-23", overflow=False)
    assert sees(province="IR-23", desk="IR-23", overflow=False)
    assert not sees(province="IR-23", desk="IR-30", overflow=False)
    assert sees(province="IR-23", desk="IR-30", overflow=True)
    assert not sees(province="IR-23", desk="IR-07", overflow=True)
    assert not sees(province="IR-23", desk=NATIONAL, overflow=True)
    assert near_desks("") == ()
    assert near_desks("IR-23")[0] == "IR-23"


keys = st.builds(
    lambda tier, child, at, name: {"tier": tier, "child": child, "queued_at": at, "case_id": name},
    st.sampled_from(TIERS),
    st.booleans(),
    st.integers(0, 9),
    st.text("ab", min_size=1, max_size=3),
)


@given(keys, keys, keys)
def test_the_queues_order_is_total(a, b, c):
    x, y, z = order(**a), order(**b), order(**c)

    assert (x < y) + (y < x) + (x == y) == 1
    assert not (x <= y <= z) or x <= z
    assert (x == y) == (a == b)


def test_the_queue_takes_tier_then_a_child_then_the_longest_wait():
    first = order(tier="T1", child=True, queued_at=9, case_id="z")
    second = order(tier="T1", child=False, queued_at=1, case_id="a")
    third = order(tier="T1", child=False, queued_at=2, case_id="a")
    last = order(tier="T2", child=True, queued_at=0, case_id="a")

    assert sorted([last, third, second, first]) == [first, second, third, last]


def take(event, before=None):
    return take_in(
        event, open_case=before, new_id="new", contact_id="p", session_id="s", channel="web", language="fa", now_ms=T
    )  # fmt: skip


def snapshot(**changes):
    row = {"id": "old", "code": "00001", "tier": "T2", "kinds": ("hunger",), "state": "queued", "child": False}
    flags = {"covert": False, "do_not_contact": False, "province": "", "desk": "EOC", "why": ("الف",), "note": "یک"}
    return OpenCase(**{**row, **flags, **changes})


def test_a_first_escalation_opens_a_queued_case():
    event = EscalationRequested(
        tier="T1", cause="words", kinds=("suicide", "suicide"), why=("چون",), province="IR-07", child=True
    )
    intake = take(event)

    assert (intake.opened, intake.changed, intake.woken) == (True, True, False)
    assert intake.case["state"] == "queued"
    assert (intake.case["desk"], intake.case["tier"], intake.case["child"], intake.case["token"]) == (
        "IR-07",
        "T1",
        1,
        0,
    )
    assert json.loads(intake.case["kinds"]) == ["suicide"]
    assert intake.summary == {"why": ["چون"], "note": ""}
    assert [(row["kind"], row["case_id"]) for row in intake.events] == [("opened", "new")]


def test_a_stronger_escalation_raises_the_open_case():
    intake = take(EscalationRequested(tier="T1", cause="words", kinds=("suicide",), why=("ب",), note="دو"), snapshot())

    assert (intake.opened, intake.case["id"], intake.case["tier"]) == (False, "old", "T1")
    assert json.loads(intake.case["kinds"]) == ["hunger", "suicide"]
    assert intake.summary == {"why": ["الف", "ب"], "note": "یک\nدو"}
    assert json.loads(intake.events[0]["data"])["before"] == "T2"
    assert intake.events[0]["kind"] == "raised"


def test_a_weaker_escalation_enriches_and_lowers_nothing():
    intake = take(EscalationRequested(tier="T3", cause="step", kinds=("legal",)), snapshot())

    assert (intake.case["tier"], intake.events[0]["kind"]) == ("T2", "enriched")


def test_nothing_new_writes_nothing():
    intake = take(EscalationRequested(tier="T2", cause="step", kinds=("hunger",), why=("الف",), note="یک"), snapshot())

    assert (intake.changed, intake.events) == (False, [])


def test_a_resting_case_is_woken_even_by_the_same_need():
    intake = take(EscalationRequested(tier="T2", cause="human", kinds=("hunger",)), snapshot(state="waiting"))

    assert (intake.changed, intake.woken, intake.events[0]["kind"]) == (True, True, "woken")


def test_the_desk_follows_the_province_unless_someone_holds_or_moved_the_case():
    here = EscalationRequested(tier="T2", cause="step", province="IR-07")

    assert take(here, snapshot()).case["desk"] == "IR-07"
    assert take(here, snapshot(state="claimed")).case["desk"] == "EOC"
    assert take(here, snapshot(province="IR-23", desk="IR-10")).case["desk"] == "IR-10"


tiers = st.sampled_from(TIERS)
kinds = st.lists(st.sampled_from(KINDS), max_size=4).map(tuple)
provinces = st.sampled_from(["", *PROVINCES])
events = st.builds(
    EscalationRequested,
    tier=tiers,
    cause=st.sampled_from(["step", "words", "media", "human", "unclear", "net", "failure"]),
    kinds=kinds,
    why=st.lists(st.sampled_from(["الف", "ب", "پ"]), max_size=3).map(tuple),
    province=provinces,
    child=st.booleans(),
    covert=st.booleans(),
    do_not_contact=st.booleans(),
    note=st.sampled_from(["", "یک", "دو"]),
)
cases = st.builds(
    lambda tier, found, state, flags, province: snapshot(
        tier=tier, kinds=tuple(dict.fromkeys(found)), state=state, child=flags[0], covert=flags[1],
        do_not_contact=flags[2], province=province, desk=desk_of(province=province),
    ),
    tiers, kinds, st.sampled_from(["queued", "claimed", "waiting"]), st.tuples(*[st.booleans()] * 3), provinces,
)  # fmt: skip


@given(events, cases)
def test_intake_only_ever_rises(event, before):
    intake = take(event, before)
    row = intake.case

    assert row["tier"] == min(before.tier, event.tier)
    assert set(json.loads(row["kinds"])) == {*before.kinds, *event.kinds}
    assert row["child"] >= before.child
    assert row["covert"] >= before.covert
    assert row["do_not_contact"] >= before.do_not_contact
    assert set(intake.summary["why"]) == {*before.why, *event.why}
    assert is_desk(row["desk"])
    assert not intake.opened
    assert before.state != "claimed" or row["desk"] == before.desk


@given(events, cases)
def test_the_same_escalation_twice_is_the_same_case(event, before):
    once = take(event, before)
    row = once.case
    after = snapshot(
        **{name: row[name] for name in ("tier", "province", "desk")}, kinds=tuple(json.loads(row["kinds"])),
        child=bool(row["child"]), covert=bool(row["covert"]), do_not_contact=bool(row["do_not_contact"]),
        state="queued" if once.woken else before.state, why=tuple(once.summary["why"]), note=once.summary["note"],
    )  # fmt: skip

    assert not take(event, after).changed
