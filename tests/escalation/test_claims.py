"""Claims on real rows: one winner, guarded writes, the flow is told, history and audit are kept."""

import threading

import pytest

from bot.bus import InProcessBus
from bot.core.ids import system_ids
from bot.store import schema
from escalation import acts, relay, repo
from escalation import case as machine
from escalation.case import (
    CaseTakenError,
    StaleTokenError,
    TooLateError,
)
from escalation.office import Office


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


def test_undoing_a_claim_gives_the_old_place_back(house, mina, case_id):
    queued_at = house.case(case_id)["queued_at"]
    house.advance(5)
    claim = house.do(acts.claim_case, actor=mina, case_id=case_id)
    house.advance(20)
    house.do(acts.undo_claim, actor=mina, case_id=case_id, token=claim.token)

    assert (house.case(case_id)["state"], house.case(case_id)["queued_at"]) == ("queued", queued_at)
    assert house.told("p") == ["held", "put_back"]


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


def test_a_save_of_what_someone_changed_meanwhile_changes_nothing(house, mina, case_id):
    before = house.store.read_now(
        lambda connection: repo.find_case(connection, actor=mina, case_id=case_id, now_ms=house.now)
    )
    house.do(acts.claim_case, actor=mina, case_id=case_id)
    mine = machine.claim(before, staff_id="sara", now_ms=house.now)

    with pytest.raises(StaleTokenError):
        house.store.write_now(lambda tx: repo.save(tx, before, mine, now_ms=house.now))
    assert house.case(case_id)["holder"] == "mina"


def test_an_act_that_saw_a_calmer_tier_does_not_lower_what_a_turn_raised_meanwhile(house, mina, case_id):
    before = house.store.read_now(
        lambda connection: repo.find_case(connection, actor=mina, case_id=case_id, now_ms=house.now)
    )
    claimed = machine.claim(before, staff_id="mina", now_ms=house.now)
    raised = "T2" if before.tier == "T1" else "T1"
    house.store.write_now(lambda tx: tx.raw.execute("UPDATE cases SET tier = ? WHERE id = ?", (raised, case_id)))

    with pytest.raises(StaleTokenError):
        house.store.write_now(lambda tx: repo.save(tx, before, claimed, now_ms=house.now))
    assert house.case(case_id)["tier"] == raised
