"""The whole way: her cry, the claim that silences the bot, the live words, the hand-back after which it speaks."""

import itertools
from datetime import timedelta

import pytest

from bot.core.messages import InboundMsg, Press, PressInput, TextInput
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
