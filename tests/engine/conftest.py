"""A conversation with the engine alone: says, presses, waits; the session goes through JSON between any two turns."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.contact import Facts
from bot.core.events import EscalationRequested, Event, MessageSent
from bot.core.messages import Button, Input, NotTakenInput, Press, PressInput, SilenceInput, TextInput
from bot.core.screening import NOTHING_FOUND, Screening
from bot.engine.engine import resume
from bot.engine.loader import load_bundle
from bot.engine.model import Bundle
from bot.engine.session import Session, session_from_json, session_to_json

FIXTURES = Path(__file__).parents[1] / "flowlang" / "fixtures"


class Conversation:
    """One contact's conversation; `events` are those of the last turn, `all_events` of every turn."""

    def __init__(self, bundle: Bundle, *, entry: str = "", **facts: object) -> None:
        self.bundle = replace(bundle, entry=entry or bundle.entry)
        self.session: Session | None = None
        self.events: list[Event] = []
        self.all_events: list[Event] = []
        given = {"now": datetime(2026, 11, 22, 8, tzinfo=UTC), "channel": "web", "mode": "rich"}
        self.facts = Facts(**{**given, **facts})

    def gives(self, entered: Input, screening: Screening = NOTHING_FOUND) -> list[Event]:
        """Send any input; gives the turn's events."""
        last = self.session.visit if self.session else self.facts.first_visit - 1
        facts = replace(self.facts, first_visit=last + 1)
        before = (
            None if self.session is None else session_from_json(json.loads(json.dumps(session_to_json(self.session))))
        )
        self.session, self.events = resume(before, entered, screening, facts, self.bundle)
        self.all_events += self.events
        return self.events

    def says(self, text: str, screening: Screening = NOTHING_FOUND) -> list[str]:
        """Write a text; gives the texts that came back."""
        self.gives(TextInput(text), screening)
        return self.texts

    def presses(self, label: str) -> list[str]:
        """Press the newest button with a label."""
        self.gives(PressInput(Press.decode(self.button(label).data)))
        return self.texts

    def is_silent(self) -> list[str]:
        """Let the waiting question's clock run out."""
        self.gives(SilenceInput(self.session.timers["silence"][0]))
        return self.texts

    def is_not_taken(self) -> list[str]:
        """Let the clock of an untaken case run out."""
        self.gives(NotTakenInput(self.session.timers["not_taken"][0]))
        return self.texts

    def button(self, label: str) -> Button:
        """Find the newest button with a label."""
        sent = [event for event in reversed(self.all_events) if isinstance(event, MessageSent)]
        return next(button for event in sent for button in event.buttons if button.label == label)

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, MessageSent)]

    @property
    def told(self) -> list[tuple[str, str]]:
        """The escalations of the last turn: (tier, cause)."""
        return [(event.tier, event.cause) for event in self.events if isinstance(event, EscalationRequested)]

    @property
    def kinds(self) -> list[str]:
        """What happened in the last turn, by name."""
        return [type(event).__name__ for event in self.events]

    @property
    def at(self) -> str:
        """The waiting question as flow.step."""
        frame = self.session.stack[-1]
        return f"{frame.flow}.{frame.step}"


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    found, issues = load_bundle(FIXTURES)
    assert found is not None, issues
    return found


@pytest.fixture
def talk(bundle: Bundle) -> Callable[..., Conversation]:
    def begin(entry: str = "danger_now", **facts: object) -> Conversation:
        return Conversation(bundle, entry=entry, **facts)

    return begin


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Conversation]:
    """Begin a conversation with scripts given as text: the first is the entry."""

    def begin(*sources: str, instruments: dict[str, str] | None = None, **facts: object) -> Conversation:
        shutil.copy(FIXTURES / "always.yaml", tmp_path / "always.yaml")
        names = [source.split("flow:", 1)[1].split()[0] for source in sources]
        for name, source in zip(names, sources, strict=True):
            (tmp_path / f"{name}.yaml").write_text(source, "utf-8")
        (tmp_path / "welcome.yaml").write_text(_WELCOME, "utf-8")
        (tmp_path / "instruments").mkdir(exist_ok=True)
        for name, source in (instruments or {}).items():
            (tmp_path / "instruments" / f"{name}.yaml").write_text(source, "utf-8")
        found, issues = load_bundle(tmp_path)
        assert found is not None, issues
        assert not [issue for issue in issues if issue.severity == "E"], issues
        return Conversation(found, entry=names[0], **facts)

    return begin


_WELCOME = """
flow: welcome
title: شروع
owner: ما
silence: {after: 5m, then: settle}
steps:
- {ask: hello, text: سلام., yes_no: {yes: بله, no: نه}}
- {end: bye, text: بدرود. 123}
"""
