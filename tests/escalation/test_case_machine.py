"""The pure machine, branch by branch."""

import pytest

from escalation import case as machine
from escalation.case import (
    LEASE_MS,
    UNDO_MS,
    BadInputError,
    Case,
    CaseClosedError,
    CaseTakenError,
    NotLowerError,
    NotSeenError,
    StaleTokenError,
    TooLateError,
)

T = 1_000_000


def fresh(**changes):
    row = {"id": "c", "code": "12345", "contact_id": "p", "session_id": "s", "tier": "T1", "desk": "EOC"}
    return Case(**{**row, "opened_at": T, "queued_at": T, **changes})


def held(**changes):
    return machine.claim(fresh(**changes), staff_id="mina", now_ms=T + 10)


def test_a_claim_gives_the_next_token_and_a_lease():
    case = held()

    assert (case.state, case.holder, case.token) == ("claimed", "mina", 1)
    assert (case.lease_until, case.first_claimed_at) == (T + 10 + LEASE_MS, T + 10)


def test_a_second_person_cannot_claim_while_the_lease_runs():
    with pytest.raises(CaseTakenError):
        machine.claim(held(), staff_id="sara", now_ms=T + LEASE_MS)


def test_the_holder_claiming_again_keeps_her_token():
    again = machine.claim(held(), staff_id="mina", now_ms=T + 1000)

    assert (again.token, again.lease_until) == (1, T + 1000 + LEASE_MS)


def test_an_expired_case_is_claimed_under_a_new_token():
    after = machine.claim(held(), staff_id="sara", now_ms=T + 10 + LEASE_MS)

    assert (after.holder, after.token, after.first_claimed_at) == ("sara", 2, T + 10)


def test_a_closed_case_is_refused_everything():
    closed = machine.close(held(), staff_id="mina", token=1, outcome="counselled", now_ms=T)

    with pytest.raises(CaseClosedError):
        machine.claim(closed, staff_id="mina", now_ms=T)
    with pytest.raises(CaseClosedError):
        machine.guard(closed, staff_id="mina", token=1)
    with pytest.raises(CaseClosedError):
        machine.close(closed, staff_id="mina", token=1, outcome="counselled", now_ms=T)
    with pytest.raises(CaseClosedError):
        machine.transfer(closed, desk="IR-23", staff_id="mina", token=None)


@pytest.mark.parametrize(("staff", "token"), [("sara", 1), ("mina", 0), ("mina", 2)])
def test_only_the_present_claim_passes_the_guard(staff, token):
    with pytest.raises(StaleTokenError):
        machine.guard(held(), staff_id=staff, token=token)


def test_a_queued_case_is_nobodys():
    with pytest.raises(StaleTokenError):
        machine.guard(fresh(), staff_id="mina", token=0)


def test_renewing_never_shortens_a_lease_when_the_clock_is_set_back():
    case = machine.renew(held(), staff_id="mina", token=1, now_ms=T - 3_600_000)

    assert case.lease_until == T + 10 + LEASE_MS


def test_a_release_within_two_minutes_keeps_the_place():
    case = machine.release(held(), staff_id="mina", token=1, claimed_at=T + 10, now_ms=T + 10 + UNDO_MS)

    assert (case.state, case.holder, case.queued_at, case.lease_until) == ("queued", None, T, None)


def test_a_later_release_waits_from_now():
    now = T + 11 + UNDO_MS
    case = machine.release(held(), staff_id="mina", token=1, claimed_at=T + 10, now_ms=now)

    assert case.queued_at == now


def test_a_lost_lease_returns_the_case_to_its_old_place():
    case = held()

    assert machine.lose_lease(case, now_ms=T + 10 + LEASE_MS - 1) == case
    assert machine.lose_lease(fresh(), now_ms=T) == fresh()
    lost = machine.lose_lease(case, now_ms=T + 10 + LEASE_MS)
    assert (lost.state, lost.holder, lost.queued_at, lost.token) == ("queued", None, T, 1)


def test_a_forced_release_touches_only_held_cases():
    assert machine.force_release(fresh()) == fresh()
    assert machine.force_release(held()).state == "queued"


