"""The words that act in every wait."""

from dataclasses import replace

import pytest

from bot.core.events import (
    RESUME_MARK,
    ErasureRequested,
    EscalationRequested,
    HandlerUsed,
    LanguageChanged,
    OptedOut,
    QuickExitUsed,
    StayedSilent,
)
from bot.core.messages import HandedBackInput, HeldInput, MediaInput, Press, PressInput
from bot.core.screening import Screening

OWN = """
flow: own
title: ا
owner: ما
silence: {after: 5m, then: settle}
always:
  fees: {words: [هزینه], say: رایگان است.}
  jump: {words: [پرش], go: second}
steps:
- {ask: first, text: یک؟, short: یک؟ کوتاه, choice: {a: الف, b: ب}}
- {ask: second, text: دو؟, choice: {a: الف, b: {label: ب, danger: high}}, skip: {label: نه, danger: high}}
- {escalate: told, when: risk == T2, tier: T2, text: رسید. 123}
- {ask: third, text: سه؟, choice: {a: الف, b: ب}}
- {end: bye, text: 123}
"""


@pytest.mark.parametrize("word", ["0", "۰", "٠", " 0 ", "0.", "خروج", "exit", "EXIT"])
def test_quick_exit_acts_at_every_wait_of_every_script(bundle, talk, word):
    for flow in ("danger_now", "women_head", "covert"):
        she = talk(flow)
        she.says("سلام")
        for _ in range(6):
            before = she.session.copy()
            she.says(word)
            assert she.session.status == "locked"
            assert any(isinstance(event, QuickExitUsed) for event in she.events)
            assert len(she.texts) == 1
            she.session = before
            she.says("۱")


def test_quick_exit_is_the_first_thing_too(talk):
    she = talk("welcome")

    assert "هوا" in she.says("0")[0]
    assert she.session.status == "locked"


def test_a_debt_is_paid_at_quick_exit_with_do_not_contact(talk):
    she = talk("danger_now")
    she.says("سلام")
    she.says("ترجیح می‌دهم نگویم")
    she.says("0")

    told = next(event for event in she.events if isinstance(event, EscalationRequested))
    assert (told.tier, told.cause, told.do_not_contact) == ("T2", "net", True)


def test_a_locked_session_without_a_code_word_begins_neutrally(talk):
    she = talk("women_head")
    for text in ("سلام", "۳", "0"):
        she.says(text)
    texts = she.says("سلام")

    assert she.at == "always.fresh"
    assert len(texts) == 1
    assert "123" not in texts[0]
    assert she.session.covert
    assert [frame.flow for frame in she.session.stack] == ["always"]

    she.says("1")
    assert she.at == "women_head.children"
    assert "children" not in she.session.stack[0].answers


def test_a_locked_session_with_a_code_word_shows_the_decoy_until_it_comes(talk):
    she = talk("women_head")
    she.says("سلام")
    she.session.code_word = "گل سرخ"
    she.says("0")

    for _ in range(2):
        assert "هوا" in she.says("سلام")[0]
        assert isinstance(she.events[-1], StayedSilent)
    assert "چند فرزند" not in she.says("گل سرخ!")[0]
    assert "چند فرزند" in she.says("تکرار")[-1]
    assert she.session.status == "waiting"
    assert she.session.covert


@pytest.mark.parametrize("word", ["کمک", "help", "راهنما"])
def test_help_gives_the_lines_and_asks_again_without_counting(talk, word):
    she = talk("women_head")
    she.says("سلام")
    texts = she.says(word)

    assert "123" in texts[0]
    assert "چند فرزند" in texts[1]
    assert she.session.tries == 0


