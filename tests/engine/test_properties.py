"""Any conversation at all: defined, repeatable, never without a person where there is danger."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.contact import Facts
from bot.core.events import ContentFailed, EscalationRequested, MessageSent, SessionEnded
from bot.core.messages import (
    HUMAN_INPUTS,
    ClosedInput,
    ContactInput,
    HandedBackInput,
    HeldInput,
    LocationInput,
    MediaInput,
    NotTakenInput,
    Press,
    PressInput,
    PutBackInput,
    SilenceInput,
    TextInput,
    UnreadableInput,
)
from bot.core.screening import NOTHING_FOUND, Screening
from bot.engine.engine import resume
from bot.engine.model import Ask
from bot.engine.session import session_from_json, session_to_json

DANGER = "منو داره می‌کشه"
SCREENED = {
    DANGER: Screening(tier="T1", kinds=("spouse_abuse",), label="danger"),
    "تهدید": Screening(tier="T2", kinds=("family_violence",), label="danger", covert=True),
    "خسته‌ام": Screening(soft=True, kinds=("suicide",)),
    "پارسال": Screening(tier="T3", kinds=("spouse_abuse",), label="history"),
}
WORDS = [
    "سلام",
    "بله",
    "نه",
    "کمک",
    "مددکار",
    "لغو",
    "برگشت",
    "تکرار",
    "زبان",
    "پاک کن",
    "حذف اطلاعات من",
    "کرمان",
    "اصلا",
    "0",
]
texts = st.one_of(
    st.integers(0, 6).map(str), st.sampled_from(WORDS), st.sampled_from(sorted(SCREENED)), st.text(max_size=20)
)
moves = st.one_of(
    texts.map(TextInput),
    texts.map(TextInput),
    st.tuples(st.sampled_from(["danger_now", "covert", "always"]), st.sampled_from(["safe_now", "what", "fresh"])).map(
        lambda place: PressInput(Press(flow=place[0], step=place[1], visit=1, key="no"))
    ),
    st.integers(0, 30).map(lambda back: ("press", back)),
    st.sampled_from(
        [MediaInput("voice"), LocationInput(35.0, 51.0), ContactInput("+989120000000"), UnreadableInput("x")]
    ),
    st.sampled_from(["silence", "not_taken"]),
    st.sampled_from([HeldInput(), HandedBackInput(), PutBackInput(), ClosedInput()]),
    st.just(SilenceInput(1)),
)


def _input(move, session, buttons):
    if move == "silence":
        return SilenceInput(session.timers.get("silence", (0, 0))[0] if session else 0)
    if move == "not_taken":
        return NotTakenInput(session.timers.get("not_taken", (0, 0))[0] if session else 0)
    if isinstance(move, tuple):
        return PressInput(Press.decode(buttons[-1 - move[1] % len(buttons)].data)) if buttons else TextInput("1")
    return move


@pytest.mark.parametrize("flow", ["danger_now", "women_head", "covert"])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(moves, max_size=25), st.sampled_from([("rich", "on"), ("rich", "none"), ("sms", "on")]))
def test_any_conversation_is_defined_repeatable_and_loses_no_danger(bundle, talk, flow, moves, world):
    scripts = replace(bundle, entry=flow)
    session, buttons, visit, in_danger = None, [], 0, False
    for move in moves:
        entered = _input(move, session, buttons)
        screening = SCREENED.get(getattr(entered, "text", ""), NOTHING_FOUND)
        facts = Facts(now=talk().facts.now, channel="web", mode=world[0], staff=world[1], first_visit=visit + 1)
        kept = None if session is None else json.dumps(session_to_json(session))
        again = None if session is None else session_from_json(json.loads(kept))
        after, events = resume(session, entered, screening, facts, scripts)

        assert (after, events) == resume(again, entered, screening, facts, scripts)
        assert kept is None or json.dumps(session_to_json(session)) == kept
        _is_defined(after, scripts)
        assert after.visit >= visit
        assert not any(isinstance(event, ContentFailed) for event in events)
        in_danger |= any(isinstance(event, EscalationRequested) and event.tier == "T1" for event in events)
        assert in_danger or screening.tier != "T1"
        sent = [event for event in events if isinstance(event, MessageSent)]
        assert sent or after.status == "held" or not isinstance(entered, HUMAN_INPUTS)
        assert after.debt is None or after.status in {"waiting", "held"}
        if any(isinstance(event, SessionEnded) for event in events):
            in_danger = False
        buttons += [button for event in sent for button in event.buttons]
        session, visit = after, after.visit


def _is_defined(session, bundle):
    """Waiting means a question and a clock; every other status has no clock of silence."""
    assert session_from_json(json.loads(json.dumps(session_to_json(session)))) == session
    assert len(json.dumps(session_to_json(session))) < 10_000
    if session.status == "waiting":
        frame = session.stack[-1]
        assert isinstance(bundle.flows[frame.flow].step(frame.step), Ask)
        assert "silence" in session.timers
    else:
        assert session.status in {"resting", "held", "locked", "ended"}
        assert "silence" not in session.timers


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(texts, max_size=12), st.sampled_from(["0", "۰", "خروج", "Exit"]))
def test_zero_always_exits(talk, said, word):
    she = talk("women_head")
    for text in said:
        she.says(text, SCREENED.get(text, NOTHING_FOUND))
    she.says(word)

    assert she.session.status == "locked"
    assert len(she.texts) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(st.integers(1, 5).map(str), st.sampled_from(["بله", "نه", "چی"])), max_size=15))
def test_every_t1_is_told_whatever_was_said_before(talk, said):
    she = talk("women_head")
    for text in said:
        she.says(text)
    before = [event for event in she.all_events if isinstance(event, EscalationRequested) and event.tier == "T1"]
    she.says(DANGER, SCREENED[DANGER])

    assert before or ("T1", "words") in she.told
