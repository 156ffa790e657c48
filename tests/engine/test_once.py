"""What she answered in this talk is not asked again by a later script, unless she goes back to change it."""

import pytest

_FIRST = """
flow: first
title: یک
owner: ما
silence: {after: 5m, then: settle}
steps:
- {ask: where, text: در کدام استان هستید؟, place: {level: province}, skip: نمی‌گویم, once: province}
- {call: then, flow: second}
- {ask: last, text: و دیگر؟, yes_no: {yes: بله, no: نه}}
- {end: bye, text: بدرود. 123}
"""
_SECOND = """
flow: second
title: دو
owner: ما
silence: {after: 5m, then: settle}
steps:
- {ask: hello, text: شروع کنیم؟, yes_no: {yes: بله, no: نه}}
- {ask: place, text: استانتان کجاست؟, place: {level: province}, skip: نمی‌گویم, once: province}
- {ask: theirs, text: استانِ او کجاست؟, place: {level: province}, skip: نمی‌گویم}
- {say: south, when: place == kerman, text: کرمانی هستید.}
- {end: bye, text: باشد. 123}
"""


@pytest.fixture
def she(script):
    conversation = script(_FIRST, _SECOND)
    conversation.says("سلام")
    return conversation


def test_the_province_is_asked_once_and_each_script_knows_it(she):
    she.says("کرمان")
    she.says("بله")
    assert "استانِ او" in she.texts[-1]  # another's province is another question

    she.says("یزد")

    assert "کرمانی" in " ".join(she.texts)


def test_a_refusal_is_no_knowledge_and_is_asked_again(she):
    she.says("نمی‌گویم")
    she.says("بله")

    assert "استانتان" in she.texts[-1]


def test_back_leads_to_the_question_that_was_not_asked_and_changes_the_answer(she):
    she.says("کرمان")
    she.says("بله")
    she.says("برگشت")
    assert "استانتان" in she.texts[-1]

    she.says("تهران")
    she.says("یزد")

    assert "کرمانی" not in " ".join(she.texts)
    assert "tehran" == she.session.given["province"]


def test_a_new_talk_asks_anew_and_whoever_unlocks_the_phone_is_asked_too(she):
    she.says("کرمان")
    she.says("0")
    she.says("سلام")

    assert {} == she.session.given
