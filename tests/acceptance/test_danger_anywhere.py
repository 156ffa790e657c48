"""The first promise: immediate danger, said or pressed anywhere, opens one T1 case in that turn and gives the lines.

Breadth by the engine alone (every wait of every script, on three settings), depth by the simulator: the very path from
the inbox row to the case that production runs.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import cycle

import pytest
from acceptance.cries import CRIES, SPLIT
from acceptance.walks import UNFIT, Wait, World, press, texts, told

from bot.content import PACKAGE_FLOWS, load_screener, simulated_core
from bot.core.clock import VirtualClock
from bot.core.events import ContentFailed, Event
from bot.core.messages import HeldInput, MediaInput, PressInput, SilenceInput, TextInput
from bot.engine.loader import load_bundle
from bot.engine.model import Ask, Bundle
from bot.engine.session import Session
from bot.simulator import Simulator, Step, press_among

LINE = re.compile(r"(?<!\d)(110|123)(?!\d)")
SETTINGS = {
    "web": {"channel": "web", "mode": "rich"},
    "covert": {"channel": "telegram", "mode": "rich"},
    "sms with nobody on shift": {"channel": "sms", "mode": "sms", "staff": "none"},
}
#: Of how many waits the simulator takes one: the engine has been at each already.
EVERY = 3


@cache
def published() -> Bundle:
    loaded, _ = load_bundle(PACKAGE_FLOWS)
    assert loaded is not None
    return loaded


screener = cache(load_screener)


@cache
def world(setting: str) -> World:
    return World(published(), screener(), **SETTINGS[setting])


@cache
def waits(setting: str) -> tuple[Wait, ...]:
    """Give every wait of every script, in a setting."""
    flows = [name for name in published().flows if name != "always"]
    return tuple(wait for name in flows for wait in world(setting).walk(name, covert=setting == "covert"))


def broken(before: Session, after: Session, events: list[Event]) -> list[str]:
    """Say what of the promise a turn broke."""
    said = texts(events)
    found = []
    if not after.case or after.told_tier != "T1" or after.debt is not None:
        found.append("no T1 case")
    if (before.told_tier if before.case else None) != "T1" and told(events) != ["T1"]:
        found.append(f"not told once, in this turn: {told(events)}")
    if not any(LINE.search(text) for text in said):
        found.append(f"no line to call: {said}")
    if after.covert and any(len(text) > 40 for text in said):
        found.append(f"too much on a screen someone may see: {said}")
    if after.status != "waiting" or len(said) > 5 or any(isinstance(event, ContentFailed) for event in events):
        found.append(f"{after.status}, {len(said)} messages")
    return found


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_cry_at_every_wait_of_every_script_is_told_in_its_own_turn(setting: str) -> None:
    failures = []
    for wait, cry in zip(waits(setting), cycle(CRIES), strict=False):
        after, events = world(setting).says(wait.session, cry)
        failures += [(wait.name, wait.path, cry, fault) for fault in broken(wait.session, after, events)]

    assert failures == []


@pytest.mark.parametrize("setting", SETTINGS)
def test_after_a_cry_the_conversation_goes_on(setting: str) -> None:
    for wait, cry in zip(waits(setting)[::4], cycle(CRIES), strict=False):
        after, _ = world(setting).says(wait.session, cry)
        again, events = world(setting).says(after, "رفتم", (cry,))

        assert texts(events), wait
        assert again.status in {"waiting", "resting"}
        assert told(events) == []


def test_a_cry_in_two_messages_is_told_at_the_second() -> None:
    failures = []
    for wait, (head, tail) in zip(waits("web"), cycle(SPLIT), strict=False):
        begun, _ = world("web").says(wait.session, head)
        if begun.status == "waiting" and begun.stack:
            after, events = world("web").says(begun, tail, (head,))
            failures += [(wait.name, head, tail, fault) for fault in broken(begun, after, events)]

    assert failures == []


@pytest.mark.parametrize("setting", ["web", "sms with nobody on shift"])
def test_every_immediate_answer_opens_the_case_in_its_turn(setting: str) -> None:
    failures, pressed = [], set()
    for wait in waits(setting):
        for option in world(setting).waiting(wait.session).options:
            if option.danger == "immediate":
                pressed.add((wait.name, option.key))
                after, events = world(setting).take(wait.session, press(wait.session, option.key))
                failures += [(wait.name, option.key, fault) for fault in broken(wait.session, after, events)]

    assert failures == []
    assert set(immediate_answers()) == pressed


def immediate_answers() -> Iterator[tuple[str, str]]:
    """Give every answer of the scripts that means danger now."""
    for flow in published().flows.values():
        for step in flow.steps if flow.id != "always" else ():
            if isinstance(step, Ask):
                yield from (
                    (f"{flow.id}.{step.id}", option.key) for option in step.options if option.danger == "immediate"
                )


def test_the_walk_has_been_at_every_question_of_the_scripts() -> None:
    asked = {
        f"{flow.id}.{step.id}"
        for flow in published().flows.values()
        for step in flow.steps
        if isinstance(step, Ask) and flow.id != "always"
    }

    assert asked == asked & {wait.name for wait in waits("web")}


# -- states in which no script is waiting -----------------------------------------------------------------------------


@pytest.mark.parametrize("cry", CRIES)
def test_a_cry_as_the_very_first_words_gets_the_lines_first(cry: str) -> None:
    after, events = world("sms with nobody on shift").says(None, cry)

    assert [] == broken(Session(""), after, events)
    assert LINE.search(texts(events)[0])


def test_a_cry_to_a_resting_session_is_told() -> None:
    rested = 0
    for wait, cry in zip(waits("web")[::3], cycle(CRIES), strict=False):
        before, _ = world("web").take(wait.session, SilenceInput(wait.session.timers["silence"][0]))
        if before.status == "resting":
            rested += 1
            after, events = world("web").says(before, cry)
            assert [] == broken(before, after, events), (wait, cry)

    assert rested >= 20


def test_a_cry_over_questions_that_stand_over_the_script_is_told() -> None:
    before, _ = world("web").says(None, "سلام")
    for entered in (TextInput("زبان"), TextInput("پاک کن"), TextInput("حذف اطلاعات من"), MediaInput("voice")):
        over, _ = world("web").take(before, entered)
        assert "always" == over.stack[-1].flow
        for cry in CRIES[::6]:
            after, events = world("web").says(over, cry)
            assert [] == broken(over, after, events), (entered, cry)


def test_after_quick_exit_a_cry_raises_the_case_and_nothing_shows() -> None:
    for cry in CRIES[::5]:
        before, _ = world("web").says(None, "سلام")
        locked, _ = world("web").says(before, "0")
        after, events = world("web").says(locked, cry)

        assert ["T1"] == told(events)
        assert not any(LINE.search(text) for text in texts(events))
        assert after.case


def test_while_a_counsellor_holds_it_a_cry_raises_the_case_and_the_bot_is_silent() -> None:
    before, _ = world("web").says(None, "می‌خوام بمیرم")
    held, _ = world("web").take(before, HeldInput())
    _, events = world("web").says(held, CRIES[0])

    assert ["T1"] == told(events)
    assert [] == texts(events)


# -- the whole path ---------------------------------------------------------------------------------------------------


def simulate(path: tuple[str, ...], channel: str) -> Simulator:
    """Lead a citizen along a path of answers, through inbox, turn and commit."""
    clock = VirtualClock(world("web").facts.now)
    simulator = Simulator(simulated_core(published(), screener(), clock), clock, channel=channel)
    simulator.send(TextInput("سلام"))
    for label in path:
        clock.advance(200)
        found = press_among(simulator.buttons, label)
        simulator.send(TextInput(label) if found is None else PressInput(found))
    clock.advance(200)
    return simulator


def kept(simulator: Simulator, step: Step) -> list[str]:
    """Say what of the promise the tables do not show."""
    cases = [case for case in simulator.cases() if case["state"] != "closed"]
    found = [] if [case["tier"] for case in cases] == ["T1"] else [f"cases: {[case['tier'] for case in cases]}"]
    found += [] if any(LINE.search(said.text) for said in step.out) else ["no line to call"]
    return found + ([] if simulator.buttons or step.out else ["nothing goes on"])


def test_the_whole_path_keeps_the_promise_at_many_waits() -> None:
    spots = [wait for wait in world("web").walk("welcome") if not {"…", UNFIT} & set(wait.path)]
    failures = []
    for number, (wait, cry) in enumerate(zip(spots[::EVERY], cycle(CRIES), strict=False)):
        simulator = simulate(wait.path, ("web", "telegram", "bale", "sms")[number % 4])
        had = [case["tier"] for case in simulator.cases()]
        step = simulator.send(TextInput(cry))
        faults = kept(simulator, step)
        if had != ["T1"] and [case["tier"] for case in step.cases] != ["T1"]:
            faults.append("not in this turn")
        failures += [(wait.name, cry, fault) for fault in faults]

    assert failures == []
    assert len(spots) // EVERY >= 40
