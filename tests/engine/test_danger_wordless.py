"""Danger without words: voices, photos, places and the buttons of old messages."""

import pytest
from engine.screenings import PAST

from bot.core.events import QuestionAsked
from bot.core.messages import (
    ContactInput,
    HeldInput,
    LocationInput,
    MediaInput,
    Press,
    PressInput,
    UnreadableInput,
)


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
