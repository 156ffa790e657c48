"""What she told once is not asked again: across scripts, in a later conversation, at a promised contact."""

from bot.core.messages import FollowUpInput

ASKS = """
flow: first_topic
title: ت
owner: ما
silence: {after: 5m, then: settle}
steps:
- {ask: where, text: کدام استان؟, place: {level: province}, once: province, skip: نمی‌گویم}
- {ask: more, text: دیگر؟, yes_no: {yes: بله, no: نه}}
- {call: other, when: more == yes, flow: second_topic}
- {end: bye, text: 123}
"""
AGAIN = """
flow: second_topic
title: ت
owner: ما
silence: {after: 5m, then: settle}
steps:
- {ask: place, text: کجا؟, place: {level: province}, once: province, skip: نمی‌گویم}
- {ask: last, text: خوب؟, yes_no: {yes: بله, no: نه}}
- {end: bye, text: 123}
"""


def test_another_script_of_the_same_talk_does_not_ask_again(script):
    she = script(ASKS, AGAIN)
    for text in ("سلام", "کرمان", "بله"):
        she.says(text)

    assert she.at == "second_topic.last"


def test_a_later_conversation_and_a_promised_contact_remember(script):
    she = script(ASKS, AGAIN)
    for text in ("سلام", "کرمان", "نه"):
        she.says(text)
    assert she.session.status == "ended"
    she.says("سلام")
    assert she.at == "first_topic.more"
    assert she.session.province == "IR-08"

    she.says("نه")
    she.gives(FollowUpInput("second_topic"))
    assert she.at == "second_topic.last"


def test_after_a_quick_exit_nothing_of_before_is_known(script):
    she = script(ASKS, AGAIN)
    for text in ("سلام", "کرمان", "0", "سلام", "1"):
        she.says(text)

    assert she.at == "first_topic.where"


def test_a_refusal_is_asked_again_in_a_later_talk(script):
    she = script(ASKS, AGAIN)
    for text in ("سلام", "نمی‌گویم", "نه", "سلام"):
        she.says(text)

    assert she.at == "first_topic.where"
