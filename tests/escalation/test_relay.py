"""A counsellor's words and marks: sealed, sent once, and only where it is safe to write."""

import pytest

from bot.store import schema
from bot.store.vault import seal, unseal
from escalation import acts, relay
from escalation.case import (
    BadInputError,
)
from escalation.relay import DisclosingError, ErasedError, UnreachableError, UnsafeToWriteError


def say(house, actor, case_id, token, *, text="من اینجا هستم", command_id="command-1"):
    return house.do(relay.write_message, actor=actor, case_id=case_id, token=token, text=text, command_id=command_id)


def test_a_counsellors_words_are_sealed_sent_once_and_urgent(house, mina, case_id):
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    first = say(house, mina, case_id, token)

    assert say(house, mina, case_id, token) == first
    outbox = house.rows(schema.outbox)
    assert [(row["kind"], row["urgent"], row["address_id"]) for row in outbox] == [("live", 1, "p.a")]
    body = unseal(house.key("p"), "messages.body", outbox[0]["sealed_body"])
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


def test_words_that_come_unasked_and_tell_on_a_lock_screen_are_refused(house, mina, case_id):
    house.advance(16 * 60)
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    house.do(relay.mark_safe_contact, actor=mina, case_id=case_id, token=token, safe={"way": "پیام", "who": "خودش"})

    with pytest.raises(DisclosingError):
        say(house, mina, case_id, token, text="سلام، مددکارتان هستم.")
    assert [] == house.rows(schema.outbox)
    say(house, mina, case_id, token, text="سلام. هر وقت خواستید، بنویسید.")
    assert ["proactive"] == [row["kind"] for row in house.rows(schema.outbox)]
    house.writes("p", "هستم")
    say(house, mina, case_id, token, text="سلام، مددکارتان هستم.", command_id="command-2")  # now it answers her


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

    assert [(row["kind"], row["urgent"]) for row in house.rows(schema.outbox)] == [("live", 1)]


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
    told = {"way": "تلفن", "hours": "صبح‌ها", "channel": "telegram"}
    assert unseal(house.key("q"), "contacts.safe_contact", sealed) == told


def test_a_referral_by_staff_is_a_row(house, mina, case_id):
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    refer = {"actor": mina, "case_id": case_id, "token": token}
    with pytest.raises(BadInputError):
        house.do(relay.refer_case, **refer, to_type="https://x", near="")
    house.do(relay.refer_case, **refer, to_type="mobile_team", near="IR-23")

    row = house.rows(schema.referrals)[0]
    assert (row["contact_id"], row["to_type"], row["near"], row["state"]) == ("p", "mobile_team", "IR-23", "made")


def test_a_locked_conversation_is_not_written_into(house, mina, case_id):
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    house.writes("p", "خاله پری")
    house.store.write_now(lambda tx: tx.raw.execute("UPDATE sessions SET status = 'locked'"))

    with pytest.raises(UnsafeToWriteError):
        say(house, mina, case_id, token)
    assert house.rows(schema.outbox) == []


def test_the_words_she_chose_outlive_a_counsellors_form(house, mina, case_id):
    token = house.do(acts.claim_case, actor=mina, case_id=case_id).token
    key = house.key("p")
    sealed = seal(key, "contacts.safe_contact", {"way": "تلفن", "word": "گل یاس", "duress": "خاله پری"})
    house.change(schema.contacts, "p", sealed_safe_contact=sealed)
    house.do(relay.mark_safe_contact, actor=mina, case_id=case_id, token=token, safe={"way": "پیامک"})

    kept = unseal(key, "contacts.safe_contact", house.rows(schema.contacts)[0]["sealed_safe_contact"])
    assert kept == {"way": "پیامک", "word": "گل یاس", "duress": "خاله پری", "channel": "telegram"}
