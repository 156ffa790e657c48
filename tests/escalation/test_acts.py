"""Acts on real rows: one winner, guarded writes, the flow is told, history and audit are kept."""

import asyncio
import json
import threading

import pytest

from bot.bus import InProcessBus
from bot.core.ids import system_ids
from bot.store import schema
from bot.store.vault import unseal
from escalation import acts, reading, relay, repo, shifts, sweeper
from escalation import case as machine
from escalation.case import (
    BadInputError,
    CaseClosedError,
    CaseTakenError,
    NoSuchCaseError,
    NotSeenError,
    StaleTokenError,
    TooLateError,
)
from escalation.office import Office
from escalation.policy import NotAllowedError
from escalation.relay import ErasedError, UnreachableError, UnsafeToWriteError


@pytest.fixture
def mina(house):
    return house.staff("mina")


@pytest.fixture
def case_id(house):
    return house.escalate(house.contact("p"), "T1", kinds=("suicide",), why=("چون نوشت",))


def test_a_claim_silences_the_bot_and_is_on_record(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)

    row = house.case(case_id)
    assert (row["state"], row["holder"], row["token"]) == ("claimed", "mina", claim.token)
    assert house.told("p") == ["held"]
    assert house.kinds_of(case_id) == ["opened", "claimed"]
    assert [(row["actor"], row["action"]) for row in house.rows(schema.audit)] == [("mina", "claimed")]


def test_of_many_who_claim_at_once_exactly_one_wins(house, case_id):
    people = [house.staff(f"s{number}") for number in range(8)]
    office = Office(keyring=house.keyring, bus=InProcessBus(), new_id=system_ids)
    won, lost = [], []

    def go(actor):
        try:
            won.append(
                house.store.write_now(
                    lambda tx: acts.claim_case(tx, office, actor=actor, case_id=case_id, now_ms=house.now)
                )
            )
        except CaseTakenError:
            lost.append(actor)

    threads = [threading.Thread(target=go, args=(actor,)) for actor in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(won), len(lost)) == (1, 7)
    assert house.told("p") == ["held"]


def test_a_claim_whose_answer_was_lost_can_be_repeated(house, mina, case_id):
    first = house.do(acts.claim_case, actor=mina, case_id=case_id)
    again = house.do(acts.claim_case, actor=mina, case_id=case_id)

    assert first.token == again.token
    assert house.told("p") == ["held"]


def test_an_old_token_writes_nothing(house, mina, case_id):
    old = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.advance(46)
    sara = house.staff("sara")
    new = house.do(acts.claim_case, actor=sara, case_id=case_id)

    assert new.token == old.token + 1
    assert house.kinds_of(case_id)[-2:] == ["lease_lost", "claimed"]
    guarded = {"actor": mina, "case_id": case_id, "token": old.token}
    for act, more in (
        (acts.renew_lease, {}),
        (acts.release_case, {}),
        (acts.hand_back, {}),
        (acts.close_case, {"outcome": "counselled", "reason": "تمام"}),
        (acts.transfer_case, {"desk": "IR-23"}),
        (acts.lower_tier, {"tier": "T3", "reason": "آرام شد"}),
        (relay.write_message, {"text": "سلام", "command_id": "command-1"}),
        (relay.refer_case, {"to_type": "mobile_team", "near": ""}),
        (relay.mark_safe_contact, {"safe": {"way": "phone"}}),
    ):
        with pytest.raises(StaleTokenError):
            house.do(act, **guarded, **more)
    assert house.rows(schema.outbox) == []
    assert house.case(case_id)["holder"] == "sara"


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
    assert house.told("p") == ["held", "handed_back"]
    assert house.kinds_of(case_id)[-1] == "lease_lost"


async def test_an_idle_sweeper_writes_nothing_and_a_due_one_does(house, mina, case_id):
    house.do(acts.claim_case, actor=mina, case_id=case_id)

    assert (await sweeper.sweep_once(house.store, house.office, house.clock)).lost == 0
    house.advance(46)
    assert (await sweeper.sweep_once(house.store, house.office, house.clock)).lost == 1


def test_undoing_a_claim_gives_the_old_place_back(house, mina, case_id):
    queued_at = house.case(case_id)["queued_at"]
    house.advance(5)
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.advance(20)
    house.do(acts.undo_claim, actor=mina, case_id=case_id, token=claim.token)

    assert (house.case(case_id)["state"], house.case(case_id)["queued_at"]) == ("queued", queued_at)
    assert house.told("p") == ["held", "handed_back"]


def test_a_claim_cannot_be_undone_after_two_minutes_or_by_another(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)

    with pytest.raises(TooLateError):
        house.do(acts.undo_claim, actor=house.staff("sara"), case_id=case_id, token=claim.token)
    house.advance(40)
    house.do(acts.renew_lease, actor=mina, case_id=case_id, token=claim.token)
    house.advance(81)
    with pytest.raises(TooLateError):
        house.do(acts.undo_claim, actor=mina, case_id=case_id, token=claim.token)
    assert house.do(acts.release_case, actor=mina, case_id=case_id, token=claim.token).queued_at == house.now


def test_a_handed_back_case_rests_and_returns(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
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
    house.do(acts.hand_back, actor=mina, case_id=case_id, token=claim.token)
    house.escalate("p", "T3")

    assert (house.case(case_id)["state"], house.case(case_id)["tier"]) == ("queued", "T1")


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
    assert house.told("p") == ["held", "closed", "held"]
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


async def test_the_sweeper_goes_on_until_it_is_told_to_stop(house, mina, case_id):
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.advance(46)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sweeper.keep_sweeping(house.store, house.office, house.clock), 0.3)

    assert house.case(case_id)["state"] == "queued"