@pytest.mark.parametrize("tier", ["T1", "T2", "T3", "T4"])
def test_a_rest_is_as_long_as_the_tier_allows(tier):
    case = machine.rest(held(tier=tier), staff_id="mina", token=1, until_ms=None, now_ms=T)

    assert (case.state, case.holder, case.next_action_at) == ("waiting", None, T + machine.REST_MS[tier])
    for until in (T, T + machine.REST_MAX_MS[tier] + 1):
        with pytest.raises(BadInputError):
            machine.rest(held(tier=tier), staff_id="mina", token=1, until_ms=until, now_ms=T)


def test_a_rest_ends_in_the_queue():
    resting = machine.rest(held(), staff_id="mina", token=1, until_ms=T + 5000, now_ms=T)

    assert machine.wake(resting, now_ms=T + 4999) == resting
    assert machine.wake(fresh(), now_ms=T) == fresh()
    awake = machine.wake(resting, now_ms=T + 5000)
    assert (awake.state, awake.queued_at, awake.next_action_at) == ("queued", T + 5000, None)


@pytest.mark.parametrize("tier", ["T1", "T2"])
def test_an_urgent_case_is_never_closed_unseen(tier):
    with pytest.raises(NotSeenError):
        machine.close(fresh(tier=tier), staff_id="mina", token=None, outcome="duplicate", now_ms=T)


def test_a_calm_case_may_be_closed_without_a_claim():
    case = machine.close(fresh(tier="T3"), staff_id="mina", token=None, outcome="duplicate", now_ms=T)

    assert (case.state, case.outcome, case.closed_at) == ("closed", "duplicate", T)


def test_a_held_case_is_closed_only_by_its_holder():
    with pytest.raises(StaleTokenError):
        machine.close(held(tier="T3"), staff_id="sara", token=None, outcome="duplicate", now_ms=T)
    with pytest.raises(StaleTokenError):
        machine.close(fresh(tier="T3"), staff_id="mina", token=1, outcome="duplicate", now_ms=T)


def test_an_unknown_outcome_closes_nothing():
    with pytest.raises(BadInputError):
        machine.close(held(), staff_id="mina", token=1, outcome="whatever", now_ms=T)


def test_a_close_is_undone_by_its_closer_within_two_minutes():
    closed = machine.close(held(), staff_id="mina", token=1, outcome="counselled", now_ms=T)

    again = machine.reopen(closed, staff_id="mina", closed_by="mina", now_ms=T + UNDO_MS)
    assert (again.state, again.holder, again.token, again.outcome) == ("claimed", "mina", 2, None)
    for staff, now in (("sara", T), ("mina", T + UNDO_MS + 1)):
        with pytest.raises(TooLateError):
            machine.reopen(closed, staff_id=staff, closed_by="mina", now_ms=now)
    with pytest.raises(TooLateError):
        machine.reopen(held(), staff_id="mina", closed_by="mina", now_ms=T)


def test_a_transfer_keeps_the_place_and_frees_the_case():
    case = machine.transfer(held(), desk="IR-23", staff_id="mina", token=1)

    assert (case.desk, case.state, case.queued_at) == ("IR-23", "queued", T)
    assert machine.transfer(fresh(), desk="IR-23", staff_id="boss", token=None).desk == "IR-23"
    with pytest.raises(BadInputError):
        machine.transfer(fresh(), desk="EOC", staff_id="boss", token=None)
    with pytest.raises(StaleTokenError):
        machine.transfer(held(), desk="IR-23", staff_id="sara", token=None)


def test_only_the_holder_lowers_and_only_downwards():
    assert machine.lower(held(), tier="T3", staff_id="mina", token=1).tier == "T3"
    for tier in ("T1", "T2"):
        with pytest.raises(NotLowerError):
            machine.lower(held(tier="T2"), tier=tier, staff_id="mina", token=1)
    with pytest.raises(StaleTokenError):
        machine.lower(fresh(), tier="T3", staff_id="mina", token=0)


def test_every_outcome_has_a_persian_label():
    assert all(label and not label.isascii() for label in machine.OUTCOMES.values())
