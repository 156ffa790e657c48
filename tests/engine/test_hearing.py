"""Where words lead that a question of the entry flow did not ask for (`heard`): to what they tell of."""

from dataclasses import replace

import pytest

from bot.core.screening import Evidence, Screening

_SIGN = (Evidence(start=0, end=4, pattern="sign", why="نشانه"),)
DARK = Screening(tier="T2", kinds=("suicide",), evidence=_SIGN)
TIRED = Screening(kinds=("suicide",), soft=True, evidence=_SIGN)
HUNGRY = Screening(tier="T3", kinds=("hunger",), evidence=_SIGN)

FLOW = """
flow: door
title: در
owner: ما
reviewers: [clinician, lawyer]
silence: {after: 5m, then: settle}
vars: {greeted: [no, yes]}
heard: {hi_dark: [suicide], food: [hunger]}
steps:
- {say: hello, text: سلام. 123}
- {set: {greeted: yes}}
- ask: topic
  text: کدام؟
  choice:
    mood: {label: حالم خوب نیست, accept: [حالم بد است], go: food}
    quiet: {label: گوشی مشترک است, accept: [گوشی‌ام دست اوست], covert: yes, go: bye}
    hurt: {label: کسی می‌زند, accept: [کتک], danger: high, go: soon}
- {say: hi_dark, when: greeted == no, text: ما که هستیم. 123}
- {ask: dark, text: از مرگ بگوییم؟, yes_no: {yes: بله, no: نه}}
- {go: bye}
- {ask: food, text: غذا؟, yes_no: {yes: بله, no: نه}}
- {escalate: soon, when: risk == T2, tier: T2, text: 123}
- {end: bye, text: 123}
tests:
- {name: ن, talk: [says: سلام, says: کسی می‌زند, case: T2]}
"""


@pytest.fixture
def she(script):
    she = script(FLOW)
    she.says("سلام")
    return she


def test_words_at_the_topic_question_lead_to_what_they_tell_of_and_nobody_is_greeted_twice(she):
    said = she.says("دلم می‌خواد بمیرم", DARK)

    assert she.at == "door.dark"
    assert she.told == [("T2", "words")]
    assert said[-1] == "از مرگ بگوییم؟"
    assert "ما که هستیم. 123" not in said


def test_first_words_lead_there_as_if_the_greeting_had_never_been(script):
    she = script(FLOW)
    said = she.says("دلم می‌خواد بمیرم", DARK)

    assert she.at == "door.dark"
    assert "ما که هستیم. 123" in said
    assert "سلام. 123" not in said


def test_a_need_without_danger_leads_there_instead_of_being_misunderstood(she):
    she.says("دو روز است چیزی در خانه نیست", HUNGRY)

    assert she.at == "door.food"
    assert she.told == []


def test_danger_in_her_words_counts_more_than_a_harmless_option_they_resemble(she):
    she.says("حالم بد است و دلم می‌خواد بمیرم", DARK)

    assert she.at == "door.dark"


def test_the_kind_that_her_words_are_about_leads_before_one_that_a_word_named(she):
    she.says("از گرسنگی دیگر طاقت ندارم و می‌خواهم بمیرم", replace(DARK, kinds=("suicide", "hunger"), about="hunger"))

    assert she.at == "door.food"


def test_an_option_that_says_danger_or_a_shared_phone_stands(she, script):
    she.says("کسی می‌زند و دلم می‌خواد بمیرم", DARK)
    other = script(FLOW)
    other.says("سلام")
    other.says("گوشی‌ام دست اوست، دلم می‌خواد بمیرم", DARK)

    assert she.session.status == "ended"
    assert other.session.status == "ended"
    assert other.session.covert


def test_she_can_go_back_and_what_was_heard_before_leads_nowhere_a_second_time(she):
    she.says("دلم می‌خواد بمیرم", DARK)
    she.says("برگشت")
    assert she.at == "door.topic"
    she.says("گفتم که دلم می‌خواد بمیرم", DARK)

    assert she.at == "door.topic"
    assert she.told == []


def test_a_refusal_of_the_gentle_question_leads_where_her_words_would_have_led(she):
    she.says("خسته شدم از این زندگی", TIRED)
    she.says("نمی‌خواهم بگویم")

    assert she.at == "door.dark"


def test_who_is_in_no_danger_is_led_to_what_she_told_of_and_not_to_what_she_denied(script):
    hungry, dark = script(FLOW), script(FLOW)
    hungry.says("چیزی در خانه نداریم", replace(TIRED, kinds=("hunger",)))
    dark.says("خسته شدم از این زندگی", TIRED)
    for she in (hungry, dark):
        she.says("نه")

    assert hungry.at == "door.food"
    assert dark.at == "door.topic"
