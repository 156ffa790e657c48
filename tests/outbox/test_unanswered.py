"""Whoever did not get her answer and has no case is given to a person (I3): once, durably, and never who was erased."""

import pytest
from outbox.test_leaving import live, write
from stores import refuse_inserts

from bot.core.messages import HeldInput, InboundMsg
from bot.engine.session import session_from_json, session_to_json
from bot.handlers.receipts import apply_receipt
from bot.outbox_gate import ANSWER_MS
from bot.outbox_record import settle_restored
from bot.proof.invariants import check
from bot.store.vault import contact_key, seal, unseal

_WAITED_S = ANSWER_MS / 1000 + 60


def cases(post):
    return post.rows("SELECT tier, cause, state, do_not_contact FROM cases ORDER BY opened_at")


def why(post):
    ((contact_id, sealed),) = post.rows("SELECT contact_id, sealed_summary FROM cases")
    return unseal(_key(post, contact_id), "cases.summary", sealed)["why"]


def session(post, known):
    found = "SELECT sealed_state FROM sessions WHERE contact_id = ? AND ended_at IS NULL ORDER BY started_at DESC"
    return session_from_json(
        unseal(_key(post, known.contact_id), "sessions.state", post.rows(found, known.contact_id)[0][0])
    )


def _key(post, contact_id):
    return post.core.store.read_now(lambda db: contact_key(db, post.core.keyring, contact_id))


def turn_of_the_unsaid(post):
    post.core.waiting.run_due()
    assert [] == check_promises(post)


def check_promises(post):
    return post.core.store.read_now(lambda db: [str(one) for one in check(db, post.now_ms, only="safety")])


def refused(post, why_sql, *values):
    post.core.store.write_now(lambda tx: tx.raw.execute(why_sql, values))


def test_an_answer_that_an_outage_made_too_late_gives_her_to_a_person(post, clock):
    write(post, "سلام")
    clock.advance(_WAITED_S)
    post.run(for_s=5)
    assert [] == post.provider.said
    assert [] == check_promises(post)

    turn_of_the_unsaid(post)

    assert [("T3", "late", "queued", 0)] == cases(post)
    assert ["پاسخ ما به دستش نرسید"] == why(post)
    assert [("desk", "unsaid", "done")] == post.rows("SELECT channel, kind, state FROM inbox WHERE kind = 'unsaid'")


def test_an_answer_that_expired_and_one_that_was_refused_for_good_do_so_too(post, clock):
    write(post, "سلام", who="1")
    clock.advance(7 * 3600)
    write(post, "سلام", who="2")
    post.provider.planned["2"].extend(["403"] * 5)
    post.run(for_s=30)
    turn_of_the_unsaid(post)
    post.run(for_s=30)

    assert [("T3", "late", "queued", 0)] * 2 == cases(post)
    unreachable = post.rows("SELECT k.unreachable_at IS NOT NULL FROM cases k ORDER BY k.opened_at, k.id")
    assert [(0,), (1,)] == sorted(unreachable)


def test_what_is_unknown_after_a_restore_and_what_a_receipt_calls_undelivered_do_so_too(post):
    write(post, "سلام", who="1")
    refused(post, "UPDATE outbox SET state = 'sending', lease_until = 1")
    post.core.store.write_now(lambda tx: settle_restored(tx, post.now_ms))
    write(post, "سلام", who="2", channel="sms")
    (key,) = post.rows("SELECT key FROM outbox WHERE channel = 'sms' LIMIT 1")[0]
    refused(post, "UPDATE outbox SET state = 'sent', sent_at = 1, attempts = 1, provider_message_id = 'SM1'"
                  " WHERE channel = 'sms'")  # fmt: skip
    post.core.store.write_now(
        lambda tx: apply_receipt(tx, key=key, provider_message_id="SM1", status="undelivered", now_ms=post.now_ms)
    )

    turn_of_the_unsaid(post)

    assert [("T3", "late", "queued", 0)] * 2 == cases(post)


def test_however_many_answers_are_unsaid_it_is_one_act_and_one_case(post, clock):
    for text in ("سلام", "خوبید؟", "هستید؟"):
        write(post, text)
    assert 3 <= post.open_rows()
    clock.advance(_WAITED_S)
    post.run(for_s=10)
    turn_of_the_unsaid(post)
    write(post, "هنوز هستم")
    clock.advance(_WAITED_S)
    post.run(for_s=10)
    turn_of_the_unsaid(post)

    assert [(1,)] == post.rows("SELECT count(*) FROM inbox WHERE kind = 'unsaid'")
    assert 1 == len(cases(post))


