"""Whatever a script does, she gets an answer and a person hears of it."""

from dataclasses import replace

import pytest

from bot.core.contact import Facts
from bot.core.events import ContentFailed, InputKept, MessageSent, QuickExitUsed, SessionEnded, TextCut
from bot.core.messages import HeldInput, TextInput
from bot.core.screening import NOTHING_FOUND, Screening
from bot.engine import engine
from bot.engine.engine import resume, start
from bot.engine.failing import SAFE_MESSAGE, SAFE_MESSAGE_DISCREET
from bot.engine.model import Bundle, Go, Say, Texts
from bot.engine.session import Frame, Session


def broken(bundle: Bundle, *steps) -> Bundle:
    """Put steps in place of the middle of danger_now."""
    flow = bundle.flows["danger_now"]
    hurt = flow.index["hurt"]
    changed = replace(flow, steps=(*flow.steps[:hurt], *steps, *flow.steps[hurt + 1 :]))
    return replace(bundle, flows={**bundle.flows, "danger_now": changed})


SPIN = Go(id="hurt", go="hurt")
LOST = Go(id="hurt", go="nowhere")
WORDY = Say(id="hurt", texts=Texts(text=("یک", "دو", "سه", "چهار", "پنج", "شش")))


@pytest.mark.parametrize("step", [SPIN, LOST, WORDY])
def test_a_broken_script_gives_the_safe_message_and_a_case(bundle, talk, step):
    she = talk("danger_now")
    she.bundle = broken(she.bundle, step)
    she.says("سلام")
    she.says("۱")
    she.says("نه")

    assert [event.text for event in she.events if isinstance(event, MessageSent)] == [SAFE_MESSAGE]
    assert isinstance(she.events[0], InputKept)
    assert any(isinstance(event, ContentFailed) for event in she.events)
    assert she.told == [("T2", "failure")]
    assert she.at == "danger_now.near"
    assert she.session.status == "resting"
    assert all(number in SAFE_MESSAGE for number in ("110", "115", "123"))


def test_a_failure_never_loses_a_danger(bundle, talk):
    she = talk("danger_now")
    flow = {key: value for key, value in bundle.flows.items() if key != "always"}
    she.says("سلام")
    she.bundle = replace(she.bundle, flows=flow)
    she.says("منو می‌زنه", Screening(tier="T1", kinds=("spouse_abuse",), covert=True))

    assert she.told == [("T1", "failure")]
    assert she.texts == [SAFE_MESSAGE_DISCREET]


def test_a_failing_turn_pays_what_was_owed(bundle, talk):
    she = talk("danger_now")
    she.bundle = broken(she.bundle, LOST)
    she.says("سلام")
    she.says("ترجیح می‌دهم نگویم")
    she.says("نه")

    assert she.told == [("T2", "failure")]
    assert she.session.debt is None


def test_zero_leaves_even_when_flow_always_is_gone(talk):
    she = talk("danger_now")
    she.says("سلام")
    flows = {key: value for key, value in she.bundle.flows.items() if key != "always"}
    she.bundle = replace(she.bundle, flows=flows)
    she.says("0")

    assert she.session.status == "locked"
    assert any(isinstance(event, QuickExitUsed) for event in she.events)
    assert "هوا" in she.texts[0]


def test_a_failure_while_held_shows_nothing(talk):
    she = talk("danger_now")
    she.says("سلام")
    she.gives(HeldInput())
    she.bundle = replace(she.bundle, flows={})
    she.says("سلام")

    assert she.texts == []
    assert she.told == [("T2", "failure")]
    assert she.session.status == "held"


def test_a_session_of_a_flow_that_is_gone_reaches_a_person_and_begins_anew(talk, bundle):
    she = talk("danger_now")
    she.session = Session(she.bundle.version, stack=[Frame("gone", "gone", 3)], visit=3)
    she.says("سلام")
    assert she.told == [("T2", "failure")]
    assert she.session.status == "ended"

    she.says("سلام")
    assert she.at == "danger_now.safe_now"
    assert she.session.visit > 3


def test_an_empty_bundle_never_raises(talk):
    facts = talk().facts
    for text in ("سلام", "0", ""):
        session, events = resume(None, TextInput(text), NOTHING_FOUND, facts, Bundle())
        assert any(isinstance(event, ContentFailed) for event in events)
        assert session.status in {"ended", "locked"}
    assert any(isinstance(event, ContentFailed) for event in start(Bundle(), facts)[1])


def test_five_hundred_turns_belong_to_a_person(talk):
    she = talk("danger_now")
    she.says("سلام")
    she.says("۲")
    she.says("رفتم")
    for _ in range(engine.TURNS_MAX):
        she.says("هنوز همین‌جا هستم")
        if she.session.status == "ended":
            break

    assert isinstance(she.events[-1], SessionEnded)
    assert she.events[-1].outcome == "too_long"
    assert she.texts


def test_a_text_that_was_cut_is_noted(talk):
    she = talk("danger_now")
    she.gives(TextInput("سلام" * 1000, "سلام"))

    assert TextCut() in she.events


def test_the_session_given_in_is_never_changed(talk):
    she = talk("danger_now")
    she.says("سلام")
    before = she.session
    kept = before.copy()
    resume(before, TextInput("۲"), NOTHING_FOUND, she.facts, she.bundle)
    resume(before, TextInput("0"), NOTHING_FOUND, she.facts, she.bundle)

    assert before == kept


def test_start_begins_a_conversation_without_an_input(talk):
    she = talk("danger_now")
    session, events = start(she.bundle, she.facts)
    assert session.stack[-1].step == "safe_now"
    assert not any(getattr(event, "proactive", False) for event in events)

    session, events = start(she.bundle, she.facts, "check_in")
    assert session.stack[-1].flow == "check_in"
    assert all(event.proactive for event in events if isinstance(event, MessageSent))


def test_visits_go_on_over_a_contacts_life(talk):
    she = talk("danger_now")
    facts = Facts(now=she.facts.now, channel="web", mode="rich", first_visit=41)
    session, _ = resume(None, TextInput("سلام"), NOTHING_FOUND, facts, she.bundle)

    assert session.visit == 41
