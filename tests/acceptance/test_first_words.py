"""What her very first words tell decides where she is led; sums of answers count as soon as they are dangerous."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.core.contact import Facts
from bot.core.events import EscalationRequested, MessageSent
from bot.core.messages import SilenceInput, TextInput
from bot.core.screening import NOTHING_FOUND
from bot.engine.engine import resume, start
from bot.engine.loader import load_flow
from bot.engine.model import Bundle
from bot.engine.session import Session
from bot.turn import take_turn

NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
YES = TextInput("بله")


def _first(bundle, screener, text, channel="web"):
    mode = "sms" if channel == "sms" else "rich"
    facts = Facts(now=NIGHT, channel=channel, mode=mode)
    turn = take_turn(None, TextInput(text), earlier=(), facts=facts, bundle=bundle, screener=screener)
    return turn.session, [event.text for event in turn.events if isinstance(event, MessageSent)]


@pytest.mark.parametrize("channel", ["web", "telegram", "sms"])
@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("می‌خوام بمیرم", "suicide.done"),
        ("به خودم آسیب می‌زنم", "self_harm.wound"),
        ("شوهرم کتکم می‌زنه", "danger_now.safe_now"),
        ("بچمو می‌زنه باباش", "child.who"),
        ("سه روزه چیزی نخوردیم", "hunger.today"),
        ("عکسمو می‌خواد پخش کنه", "extortion.meet"),
        ("همسایه‌مون بچه‌شو می‌زنه", "reporter.about"),
    ],
)
def test_first_words_lead_to_their_script_after_the_acknowledgement(bundle, screener, channel, words, place) -> None:
    session, texts = _first(bundle, screener, words, channel)
    flow, step = place.split(".")

    assert flow in [frame.flow for frame in session.stack]
    assert (flow, step) == (session.stack[-1].flow, session.stack[-1].step)
    assert "123" in texts[0]
    assert "محرمانه" in texts[1]
    assert len(texts) <= 5
    assert not any("این گوشی یا این برنامه" in text for text in texts)


def test_other_danger_is_acknowledged_before_the_greeting_and_the_usual_question(bundle, screener) -> None:
    deaf = replace(bundle.flows["welcome"], heard=())
    bundle = replace(bundle, flows={**bundle.flows, "welcome": deaf})
    session, texts = _first(bundle, screener, "عکسمو می‌خواد پخش کنه", "sms")

    assert "123" in texts[0]
    assert "اورژانس اجتماعی" in texts[1]
    assert "shared" == session.stack[-1].step


def test_a_harmless_first_word_gets_the_greeting(bundle, screener) -> None:
    session, texts = _first(bundle, screener, "سلام")

    assert texts[0].startswith("سلام")
    assert ("welcome", "shared") == (session.stack[-1].flow, session.stack[-1].step)


def test_an_unknown_kind_under_heard_is_an_error(bundle) -> None:
    text = "flow: door\ntitle: در\nowner: من\nheard: {bye: [rage]}\nsteps:\n- end: bye\n"
    _, issues = load_flow(text, "door.yaml", bundle)

    assert "bad_value" in [issue.rule for issue in issues]


def _at_da5(bundle: Bundle) -> tuple[Session, Facts]:
    facts = Facts(now=NIGHT, channel="web", mode="rich")
    session, _ = start(bundle, facts, "violence")
    answers = ["1", "2", "2", "1", "1", "2", "1", "3"]  # safe, HARK: yes yes no yes, long ago
    for answer in answers:
        session, _ = resume(session, TextInput(answer), NOTHING_FOUND, facts, bundle)
    return session, facts


def test_answers_that_only_together_are_dangerous_count_when_she_falls_silent(bundle) -> None:
    session, facts = _at_da5(bundle)
    assert session.stack[-1].step.startswith("da5.")
    for _ in range(3):
        session, _ = resume(session, YES, NOTHING_FOUND, facts, bundle)
    session, events = resume(session, SilenceInput(session.timers["silence"][0]), NOTHING_FOUND, facts, bundle)

    assert ["T2"] == [event.tier for event in events if isinstance(event, EscalationRequested)]
    assert session.debt is None


def test_silence_at_a_question_over_the_script_pays_what_the_script_owes(bundle) -> None:
    session, facts = _at_da5(bundle)
    for entered in (YES, YES, YES, TextInput("زبان")):
        session, _ = resume(session, entered, NOTHING_FOUND, facts, bundle)
    assert "which_language" == session.stack[-1].step
    session, events = resume(session, SilenceInput(session.timers["silence"][0]), NOTHING_FOUND, facts, bundle)

    assert ["T2"] == [event.tier for event in events if isinstance(event, EscalationRequested)]


def test_the_answer_that_makes_a_sum_immediate_acts_in_its_own_turn(bundle) -> None:
    session, facts = _at_da5(bundle)
    told = []
    for _ in range(4):
        session, events = resume(session, YES, NOTHING_FOUND, facts, bundle)
        told.append([event.tier for event in events if isinstance(event, EscalationRequested)])

    assert [[], [], [], ["T1"]] == told
    assert any("110" in event.text for event in events if isinstance(event, MessageSent))
