"""Counsellors take a session and give it back; clocks run out."""

from bot.core.events import (
    MessageSent,
    SessionEnded,
    SessionHeld,
    SessionResumed,
    StayedSilent,
    TimerCleared,
    TimerSet,
)
from bot.core.messages import (
    ClosedInput,
    FollowUpInput,
    HandedBackInput,
    HeldInput,
    NotTakenInput,
    PutBackInput,
    SilenceInput,
)
from bot.core.screening import Screening

REMINDED = """
flow: reminded
title: ی
owner: ما
silence: {after: 5m, remind: 1, remind_text: هنوز هستم., then: settle}
steps:
- {ask: first, text: یک؟, yes_no: {yes: بله, no: نه}}
- {end: bye, text: 123}
"""


def test_a_held_session_is_silent_and_its_clocks_stop(talk):
    she = talk("danger_now")
    she.says("سلام")
    she.says("۲")
    she.gives(HeldInput())

    assert [type(event) for event in she.events] == [TimerCleared, TimerCleared, SessionHeld]
    assert she.session.timers == {}
    assert she.says("کجایید؟") == []


def test_a_hand_back_goes_on_at_after(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("می‌خوام خودمو بکشم", Screening(tier="T1", kinds=("suicide",)))
    she.gives(HeldInput())
    she.gives(HandedBackInput())

    assert isinstance(she.events[0], SessionResumed)
    assert she.at == "always.tell"
    assert isinstance(she.events[-1], TimerSet)


def test_a_hand_back_without_an_escalation_of_the_script_asks_the_waiting_question(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(HeldInput())
    she.gives(HandedBackInput())

    assert "چند فرزند" in she.texts[0]


def test_a_claim_that_ended_without_a_word_leaves_no_trace_before_her(talk):
    she = talk("women_head")
    she.says("سلام")
    stood, asked = she.at, she.session.timers
    she.gives(HeldInput())
    she.gives(PutBackInput())

    assert [] == she.texts
    assert (stood, asked, "waiting") == (she.at, she.session.timers, she.session.status)


def test_what_she_wrote_into_such_a_claim_gets_a_word_and_the_question_again(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(HeldInput())
    she.says("کسی هست؟")
    she.gives(PutBackInput())

    assert "پیامتان رسید" in she.texts[0]
    assert "چند فرزند" in she.texts[-1]
    assert "پاسخ خودکار" not in " ".join(she.texts)


def test_a_closed_case_ends_a_held_session_and_leaves_another_alone(talk):
    held, waiting = talk("women_head"), talk("women_head")
    for she in (held, waiting):
        she.says("سلام")
    held.gives(HeldInput())
    held.gives(ClosedInput())
    waiting.gives(ClosedInput())

    assert held.session.status == "ended"
    assert held.events[-1].outcome == "closed"
    assert waiting.session.status == "waiting"
    assert waiting.events == []


def test_staff_acts_before_any_message_do_no_harm(talk):
    for entered in (HeldInput(), HandedBackInput(), PutBackInput(), ClosedInput(), SilenceInput(1), NotTakenInput(1)):
        she = talk("women_head")
        she.gives(entered)
        assert she.texts == []
        she.gives(HandedBackInput())
        she.says("سلام")
        assert she.at == "women_head.children"


def test_a_locked_session_stays_locked_when_it_is_taken(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("0")
    she.gives(HeldInput())

    assert she.session.status == "locked"
    assert she.events == [StayedSilent(flow="women_head", step="children", visit=1, reason="locked")]


def test_an_old_timer_does_nothing(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("۳")
    before = she.session.copy()
    she.gives(SilenceInput(1))

    assert [type(event) for event in she.events] == [StayedSilent]
    assert she.session == before


def test_a_question_asked_again_has_a_new_clock_and_its_buttons_stay_good(talk):
    she = talk("women_head")
    for text in ("سلام", "۳"):
        she.says(text)
    she.says("کمک")
    first_asking = she.all_events[-1].visit
    she.gives(SilenceInput(first_asking - 1))
    assert isinstance(she.events[0], StayedSilent)

    old = next(
        button
        for event in she.all_events
        if isinstance(event, MessageSent) and event.visit == 2
        for button in event.buttons
        if button.label == "بله"
    )
    assert old.data.split("|")[3] == "2"
    she.presses("بله")
    assert she.at == "women_head.food"


def test_a_reminder_comes_only_by_a_safe_way(script):
    unsafe, safe = script(REMINDED), script(REMINDED)
    unsafe.says("سلام")
    safe.says("سلام")
    safe.session.safe = "set"

    assert unsafe.is_silent() == []
    assert unsafe.session.status == "resting"
    assert safe.is_silent() == ["هنوز هستم."]
    assert safe.events[0].proactive
    assert safe.is_silent() == []
    assert safe.session.status == "resting"


def test_no_reminder_while_covert_or_after_stop(script):
    for mark in ("covert", "silenced"):
        she = script(REMINDED)
        she.says("سلام")
        she.session.safe = "set"
        setattr(she.session, mark, True)
        assert she.is_silent() == []


def test_nobody_coming_is_said_as_often_as_the_script_says(talk):
    she = talk("danger_now")
    she.says("سلام")
    she.says("۲")
    said = 0
    while "not_taken" in she.session.timers:
        said += len(she.is_not_taken())
        assert all(event.urgent for event in she.events if isinstance(event, MessageSent))

    assert said == 5


def test_a_resting_session_wakes_where_it_rested(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("۳")
    she.is_silent()

    assert she.says("بله")[0].startswith("این هفته")


def test_coming_to_rest_on_her_own_words_is_said(talk):
    she = talk("danger_now")
    she.says("سلام")
    she.says("۲")
    she.says("رفتم")
    she.is_silent()

    assert she.texts == []
    assert she.session.status == "resting"


def test_a_follow_up_begins_its_script_proactively(talk):
    she = talk("women_head")
    she.gives(FollowUpInput("check_in"))

    assert she.session.stack[0].flow == "check_in"
    assert all(event.proactive for event in she.events if isinstance(event, MessageSent))


def test_a_follow_up_never_breaks_into_a_conversation(talk):
    she = talk("women_head")
    she.says("سلام")
    for act in (None, HeldInput()):
        if act:
            she.gives(act)
        she.gives(FollowUpInput("check_in"))
        assert [type(event) for event in she.events] == [StayedSilent]
        assert she.session.stack[0].flow == "women_head"


def test_after_stop_no_follow_up_comes(talk):
    she = talk("danger_now")
    for text in ("سلام", "لغو", "۱", "نه", "نه"):
        she.says(text)
    assert isinstance(she.events[-1], SessionEnded)
    she.gives(FollowUpInput("check_in"))

    assert [event.reason for event in she.events] == ["opted_out"]
