"""While another person may read the screen: numbers, bare lines, nothing that tells."""

import pytest

from bot.core.messages import MediaInput
from bot.core.screening import Screening

TELLING = ("خشونت", "اورژانس", "آزار", "مددکار", "خطر", "پرونده")
T1 = Screening(tier="T1", kinds=("spouse_abuse",), label="danger")
T2 = Screening(tier="T2", kinds=("spouse_abuse",), label="danger")


@pytest.fixture
def she(talk):
    """Stand at the second question of covert, the phone being shared."""
    found = talk("covert")
    found.says("سلام")
    found.says("بله")
    return found


def discloses(texts):
    return [text for text in texts for word in TELLING if word in text]


@pytest.mark.parametrize("word", ["کمک", "لغو", "برگشت", "تکرار", "زبان", "پاک کن", "حذف اطلاعات من", "چی؟", "مددکار"])
def test_no_word_of_hers_makes_the_bot_tell(she, word):
    assert discloses(she.says(word)) == []
    assert discloses([button.label for event in she.events for button in getattr(event, "buttons", ())]) == []


def test_help_is_the_bare_lines(she):
    assert she.says("کمک")[0] == "110 / 123"


@pytest.mark.parametrize("screening", [T1, T2, Screening(soft=True, kinds=("suicide",))])
def test_danger_is_answered_discreetly(she, screening):
    assert discloses(she.says("منو می‌زنه", screening)) == []


def test_media_is_answered_discreetly(she):
    she.gives(MediaInput("voice"))
    assert discloses(she.texts) == []
    she.gives(MediaInput("voice"))
    assert discloses(she.texts) == []


def test_nobody_coming_yet_is_said_in_bare_lines(she):
    she.says("منو می‌زنه", T1)

    assert she.is_not_taken() == ["110 / 123"]


def test_a_question_without_a_discreet_text_is_asked_again_by_numbers_only(talk):
    she = talk("women_head")
    she.says("سلام")
    she.says("سه")
    she.session.covert = True
    she.says("چی؟")

    assert she.texts[-1].startswith("عدد؟ 1 2")
    assert all(button.label.isdecimal() for event in she.events for button in getattr(event, "buttons", ()))


def test_a_new_question_without_a_discreet_text_is_never_shown_until_she_asks(talk):
    she = talk("women_head")
    she.says("سلام")
    she.session.covert = True

    (hidden,) = she.says("سه")
    assert "تکرار" in hidden
    assert all(button.label.isdecimal() for event in she.events for button in getattr(event, "buttons", ()))

    shown = she.says("تکرار")
    assert "تکرار" not in shown[-1]
    assert not all(button.label.isdecimal() for event in she.events for button in getattr(event, "buttons", ()))


SPOKEN = """
flow: told
title: t
owner: o
silence: {after: 10m, then: settle}
steps:
- ask: first
  text: آماده‌اید؟
  discreet: 1؟
  choice: {yes: بله}
- say: plain
  text: کارگاه خیاطی رایگان است.
- say: lines
  text: اگر زدند، همین حالا 110 را بگیرید.
- ask: last
  text: چیز دیگری هست؟
  discreet: 1؟
  choice: {no: نه}
- end: bye
  text: تمام.
  discreet: باشد.
"""


def test_a_text_without_a_discreet_form_is_replaced_and_its_numbers_are_not_withheld(script):
    she = script(SPOKEN)
    she.says("سلام")
    she.session.covert = True

    assert she.says("1") == ["«تکرار» = دیدن", "110 / 123", "1؟"]
    assert she.says("تکرار")[:2] == ["کارگاه خیاطی رایگان است.", "اگر زدند، همین حالا 110 را بگیرید."]
    assert she.session.withheld == ()


def test_what_was_withheld_is_gone_with_her_next_answer(script):
    she = script(SPOKEN)
    she.says("سلام")
    she.session.covert = True
    she.says("1")
    she.says("چی؟")

    assert "کارگاه خیاطی رایگان است." not in she.says("تکرار")
