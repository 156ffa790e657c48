"""Soft words are asked about gently, once, and no answer, command or silence leads round the question."""

from dataclasses import replace

import pytest
from engine.screenings import GUESSED, SIGNED, TIRED

from bot.core.events import EscalationRequested, FollowUpPlanned
from bot.core.messages import (
    HeldInput,
)
from bot.core.screening import Screening


def test_soft_words_are_asked_about_once_and_yes_is_danger(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("خسته شدم از زندگی", TIRED)
    assert she.told == []
    assert she.at.startswith("always.soft_check")

    she.says("بله")
    assert she.told == [("T1", "words")]
    assert next(event for event in she.events if isinstance(event, EscalationRequested)).kinds == ("suicide",)


def test_soft_words_and_no_go_back_to_the_question_and_are_not_asked_again(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("خسته شدم از زندگی", TIRED)
    she.says("نه")
    assert she.at == "women_head.children"
    assert she.told == []

    she.says("خسته شدم از زندگی", TIRED)
    assert she.at == "women_head.children"


def test_silence_after_a_gentle_question_opens_a_case_and_shows_nothing(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("خسته شدم از زندگی", TIRED)

    assert she.is_silent() == []
    assert she.told == [("T2", "words")]
    assert she.session.status == "resting"
    assert she.session.debt is None


def test_silence_counts_as_much_as_what_made_us_ask(talk):
    guessed, signed, covert = talk("women_head"), talk("women_head"), talk("women_head")
    for she, heard in ((guessed, GUESSED), (signed, SIGNED), (covert, replace(GUESSED, covert=True))):
        she.says("سلام")
        she.says("نمی‌دانم چه بگویم از این روزها", heard)
        she.is_silent()

    assert guessed.told == [("T3", "words")]
    assert signed.told == [("T2", "words")]
    assert covert.told == [("T2", "words")]


def test_after_a_mere_guess_she_is_looked_in_on_once_where_a_safe_way_is_known(talk):
    safe, unsafe, silenced = talk("women_head"), talk("women_head"), talk("women_head")
    for she in (safe, unsafe, silenced):
        she.says("سلام")
        she.session.safe = "unset" if she is unsafe else "set"
        she.session.silenced = she is silenced
        she.says("نمی‌دانم چه بگویم از این روزها", GUESSED)
        she.is_silent()

    planned = [event for event in safe.events if isinstance(event, FollowUpPlanned)]
    assert [(event.start_flow, event.in_s, event.if_silent) for event in planned] == [("check_in", 86_400, None)]
    assert "FollowUpPlanned" not in unsafe.kinds + silenced.kinds


def test_leaving_in_a_hurry_instead_of_an_answer_is_t2_whatever_made_us_ask(talk):
    for heard in (TIRED, GUESSED):
        she = talk("women_head")
        she.says("سلام")
        she.says("خسته شدم از زندگی", heard)
        she.says("0")
        assert she.told == [("T2", "net")]
        assert she.events[-1].outcome == "quick_exit"


def test_silence_after_a_guess_does_not_hide_what_the_script_still_owes(script):
    she = script("""
flow: owing
title: ت
owner: ما
reviewers: [clinician, lawyer]
silence: {after: 5m, then: settle}
steps:
- {ask: hurt, text: آسیب؟, yes_no: {yes: {label: بله, danger: high}, no: نه}, skip: {label: نمی‌گویم, danger: high}}
- {ask: more, text: دیگر؟, yes_no: {yes: بله, no: نه}}
- {escalate: soon, when: risk == T2, tier: T2, text: 123}
- {end: bye, text: 123}
tests:
- {name: ن, talk: [says: سلام, says: بله, says: نه, case: T2]}
""")
    she.says("سلام")
    she.says("بله")
    she.says("نمی‌دانم چه بگویم از این روزها", GUESSED)
    she.is_silent()

    assert ("T2", "step") in she.told
    assert she.session.debt is None


def test_a_refused_soft_question_is_t2_and_other_words_twice_are_no_answer(talk):
    refused, unclear, guessed = talk("women_head"), talk("women_head"), talk("women_head")
    for she in (refused, unclear, guessed):
        she.says("سلام")
        she.says("خسته شدم از زندگی", GUESSED if she is guessed else TIRED)

    refused.says("نمی‌خواهم بگویم")
    assert refused.told == [("T2", "words")]
    assert refused.at == "women_head.children"
    for she, tier in ((unclear, "T2"), (guessed, "T3")):
        she.says("چی بگم والا این جوری شده")
        she.says("نمی‌دونم چی بگم به شما")
        assert she.told == [(tier, "words")]
        assert she.at == "women_head.children"


def test_a_free_text_that_was_soft_counts_as_given_after_a_no(script):
    she = script("""
flow: told
title: ت
owner: ما
silence: {after: 5m, then: settle}
steps:
- {ask: story, text: بنویسید., free_text: {}}
- {ask: more, text: دیگر؟, yes_no: {yes: بله, no: نه}}
- {end: bye, text: 123}
""")
    she.says("سلام")
    she.says("خسته شدم از زندگی", TIRED)
    she.says("نه")

    assert she.at == "told.more"
    assert she.session.stack[0].answers["story"] == "given"


def test_soft_questions_end_after_three(talk):
    she = talk("women_head")
    she.says("سلام")
    asked = 0
    for kind in ("suicide", "self_harm", "mood", "extortion", "runaway"):
        she.says("حالم بد است", Screening(soft=True, kinds=(kind,)))
        if she.at.startswith("always.soft_check"):
            asked += 1
            she.says("نه")

    assert asked == 3


@pytest.mark.parametrize("dodge", ["برگشت", "زبان", "پاک کن", "حذف اطلاعات من", "کمک", "تکرار", "لغو"])
def test_no_command_leads_round_a_gentle_question(talk, dodge):
    she = talk("women_head")
    she.says("سلام")
    she.says("خسته شدم از زندگی", TIRED)
    she.says(dodge)
    assert any(frame.step.startswith("soft_check") for frame in she.session.stack)

    she.is_silent()
    assert she.told == [("T2", "words")]


def test_after_an_interruption_the_gentle_question_stands_again(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("خسته شدم از زندگی", TIRED)
    she.says("زبان")
    she.says("English")

    assert she.at.startswith("always.soft_check")


def test_a_person_called_or_holding_hears_of_an_open_gentle_question(talk):
    called, held, erased = talk("women_head"), talk("women_head"), talk("women_head")
    for she in (called, held, erased):
        she.says("سلام")
        she.says("خسته شدم از زندگی", TIRED)

    called.says("مددکار")
    assert called.told == [("T2", "human")]
    held.gives(HeldInput())
    assert held.told == [("T2", "step")]
    erased.says("حذف اطلاعات من")
    erased.says("بله")
    assert erased.told == [("T2", "net")]
