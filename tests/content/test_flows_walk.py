"""Walk the published scripts with the real engine: their own talks, and many random conversations from a fixed seed.

Claims: nothing fails, an immediate answer reaches a person in its turn, a turn is short, no talk ends in danger without
a person and a number.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

import bot
from bot.content import load_screener
from bot.core.contact import Facts
from bot.core.events import ContentFailed, EscalationRequested, Event, MessageSent
from bot.core.messages import NotTakenInput, SilenceInput, TextInput
from bot.core.screening import NOTHING_FOUND
from bot.engine.engine import resume, start
from bot.engine.loader import load_bundle
from bot.engine.model import Ask, Bundle, Option
from bot.engine.session import Session
from bot.talks import run_talks

FLOWS = Path(bot.__file__).parent / "flows"
NUMBER = re.compile(r"\b(110|115|123)\b")


@cache
def published() -> Bundle:
    """Load what the repository publishes, once."""
    loaded, _ = load_bundle(FLOWS)
    assert loaded is not None
    return loaded


@dataclass(slots=True)
class Chat:
    """One conversation with a script under a clock of its own."""

    flow: str
    staff: Literal["on", "none"] = "on"
    channel: str = "web"
    now: datetime = datetime(2026, 11, 22, 8, tzinfo=UTC)
    session: Session | None = None
    said: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    due: dict[str, tuple[tuple[int, int], datetime]] = field(default_factory=dict)

    def facts(self) -> Facts:
        """Tell the engine about the moment."""
        lines = {key: line.number for key, line in published().lines.items()}
        mode: Literal["rich", "sms"] = "sms" if self.channel == "sms" else "rich"
        return Facts(now=self.now, channel=self.channel, mode=mode, staff=self.staff, lines=lines)

    def says(self, text: str) -> None:
        """Send a text; the first one begins the script."""
        if self.session is None and self.flow != published().entry:
            self._keep(*start(published(), self.facts(), self.flow))
        else:
            self._keep(*resume(self.session, TextInput(text=text), NOTHING_FOUND, self.facts(), published()))
        self.now += timedelta(seconds=20)

    def silence(self, seconds: float) -> None:
        """Let time pass and fire what is due, in order."""
        until, said = self.now + timedelta(seconds=seconds), []
        while pending := [(at, name, armed[0]) for name, (armed, at) in self.due.items() if at <= until]:
            self.now, name, visit = min(pending)
            del self.due[name]
            fired = NotTakenInput(visit=visit) if name == "not_taken" else SilenceInput(visit=visit)
            self._keep(*resume(self.session, fired, NOTHING_FOUND, self.facts(), published()))
            said += self.said
        self.now, self.said = until, said

    def _keep(self, session: Session, events: list[Event]) -> None:
        self.session, self.events = session, events
        self.said = [event.text for event in events if isinstance(event, MessageSent)]
        self.cases += [event.tier for event in events if isinstance(event, EscalationRequested)]
        armed = session.timers
        self.due = {
            name: self.due[name] if name in self.due and self.due[name][0] == pair else (pair, self._after(pair[1]))
            for name, pair in armed.items()
        }

    def _after(self, seconds: int) -> datetime:
        return self.now + timedelta(seconds=seconds)

    def waiting(self) -> Ask | None:
        """Give the question she stands at."""
        if self.session is None or not self.session.stack or self.session.status not in {"waiting", "resting"}:
            return None
        frame = self.session.top
        step = published().flows[frame.flow].step(frame.step)
        return step if isinstance(step, Ask) else None


def test_each_script_keeps_the_talks_written_in_it() -> None:
    """Through inbox, turn and commit, with the real lexicon; a case no line mentions fails its talk."""
    assert [found.render("en") for found in run_talks(published(), load_screener())] == []


def answer_of(ask: Ask, chance: random.Random) -> tuple[str, Option | None]:
    """Choose an offered answer, or words where nothing is offered."""
    kind = type(ask.spec).__name__
    options = [option for option in ask.options if option.go != "decoy"]
    free = {"Number": "3", "Scale": "9", "Place": "تهران", "Phone": "09120000000", "FreeText": "یک جمله"}.get(kind)
    if options and (free is None or chance.random() < 0.4):
        option = chance.choice(options)
        return option.label, option
    return free or "۱", None


def walk(flow: str, seed: int) -> Iterator[tuple[Chat, Option | None]]:
    """Talk at random for at most sixty turns, with silences and stray words in between."""
    chance = random.Random(f"{flow}.{seed}")
    chat = Chat(flow, staff=chance.choice(["on", "none"]), channel=chance.choice(["web", "sms", "telegram"]))
    chat.says("سلام")
    for _ in range(60):
        ask = chat.waiting()
        if ask is None:
            return
        if chance.random() < 0.04:
            chat.silence(1200)
            yield chat, None
            continue
        if chance.random() < 0.06:
            chat.says("این را نمی‌دانم چطور بگویم که روشن باشد")
            yield chat, None
            continue
        text, option = answer_of(ask, chance)
        chat.says(text)
        yield chat, option


@pytest.mark.parametrize("flow", sorted(set(published().flows) - {"always"}))
def test_random_conversations_never_fail_and_never_lose_a_danger(flow: str) -> None:
    """Forty walks a script: every answer on offer, refusals, silences and words that fit nothing."""
    for seed in range(40):
        numbers, last = False, None
        for chat, option in walk(flow, seed):
            last = chat
            numbers = numbers or any(NUMBER.search(text) for text in chat.said)
            assert not [event for event in chat.events if isinstance(event, ContentFailed)]
            if option is not None and option.danger == "immediate":
                assert "T1" in chat.cases, (seed, option.label)
            if option is not None:
                assert len(chat.said) <= 5, (seed, chat.said)
        if last is not None and last.session is not None and last.session.status == "ended":
            assert last.session.debt is None, seed
            assert numbers or last.session.risk not in {"T1", "T2"}, seed
            assert last.cases or last.session.risk not in {"T1", "T2"}, seed