def test_a_transfer_moves_the_case_and_frees_it(house, mina, case_id):
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.do(acts.transfer_case, actor=mina, case_id=case_id, token=claim.token, desk="IR-07")

    assert (house.case(case_id)["desk"], house.case(case_id)["state"]) == ("IR-07", "queued")
    assert house.told("p") == ["held", "handed_back"]


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


def say(house, actor, case_id, token, *, text="من اینجا هستم", command_id="command-1"):
    return house.do(relay.write_message, actor=actor, case_id=case_id, token=token, text=text, command_id=command_id)


def test_a_counsellors_words_are_sealed_sent_once_and_urgent(house, mina, case_id):
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    first = say(house, mina, case_id, token)

    assert say(house, mina, case_id, token) == first
    outbox = house.rows(schema.outbox)
    assert [(row["kind"], row["urgent"], row["address_id"]) for row in outbox] == [("live", 1, "p.a")]
    body = unseal(house.key("p"), "outbox.body", outbox[0]["sealed_body"])
    message = house.rows(schema.messages, author="staff")[0]
    assert (
        unseal(house.key("p"), "messages.body", message["sealed_body"])
        == body
        == {"text": "من اینجا هستم", "buttons": []}
    )
    assert (message["id"], message["staff_id"], message["outbox_key"]) == (first, "mina", outbox[0]["key"])
    assert house.kinds_of(case_id).count("wrote") == 1


@pytest.mark.parametrize(
    ("text", "command"), [("  ", "command-1"), ("x" * 4097, "command-1"), ("x", "short"), ("x", "a" * 65)]
)
def test_an_empty_or_endless_message_is_refused(house, mina, case_id, text, command):
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token

    with pytest.raises(BadInputError):
        say(house, mina, case_id, token, text=text, command_id=command)


def test_after_fifteen_minutes_only_a_safe_way_lets_a_message_out(house, mina, case_id):
    house.advance(16 * 60)
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    with pytest.raises(UnsafeToWriteError):
        say(house, mina, case_id, token)
    house.do(relay.mark_safe_contact, actor=mina, case_id=case_id, token=token, safe={"way": "پیام", "who": "خودش"})
    say(house, mina, case_id, token)

    assert [row["kind"] for row in house.rows(schema.outbox)] == ["proactive"]
    house.change(schema.contacts, "p", opted_out_at=house.now)
    with pytest.raises(UnsafeToWriteError):
        say(house, mina, case_id, token, command_id="command-2")


def test_nobody_is_written_to_after_leaving_in_a_hurry_until_she_writes_again(house, mina, case_id):
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    house.change(schema.contacts, "p", left_at=house.now)
    with pytest.raises(UnsafeToWriteError):
        say(house, mina, case_id, token)
    house.advance(5)
    house.writes("p", "برگشتم")
    say(house, mina, case_id, token)

    assert [row["kind"] for row in house.rows(schema.outbox)] == ["live"]


def test_a_late_answer_on_our_own_page_pops_up_nowhere_and_is_allowed(house, mina):
    case_id = house.escalate(house.contact("w", "web"), "T3")
    house.advance(3600)
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    say(house, mina, case_id, token)

    assert [(row["kind"], row["urgent"]) for row in house.rows(schema.outbox)] == [("live", 0)]


def test_a_dead_address_and_an_erased_contact_are_said_plainly(house, mina, case_id):
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    house.change(schema.addresses, "p.a", unreachable_at=house.now)
    with pytest.raises(UnreachableError):
        say(house, mina, case_id, token)
    house.change(schema.contacts, "p", wrapped_key=None)
    with pytest.raises(ErasedError):
        say(house, mina, case_id, token)
    with pytest.raises(ErasedError):
        house.do(relay.add_note, actor=mina, case_id=case_id, text="x")


def test_a_safe_contact_lifts_do_not_contact_and_takes_known_fields_only(house, mina):
    case_id = house.escalate(house.contact("q"), "T2", do_not_contact=True)
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    mark = {"actor": mina, "case_id": case_id, "token": token}
    for safe in ({}, {"way": ""}, {"way": "x", "shoe": "41"}):
        with pytest.raises(BadInputError):
            house.do(relay.mark_safe_contact, **mark, safe=safe)
    house.do(relay.mark_safe_contact, **mark, safe={"way": "تلفن", "hours": "صبح‌ها"})

    assert house.case(case_id)["do_not_contact"] == 0
    sealed = house.rows(schema.contacts, id="q")[0]["sealed_safe_contact"]
    assert unseal(house.key("q"), "contacts.safe_contact", sealed) == {"way": "تلفن", "hours": "صبح‌ها"}


def test_a_referral_by_staff_is_a_row(house, mina, case_id):
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    refer = {"actor": mina, "case_id": case_id, "token": token}
    with pytest.raises(BadInputError):
        house.do(relay.refer_case, **refer, to_type="https://x", near="")
    house.do(relay.refer_case, **refer, to_type="mobile_team", near="IR-23")

    row = house.rows(schema.referrals)[0]
    assert (row["contact_id"], row["to_type"], row["near"], row["state"]) == ("p", "mobile_team", "IR-23", "made")


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


def test_a_save_of_what_someone_changed_meanwhile_changes_nothing(house, mina, case_id):
    before = house.store.read_now(
        lambda connection: repo.find_case(connection, actor=mina, case_id=case_id, now_ms=house.now)
    )
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    mine = machine.claim(before, staff_id="sara", now_ms=house.now)

    with pytest.raises(StaleTokenError):
        house.store.write_now(lambda tx: repo.save(tx, before, mine, now_ms=house.now))
    assert house.case(case_id)["holder"] == "mina"
