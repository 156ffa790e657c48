"""Danger is read in every free text at every wait, and a person hears of it in the same turn."""

import pytest

from bot.core.events import ContentFailed, EscalationRequested, QuestionAsked, RiskRaised, StayedSilent
from bot.core.messages import (
    ClosedInput,
    ContactInput,
    HeldInput,
    LocationInput,
    MediaInput,
    Press,
    PressInput,
    UnreadableInput,
)
from bot.core.screening import Evidence, Screening

BEATEN = Screening(
    tier="T1",
    kinds=("spouse_abuse",),
    label="danger",
    evidence=(Evidence(start=0, end=4, pattern="hit", why="همین حالا می‌زند"),),
)
WEAPON = Screening(tier="T1", kinds=("spouse_abuse", "threat_weapon"), label="danger")
THREAT = Screening(tier="T2", kinds=("family_violence",), label="danger")
TIRED = Screening(soft=True, kinds=("suicide",))
PAST = Screening(label="history", kinds=("spouse_abuse",))
WORDS = "شوهرم داره منو می‌زنه"


def test_a_cry_as_the_first_words_gets_the_lines_and_no_greeting(talk):
    she = talk("women_head")
    texts = she.says(WORDS, BEATEN)

    assert she.told == [("T1", "words")]
    told = next(event for event in she.events if isinstance(event, EscalationRequested))
    assert told.kinds == ("spouse_abuse",)
    assert told.why == ("همین حالا می‌زند",)
    assert "110" in texts[0]
    assert not any("چند پرسش" in text for text in texts)
    assert she.at == "always.stay"


def test_threats_as_the_first_words_open_a_case_and_the_script_begins(talk):
    she = talk("women_head")
    texts = she.says("تهدیدم کرد", THREAT)

    assert she.told == [("T2", "words")]
    assert any("123" in text for text in texts)
    assert "چند فرزند" in texts[-1]


def test_a_first_message_that_is_an_option_is_answered_and_a_bare_number_is_not(talk):
    fits, number = talk("danger_now"), talk("danger_now")

    fits.says("نه، در خطرم")
    assert fits.told == [("T1", "step")]
    number.says("2")
    assert number.told == []
    assert number.at == "danger_now.safe_now"


@pytest.mark.parametrize("flow", ["danger_now", "women_head", "covert"])
def test_t1_words_act_at_the_first_wait_of_every_script(talk, flow):
    she = talk(flow)
    she.says("سلام")
    she.says(WORDS, BEATEN)

    assert she.told == [("T1", "words")]
    assert next(event for event in she.events if "110" in getattr(event, "text", "")).urgent


def test_the_same_cry_again_gets_a_short_word_and_new_kinds_reach_the_case(talk):
    she = talk("women_head")
    she.says("سلام")
    speech = she.says(WORDS, BEATEN)
    again = she.says(WORDS, BEATEN)

    assert she.told == []
    assert again[0] not in speech
    assert she.at == "always.stay"

    she.says("چاقو داره", WEAPON)
    assert she.told == [("T1", "words")]
    assert she.events[2].kinds == ("spouse_abuse", "threat_weapon")


