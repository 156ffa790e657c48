"""The whole way: her cry, the claim that silences the bot, the live words, the hand-back after which it speaks."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.core.messages import InboundMsg, Press, PressInput, TextInput
from bot.store import schema
from bot.store.vault import contact_key, unseal
from escalation import acts, reading, relay, sweeper
from escalation.office import Office
from escalation.page import read_case
from escalation.policy import Actor

MINA = Actor(staff_id="mina", name="مینا", roles=frozenset({"counsellor"}))
_numbers = itertools.count(1)


@pytest.fixture
def office(core):
    return Office(keyring=core.keyring, bus=core.bus, new_id=core.ids)


def now_ms(core):
    return int(core.clock.now().timestamp() * 1000)


def do(core, office, act, **arguments):
    answer = core.store.write_now(lambda tx: act(tx, office, now_ms=now_ms(core), **arguments))
    while core.waiting.run_due():
        pass
    return answer


def say(core, text):
    message = InboundMsg(
        channel="telegram",
        external_id="77",
        provider_id=f"m{next(_numbers)}",
        input=TextInput(text),
        received_at=core.clock.now(),
    )
    return core.inbox.put(message).done.result()


def queue(core):
    return core.store.read_now(lambda connection: reading.queue(connection, actor=MINA, now_ms=now_ms(core)))


def test_her_cry_is_taken_answered_and_handed_back(core, office):
    say(core, "شوهرم داره منو می‌زنه")
    [row] = queue(core)
    claim = do(core, office, acts.claim_case, actor=MINA, case_id=row.id)
    silent = say(core, "کسی هست؟")
    do(
        core,
        office,
        relay.write_message,
        actor=MINA,
        case_id=row.id,
        token=claim.token,
        text="من هستم",
        command_id="command-1",
    )
    page = do(core, office, read_case, actor=MINA, case_id=row.id)

    assert row.tier == "T1"
    assert silent.replies == ()
    assert [one.text for one in page.messages if one.author == "staff"] == ["من هستم"]
    assert page.messages[-2].text == "کسی هست؟"
    assert page.why

    do(core, office, acts.hand_back, actor=MINA, case_id=row.id, token=claim.token)
    assert say(core, "ممنون").replies


def test_a_case_handed_back_wakes_when_she_writes_again_though_no_script_goes_on(core, office):
    late = InboundMsg(
        channel="telegram",
        external_id="77",
        provider_id="late",
        input=TextInput("دیروز منو زد، کمک می‌خواهم"),
        received_at=core.clock.now(),
        sent_at=core.clock.now() - timedelta(hours=1),
    )
    core.inbox.put(late).done.result()
    [row] = queue(core)
    claim = do(core, office, acts.claim_case, actor=MINA, case_id=row.id)
    say(core, "بله")
    words = {"text": "من هستم", "command_id": "command-1"}
    do(core, office, relay.write_message, actor=MINA, case_id=row.id, token=claim.token, **words)
    do(core, office, acts.hand_back, actor=MINA, case_id=row.id, token=claim.token)
    assert [one.state for one in queue(core)] == ["waiting"]

    core.clock.advance(240)
    say(core, "لطفا به همکارتان بگویید جواب بدهد")
    assert [(one.id, one.state) for one in queue(core)] == [(row.id, "queued")]


ENDED = "این گفت‌وگو تمام شد."
BACK = "این گفت‌وگو هنوز تمام نشده و ادامه دارد."


def said(core):
    """Give what the bot said so far, each up to its first full stop."""
    rows = core.store.read_now(
        lambda db: db.execute(select(schema.messages).order_by(schema.messages.c.id)).mappings().all()
    )
    key = core.store.read_now(lambda db: contact_key(db, core.keyring, rows[0]["contact_id"]))
    texts = [unseal(key, "messages.body", row["sealed_body"])["text"] for row in rows if row["author"] == "bot"]
    return [text.partition(".")[0] + "." for text in texts]


def close_and_undo(core, office, *, between=lambda: None):
    """Take her case, close it and take the close back; give its id."""
    [row] = queue(core)
    claim = do(core, office, acts.claim_case, actor=MINA, case_id=row.id)
    end = {"outcome": "counselled", "reason": "تمام"}
    do(core, office, acts.close_case, actor=MINA, case_id=row.id, token=claim.token, **end)
    between()
    do(core, office, acts.undo_close, actor=MINA, case_id=row.id)
    return row.id


def test_who_read_that_the_talk_is_over_reads_that_the_counsellor_is_back(core, office):
    say(core, "شوهرم داره منو می‌زنه")
    close_and_undo(core, office)

    assert [ENDED, BACK] == said(core)[-2:]
    assert [("claimed", True)] == [(one.state, one.mine) for one in queue(core)]
    assert say(core, "هنوز هستید؟").replies == ()


def test_who_will_never_read_that_the_talk_is_over_reads_nothing_of_it(core, office):
    def lost():
        core.store.write_now(lambda tx: tx.execute(update(schema.outbox).values(state="expired")) and None)

    say(core, "شوهرم داره منو می‌زنه")
    close_and_undo(core, office, between=lost)

    assert ENDED == said(core)[-1]
    assert say(core, "هنوز هستید؟").replies == ()


def test_a_close_of_which_she_was_told_nothing_is_taken_back_in_silence(core, office):
    say(core, "دیروز شوهرم منو زد")
    [row] = queue(core)
    core.store.write_now(lambda tx: tx.execute(update(schema.cases).values(tier="T3")) and None)
    before = said(core)
    do(core, office, acts.close_case, actor=MINA, case_id=row.id, token=None, outcome="guided", reason="تمام")
    do(core, office, acts.undo_close, actor=MINA, case_id=row.id)

    assert before == said(core)
    assert say(core, "هنوز هستید؟").replies == ()


def test_who_left_in_a_hurry_meanwhile_reads_nothing(core, office):
    say(core, "شوهرم داره منو می‌زنه")
    close_and_undo(core, office, between=lambda: say(core, "خروج"))

    assert BACK not in said(core)


@pytest.mark.parametrize(("answer", "asked"), [("بله، پاک شود", True), ("نه، بماند", False)])
def test_her_erasure_is_heard_after_a_close_was_taken_back_too(core, office, answer, asked):
    say(core, "شوهرم داره منو می‌زنه")
    case_id = close_and_undo(core, office)
    say(core, "پاکم کن")
    say(core, answer)

    page = do(core, office, read_case, actor=MINA, case_id=case_id)
    assert asked == page.asked_to_be_erased


def test_the_counsellor_sees_that_she_asked_to_be_erased(core, office):
    say(core, "شوهرم داره منو می‌زنه")
    [row] = queue(core)
    do(core, office, acts.claim_case, actor=MINA, case_id=row.id)
    before = do(core, office, read_case, actor=MINA, case_id=row.id)
    assert not before.asked_to_be_erased

    say(core, "پاکم کن")
    say(core, "بله، پاک شود")
    page = do(core, office, read_case, actor=MINA, case_id=row.id)
    assert page.asked_to_be_erased
    assert page.messages[-2].text == "بله، پاک شود"


def test_a_button_pressed_while_a_counsellor_talks_is_kept_as_she_read_it(core, office):
    asked = say(core, "شوهرم داره منو می‌زنه").replies[-1]
    [row] = queue(core)
    do(core, office, acts.claim_case, actor=MINA, case_id=row.id)
    press = InboundMsg(
        channel="telegram",
        external_id="77",
        provider_id="press",
        input=PressInput(Press.decode(asked.buttons[1].data)),
        received_at=core.clock.now(),
    )
    core.inbox.put(press).done.result()

    page = do(core, office, read_case, actor=MINA, case_id=row.id)
    assert page.messages[-1].text == asked.buttons[1].label


def test_danger_words_wake_a_resting_case_and_reach_a_held_one(core, office):
    say(core, "شوهرم دیروز کتکم زد")
    [row] = queue(core)
    claim = do(core, office, acts.claim_case, actor=MINA, case_id=row.id)
    say(core, "می‌خوام خودمو بکشم")
    assert [(one.tier, one.state, one.mine) for one in queue(core)] == [("T1", "claimed", True)]
    do(core, office, acts.hand_back, actor=MINA, case_id=row.id, token=claim.token)
    say(core, "الان داره منو خفه می‌کنه کمک")

    assert [(one.tier, one.state) for one in queue(core)] == [("T1", "queued")]


def test_a_vanished_counsellor_leaves_nobody_before_a_silent_bot(core, office):
    say(core, "شوهرم داره منو می‌زنه")
    [row] = queue(core)
    do(core, office, acts.claim_case, actor=MINA, case_id=row.id)
    core.clock.advance(46)
    do(core, office, lambda tx, office, *, now_ms: sweeper.sweep(tx, office, now_ms=now_ms))

    assert [(one.state, one.queued_at) for one in queue(core)] == [("queued", row.queued_at)]
    assert say(core, "کسی هست؟").replies
