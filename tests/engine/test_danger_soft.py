"""Soft words are asked about gently, once, and no answer, command or silence leads round the question."""

import pytest
from engine.screenings import TIRED

from bot.core.events import EscalationRequested
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


def test_silence_or_quick_exit_after_a_soft_question_counts_as_yes(talk):
    silent, leaving = talk("women_head"), talk("women_head")
    for she in (silent, leaving):
        she.says("سلام")
        she.says("خسته شدم از زندگی", TIRED)

    silent.is_silent()
    assert silent.told == [("T1", "words")]
    leaving.says("0")
    assert leaving.told == [("T1", "net")]
    assert leaving.events[-1].outcome == "quick_exit"


def test_a_refused_soft_question_is_t2_and_unclear_answers_are_danger(talk):
    refused, unclear = talk("women_head"), talk("women_head")
    for she in (refused, unclear):
        she.says("سلام")
        she.says("خسته شدم از زندگی", TIRED)

    refused.says("نمی‌خواهم بگویم")
    assert refused.told == [("T2", "words")]
    assert refused.at == "women_head.children"
    unclear.says("چی بگم والا این جوری شده")
    unclear.says("نمی‌دونم چی بگم به شما")
    assert unclear.told == [("T1", "words")]


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
    assert she.told == [("T1", "words")]


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
    assert called.told == [("T1", "human")]
    held.gives(HeldInput())
    assert held.told == [("T1", "step")]
    erased.says("حذف اطلاعات من")
    erased.says("بله")
    assert erased.told == [("T1", "net")]