def test_after_the_case_was_closed_a_new_cry_opens_another(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says(WORDS, BEATEN)
    she.gives(ClosedInput())
    she.says(WORDS, BEATEN)

    assert she.told == [("T1", "words")]


def test_t2_words_are_acknowledged_once_and_the_question_is_asked_again(talk):
    she = talk("women_head")
    she.says("سلام")
    first = she.says("تهدیدم کرد", THREAT)
    assert she.told == [("T2", "words")]
    assert "چند فرزند" in first[-1]

    second = she.says("تهدیدم کرد", THREAT)
    assert she.told == []
    assert second[0] != first[0]
    assert she.session.tries == 0


def test_t2_words_that_read_like_an_answer_are_one(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("سه تا بچه، تهدیدم کرد", THREAT)

    assert she.told == [("T2", "words")]
    assert she.at == "women_head.home"
    assert she.session.stack[0].answers["children"] == 3


@pytest.mark.parametrize("screening", [PAST, Screening(tier="T3", kinds=("spouse_abuse",))])
def test_what_is_past_or_of_others_raises_to_t3_without_a_case(talk, screening):
    she = talk("women_head")
    she.says("سلام")
    she.says("پارسال منو زد", screening)

    assert she.told == []
    assert she.session.risk == "T3"
    assert next(event for event in she.events if isinstance(event, RiskRaised)).kinds == ("spouse_abuse",)


def test_kinds_learnt_later_reach_the_open_case(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("تهدیدم کرد", THREAT)
    she.says("پارسال منو زد", PAST)

    assert she.told == [("T2", "words")]
    told = next(event for event in she.events if isinstance(event, EscalationRequested))
    assert told.kinds == ("family_violence", "spouse_abuse")


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


@pytest.mark.parametrize(
    "entered", [MediaInput("voice"), LocationInput(35.7, 51.4), ContactInput("+989120000000"), UnreadableInput("odd")]
)
def test_something_without_words_is_asked_about_once_and_then_a_person_looks(talk, entered):
    she = talk("women_head")
    she.says("سلام")
    she.gives(entered)
    assert she.told == []
    assert she.at == "always.media"

    she.gives(entered)
    assert she.told == [("T2", "media")]
    assert she.at == "women_head.children"


def test_she_who_cannot_write_sends_1_or_nothing(talk):
    sends, silent = talk("women_head"), talk("women_head")
    for she in (sends, silent):
        she.says("سلام")
        she.gives(MediaInput("voice"))

    sends.says("1")
    assert sends.told == [("T2", "media")]
    silent.is_silent()
    assert silent.told == [("T2", "media")]
    assert silent.session.status == "resting"


def test_words_after_media_answer_the_question_before_it(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(MediaInput("photo"))
    she.says("۲")

    assert she.at == "women_head.home"


def test_media_in_a_session_that_has_a_risk_opens_a_case_without_asking(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("پارسال منو زد", PAST)
    she.gives(MediaInput("voice"))

    assert she.told == [("T2", "media")]


def test_an_old_button_of_danger_still_counts(talk):
    she = talk("danger_now")
    she.says("سلام")
    old = she.button("نه، در خطرم")
    she.says("بله، امن است")
    she.gives(PressInput(Press.decode(old.data)))

    assert she.events[0].stale
    assert she.told == [("T1", "step")]
    assert she.at == "always.stay"


@pytest.mark.parametrize(
    "press",
    [
        Press(flow="danger_now", step="safe_now", visit=1, key="yes"),
        Press(flow="gone", step="gone", visit=1, key="x"),
        Press(flow="danger_now", step="near", visit=99, key="yes_of_old"),
    ],
)
def test_an_old_or_unknown_button_is_treated_kindly(talk, press):
    she = talk("danger_now")
    she.says("سلام")
    she.says("۱")
    she.gives(PressInput(press))

    assert len(she.texts) == 2
    assert isinstance(she.events[-2], QuestionAsked)
    assert she.events[-2].again
    assert she.at == "danger_now.near"


def test_danger_is_told_silently_while_a_person_holds_the_session(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(HeldInput())
    she.says(WORDS, BEATEN)

    assert she.texts == []
    assert she.told == [("T1", "words")]
    assert isinstance(she.events[-1], StayedSilent)
    assert she.session.status == "held"


def test_danger_is_told_silently_from_a_locked_session(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("0")
    calm = talk("women_head")
    calm.says("سلام")
    calm.says("0")

    assert she.says(WORDS, BEATEN) == calm.says("سلام")
    told = next(event for event in she.events if isinstance(event, EscalationRequested))
    assert (told.tier, told.do_not_contact) == ("T1", True)


def test_danger_is_read_in_resting_and_ended_sessions(talk):
    resting, ended = talk("women_head"), talk("danger_now")
    resting.says("سلام")
    resting.is_silent()
    for text in ("سلام", "۱", "نه", "نه"):
        ended.says(text)

    assert resting.session.status == "resting"
    assert ended.session.status == "ended"
    for she in (resting, ended):
        she.says(WORDS, BEATEN)
        assert she.told == [("T1", "words")]


def test_covert_words_turn_discreet_texts_on(talk):
    she = talk("danger_now")
    she.says("سلام")

    assert she.says(WORDS, Screening(tier="T1", kinds=("spouse_abuse",), covert=True))[0] == "110 / 123"


def test_danger_words_at_a_number_question_are_read(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("۲ بار منو زده", BEATEN)

    assert she.told == [("T1", "words")]
    assert not any(isinstance(event, ContentFailed) for event in she.all_events)


def test_an_old_button_as_the_first_message_still_counts(talk):
    she = talk("women_head")
    she.gives(PressInput(Press(flow="danger_now", step="safe_now", visit=1, key="no")))
    assert she.told == [("T1", "step")]

    calm = talk("women_head")
    calm.gives(PressInput(Press(flow="danger_now", step="safe_now", visit=1, key="yes")))
    assert calm.told == []
    assert calm.at == "women_head.children"


def test_an_old_button_of_t2_opens_a_case_and_one_in_a_held_session_tells_it(talk):
    press = PressInput(Press(flow="danger_now", step="safe_now", visit=1, key="skip"))
    she, held = talk("women_head"), talk("women_head")
    for one in (she, held):
        one.says("سلام")
    she.gives(press)
    assert she.told == [("T2", "step")]
    assert she.at == "women_head.children"

    held.gives(HeldInput())
    held.gives(press)
    assert held.told == [("T2", "words")]
    assert held.texts == []


def test_history_is_noted_while_held(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(HeldInput())
    she.says("پارسال منو زد", PAST)

    assert she.session.risk == "T3"


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
