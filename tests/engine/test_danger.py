"""Danger is read in every free text at every wait, and a person hears of it in the same turn."""

import pytest
from engine.screenings import BEATEN, PAST, THREAT, WEAPON, WORDS

from bot.core.events import ContentFailed, EscalationRequested, RiskRaised, StayedSilent
from bot.core.messages import (
    ClosedInput,
    HeldInput,
)
from bot.core.screening import Screening


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


def test_history_is_noted_while_held(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(HeldInput())
    she.says("پارسال منو زد", PAST)

    assert she.session.risk == "T3"