def test_a_person_is_called_at_once(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("مددکار")

    assert she.told == [("T2", "human")]
    assert she.session.status == "resting"
    texts = she.says("کسی هست؟")
    assert len(texts) == 1
    assert she.says("۳")[0].startswith("از جای زندگی")


def test_stop_ends_what_is_proactive_and_the_session_goes_on(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("لغو")

    assert any(isinstance(event, OptedOut) for event in she.events)
    assert she.session.silenced
    assert she.at == "women_head.children"


def test_back_takes_the_last_answer_back_and_stops_at_a_danger_tag(script):
    she = script(OWN)
    she.says("سلام")
    she.says("۱")
    assert she.says("برگشت") == ["یک؟"]
    assert "first" not in she.session.stack[0].answers

    she.says("۲")
    she.says("ب")
    assert she.at == "own.third"
    assert she.says("برگشت")[-1] == "سه؟"
    assert she.at == "own.third"


def test_back_in_an_instrument_takes_its_points_back(talk):
    she = talk("women_head")
    for text in ("سلام", "۳", "بله", "کافی بود", "نه", "۱", "تقریباً هر روز"):
        she.says(text)
    assert she.session.stack[0].answers["phq2.points"] == 3
    she.says("برگشت")

    assert she.at == "women_head.phq2.joy"
    assert she.session.stack[0].answers["phq2.points"] == 0


def test_repeat_asks_in_full_and_other_interruptions_in_short(script):
    she = script(OWN)
    she.says("سلام")

    assert she.says("تکرار")[-1] == "یک؟"
    assert she.says("کمک")[-1] == "یک؟ کوتاه"


def test_the_language_is_asked_and_changed(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("زبان")
    assert she.at == "always.which_language"

    she.says("English")
    assert LanguageChanged(flow="always", step="which_language", visit=2, language="en") in she.events
    assert she.session.language == "en"
    assert she.at == "women_head.children"


def test_texts_and_answers_follow_the_language(talk):
    she = talk("danger_now", language="en")
    english = {"الان جای امنی هستید؟": "Are you safe now?", "بله، امن است": "Yes, I am safe"}
    she.bundle = replace(she.bundle, translations={"en": english})

    assert she.says("hello")[-1] == "Are you safe now?"
    assert she.button("Yes, I am safe").data.endswith("|yes")
    assert she.says("yes I am safe") == ["کسی که شاید آزارتان دهد، الان نزدیک شماست؟"]


def test_erasing_asks_first(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("حذف اطلاعات من")
    she.says("نه")
    assert she.at == "women_head.children"

    she.says("حذف اطلاعات من")
    she.says("بله")
    assert any(isinstance(event, ErasureRequested) for event in she.events)
    assert she.session.status == "ended"
    assert she.events[-1].outcome == "erased"


def test_wipe_asks_whether_to_hide_or_erase(talk):
    hides, erases, stays = talk("women_head"), talk("women_head"), talk("women_head")
    for she in (hides, erases, stays):
        she.says("سلام")
        she.says("پاک کن")

    hides.says("۱")
    assert hides.session.status == "locked"
    erases.says("۲")
    assert erases.at == "always.erase_confirm"
    stays.says("۳")
    assert stays.at == "women_head.children"


def test_own_handlers_say_and_ask_again_or_go(script):
    she = script(OWN)
    she.says("سلام")

    assert she.says("هزینه") == ["رایگان است.", "یک؟ کوتاه"]
    assert she.says("پرش") == ["دو؟"]


def test_a_handlers_button_is_its_word(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(PressInput(Press(flow="always", step="quick_exit", visit=0, key="x")))

    assert she.session.status == "locked"


def test_an_answer_that_is_also_within_a_longer_text_is_no_command(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("کمک می‌کنید اجاره بدهم؟")

    assert not any(isinstance(event, HandlerUsed) for event in she.events)


def test_while_held_only_the_ways_out_act(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(HeldInput())

    for text in ("کمک", "برگشت", "۳", "مددکار", "زبان"):
        assert she.says(text) == []
        assert she.at == "women_head.children"
    she.gives(MediaInput("voice"))
    assert she.texts == []

    she.says("لغو")
    assert any(isinstance(event, OptedOut) for event in she.events)
    assert she.texts == []

    assert "مطمئن" in she.says("حذف اطلاعات من")[0]
    assert she.session.status == "held"
    she.says("نه")
    assert she.texts == []
    she.gives(HandedBackInput())
    assert she.at == "women_head.children"

    she.gives(HeldInput())
    assert "هوا" in she.says("0")[0]
    assert she.session.status == "locked"


def test_interruptions_do_not_nest(talk):
    she = talk("women_head")
    she.says("سلام")
    for text in ("زبان", "پاک کن", "زبان", "حذف اطلاعات من"):
        she.says(text)
        assert len(she.session.stack) == 2
    she.says("خسته شدم", Screening(soft=True, kinds=("suicide",)))
    assert len(she.session.stack) == 2


def test_back_in_an_interruption_goes_back_to_the_question(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("زبان")
    she.says("برگشت")

    assert she.at == "women_head.children"


def test_quick_exit_while_media_is_open_tells_a_person(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(MediaInput("voice"))
    she.says("0")

    assert she.told == [("T2", "net")]


def test_silence_in_an_interruption_rests(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("زبان")
    she.is_silent()

    assert she.session.status == "resting"
    assert she.at == "women_head.children"


@pytest.mark.parametrize("word", ["حذف اطلاعات من", "کمک", "مددکار", "زبان", "پاک کن"])
def test_a_command_may_be_the_first_message(talk, word):
    she = talk("women_head")
    she.says(word)

    assert HandlerUsed in [type(event) for event in she.events]
    assert she.texts


def test_what_is_not_understood_in_an_interruption_ends_it(script):
    she = script(OWN)
    she.says("سلام")
    she.says("پاک کن")
    for _ in range(4):
        she.says("چه می‌دانم والا")

    assert she.at == "own.first"


def test_an_own_handler_is_quiet_while_covert(script):
    she = script(OWN)
    she.says("سلام")
    she.session.covert = True

    assert she.says("هزینه") == ["عدد؟ 1 2 «تکرار» = دیدن"]


def test_a_handlers_button_of_later_order_acts_too(talk):
    she = talk("women_head")
    she.says("سلام")
    she.gives(PressInput(Press(flow="always", step="help", visit=0, key="x")))

    assert "123" in she.texts[0]
    assert she.at == "women_head.children"


def test_a_code_to_go_on_elsewhere_is_told_and_the_question_stands(talk):
    she = talk("women_head")
    she.says("سلام")
    told, asked = she.says("کد ادامه")

    assert RESUME_MARK in told
    assert "چند فرزند" in asked
    assert "ResumeCodeAsked" in she.kinds


def test_while_somebody_may_look_on_the_code_stands_alone(talk):
    she = talk("women_head")
    she.says("سلام")
    she.session.covert = True

    assert she.says("کد ادامه")[0] == RESUME_MARK


def test_who_arrives_by_a_code_hears_her_question_or_is_asked_for_her_word(talk):
    open_, guarded = talk("women_head"), talk("women_head")
    for she in (open_, guarded):
        she.says("سلام")
        she.facts = replace(she.facts, moved=True)
    guarded.session.code_word = "گل سرخ"

    assert "چند فرزند" in open_.says("123412341234")[0]
    assert "کلمهٔ خودتان" in guarded.says("123412341234")[0]
    assert guarded.session.status == "locked"


def test_a_held_or_locked_conversation_stays_as_it_is_at_another_address(talk):
    held, locked = talk("women_head"), talk("women_head")
    for she in (held, locked):
        she.says("سلام")
    held.gives(HeldInput())
    locked.session.code_word = "گل سرخ"
    locked.says("0")
    for she in (held, locked):
        she.facts = replace(she.facts, moved=True)

    assert held.says("123412341234") == []
    assert "هوا" in locked.says("123412341234")[0]