def test_a_kill_between_the_record_and_the_case_loses_and_doubles_nothing(post, clock):
    write(post, "سلام")
    clock.advance(_WAITED_S)
    post.run(for_s=5)
    waits = ("SELECT kind, state FROM inbox WHERE kind = 'unsaid'",)
    assert [("unsaid", "waiting")] == post.rows(*waits)  # in the same commit as «expired»: now the process is killed

    post.core.directory.forget({row[0] for row in post.rows("SELECT id FROM contacts")})
    turn_of_the_unsaid(post)
    turn_of_the_unsaid(post)

    assert 1 == len(cases(post))


def test_nothing_is_recorded_as_unsaid_without_the_act(post, clock):
    write(post, "سلام")
    clock.advance(7 * 3600)
    post.core.store.write_now(lambda tx: refuse_inserts(tx, "inbox"))
    post.run(for_s=3)

    assert {"queued"} == set(post.states())


def test_an_open_case_of_any_tier_is_enough(post, clock):
    write(post, "شوهرم داره منو می‌زنه")
    clock.advance(_WAITED_S)
    post.run(for_s=10)
    turn_of_the_unsaid(post)

    assert [(0,)] == post.rows("SELECT count(*) FROM inbox WHERE kind = 'unsaid'")
    assert ["T1"] == [case[0] for case in cases(post)]


@pytest.mark.parametrize(
    ("text", "rows"), [("0", 0), ("تمام", None)], ids=["the farewell of a quick exit", "an ended talk"]
)
def test_who_left_is_owed_nothing_more(post, clock, text, rows):
    write(post, "سلام")
    post.run(for_s=3)
    write(post, text)
    post.provider.planned["777"].extend(["403"] * 4)
    post.run(for_s=30)
    turn_of_the_unsaid(post)

    if rows is not None:
        assert rows == len(cases(post))
        assert [(0,)] == post.rows("SELECT count(*) FROM inbox WHERE kind = 'unsaid'")
    else:
        assert 1 == len(cases(post))


@pytest.mark.parametrize("column", ["erase_due_at", "erased_at", "left_at"])
def test_who_asked_to_be_erased_or_left_is_given_to_nobody(post, clock, column):
    write(post, "سلام")
    clock.advance(7 * 3600)
    refused(post, f"UPDATE contacts SET {column} = 1")
    post.run(for_s=10)
    post.core.waiting.run_due()

    assert ["expired"] == list(dict.fromkeys(post.states()))
    assert [] == cases(post)


def test_who_wants_to_hear_nothing_more_gets_a_case_that_says_so(post, clock):
    write(post, "سلام")
    post.run(for_s=3)
    write(post, "لغو")
    clock.advance(_WAITED_S)
    post.run(for_s=10)
    turn_of_the_unsaid(post)

    assert [("T3", "late", "queued", 1)] == cases(post)


def test_what_came_by_itself_and_the_farewell_of_a_closed_case_open_nothing(post, clock):
    known = write(post, "سلام")
    post.run(for_s=5)
    act = InboundMsg(channel="desk", external_id="", provider_id="h", input=HeldInput(), received_at=post.clock.now())
    post.core.inbox.put(act, contact_id=known.contact_id).done.result(5)
    refused(post, "UPDATE outbox SET state = 'queued', kind = 'proactive', due_at = 0, expires_at = 1")
    post.run(for_s=10)

    assert [(0,)] == post.rows("SELECT count(*) FROM inbox WHERE kind = 'unsaid'")


def test_a_counsellors_words_that_nobody_could_hand_over_open_a_case_again(post, clock):
    known = write(post, "سلام")
    post.run(for_s=5)
    live(post, known)
    clock.advance(_WAITED_S)
    post.run(for_s=10)
    turn_of_the_unsaid(post)

    assert [("T3", "late", "queued", 0)] == cases(post)


def test_the_talk_goes_on_where_it_stood_and_knows_its_case(post, clock):
    known = write(post, "سلام")
    before = session(post, known)
    clock.advance(_WAITED_S)
    post.run(for_s=10)
    turn_of_the_unsaid(post)
    after = session(post, known)

    assert after.case
    assert (before.status, before.stack, before.turns) == (after.status, after.stack, after.turns)
    assert "T3" == after.told_tier


def test_a_graver_session_gives_the_case_its_tier(post, clock):
    known = write(post, "سلام")
    sealed = session(post, known)
    sealed.risk = "T2"
    post.core.directory.forget({known.contact_id})
    row = seal(_key(post, known.contact_id), "sessions.state", session_to_json(sealed))
    refused(post, "UPDATE sessions SET sealed_state = ?", row)
    clock.advance(_WAITED_S)
    post.run(for_s=10)
    turn_of_the_unsaid(post)

    assert [("T2", "late", "queued", 0)] == cases(post)
