"""«راهنما خواب» at any question: the card that fits is shown, the question comes again, danger words come first."""

from dataclasses import replace

import pytest

from bot.core.events import EscalationRequested, GuideShown
from bot.core.screening import Screening
from bot.engine.guides import query_of
from bot.engine.model import Card, Say, Texts

CARDS = {
    card.id: card
    for card in (
        Card(id="sleep", title="خواب بهتر", words=("بی‌خوابی", "شب"), reviewed_on="2026-11-01", messages=(Texts(text=("بخوابید.",)),)),
        Card(id="night", title="ترس شب", words=("کابوس",), reviewed_on="2026-11-01", messages=(Texts(text=("نترسید.",)),)),
        Card(id="old", title="خواب کهنه", words=("خواب",), reviewed_on="2020-01-01", messages=(Texts(text=("کهنه.",)),)),
        Card(id="couple", title="گفت‌وگو", tags=("joint",), reviewed_on="2026-11-01", messages=(Texts(text=("با هم.",)),)),
    )
}  # fmt: skip
ASKED = """
flow: asked
title: x
owner: x
silence: {after: 10m, then: settle}
steps:
- ask: what
  text: کدام؟
  choice: {one: یک چیز, hurt: {label: کتک می‌خورم, danger: high, kinds: [spouse_abuse]}}
  skip: {label: نگویم, danger: high}
- escalate: told
  tier: T2
  text: رسید. 123
- ask: next
  text: بعد؟
  choice: {a: الف, b: ب}
- end: bye
  text: همین.
"""
SAYS = {"guide_none": "چیزی پیدا نشد.", "guide_more": "راهنماهای دیگر:"}


@pytest.fixture
def she(script):
    """Begin a talk over scripts that can answer a search."""
    talk = script(ASKED)
    always = talk.bundle.flows["always"]
    said = tuple(Say(id=name, texts=Texts(text=(text,))) for name, text in SAYS.items())
    flows = {**talk.bundle.flows, "always": replace(always, steps=(*always.steps, *said))}
    talk.bundle = replace(talk.bundle, flows=flows, cards=CARDS)
    talk.says("سلام")
    return talk


def shown(she) -> list[str]:
    return [event.card for event in she.events if isinstance(event, GuideShown)]


@pytest.mark.parametrize("text", ["راهنما خواب", "راهنمای خواب", "راهنما: خواب", "راهنما بي‌خوابي", "راهنما بیخوابی", "راهنمایی برای خواب می‌خواهم"])  # fmt: skip
def test_a_card_is_found_however_its_words_are_typed(she, text):
    assert she.says(text)[0] == "بخوابید."
    assert shown(she) == ["sleep"]
    assert she.texts[-1] == "کدام؟"


def test_the_next_cards_are_named_and_an_expired_one_is_not(she):
    assert she.says("راهنما شب") == ["بخوابید.", "راهنماهای دیگر: ترس شب", "کدام؟"]


def test_what_is_not_there_is_said_and_the_question_comes_again(she):
    assert she.says("راهنما زعفران") == ["چیزی پیدا نشد.", "کدام؟"]
    assert shown(she) == []


def test_words_of_danger_come_before_the_search(she):
    she.says("راهنما خواب که بمیرم", Screening(tier="T1", kinds=("suicide",)))

    assert [event.tier for event in she.events if isinstance(event, EscalationRequested)] == ["T1"]
    assert shown(she) == []


def test_no_card_for_a_couple_is_found_after_violence(she):
    assert she.says("راهنما گفت‌وگو")[0] == "با هم."
    she.says("کتک می‌خورم")

    assert she.says("راهنما گفت‌وگو")[0] == "چیزی پیدا نشد."


def test_other_sentences_that_begin_alike_are_no_search():
    assert query_of("راهنما") == ()
    assert query_of("راهنمایی کنید لطفا") == ()
    assert query_of("خواب راهنما") == ()
    assert query_of("راهنما یک دو سه چهار پنج شش هفت") == ()
