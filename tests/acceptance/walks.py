"""Every wait of every script, reached by answering: a breadth-first walk over the engine's own sessions.

A session is a value, so each wait is reached once and forked as often as a test likes.
"""

from collections import Counter, deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot.core.contact import Facts
from bot.core.events import EscalationRequested, Event, MessageSent
from bot.core.messages import Input, Press, PressInput, SilenceInput, TextInput
from bot.engine.engine import start
from bot.engine.model import Ask, Bundle, Choice, Date, FreeText, Multi, Number, Phone, Place, Scale
from bot.engine.session import Session
from bot.turn import Screener, take_turn

#: With how many different pasts one wait may be left: enough for every `when` of a script, and fewer for the entry,
#: through which all others are reached again.
VARIANTS_MAX, ENTRY_VARIANTS_MAX = 12, 2
#: Words that fit no answer of any question.
UNFIT = "چیزی که هیچ گزینه‌ای نیست"
_TYPED = {Number: "2", Phone: "09121234567", Place: "تهران", Date: "1405/01/01", FreeText: "سلام"}


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait and the conversation that reached it."""

    session: Session
    flow: str
    step: str
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """Give `flow.step`."""
        return f"{self.flow}.{self.step}"


class World:
    """Scripts, screener and facts of one channel: takes inputs, walks."""

    def __init__(self, bundle: Bundle, screener: Screener, **facts: Any) -> None:
        given: dict[str, Any] = {"now": datetime(2026, 11, 22, 3, tzinfo=UTC), "channel": "web", "mode": "rich"}
        self.bundle = bundle
        self.facts = Facts(**{**given, "lines": {key: line.number for key, line in bundle.lines.items()}, **facts})
        self._screener = screener

    def take(
        self, session: Session | None, entered: Input, earlier: tuple[str, ...] = ()
    ) -> tuple[Session, list[Event]]:
        """Give the session after one input, and its events; the session given stays as it was."""
        facts = replace(self.facts, first_visit=1 if session is None else session.visit + 1)
        turn = take_turn(session, entered, earlier=earlier, facts=facts, bundle=self.bundle, screener=self._screener)
        return turn.session, turn.events

    def says(self, session: Session | None, text: str, earlier: tuple[str, ...] = ()) -> tuple[Session, list[Event]]:
        """Let her write."""
        return self.take(session, TextInput(text), earlier)

    def waiting(self, session: Session) -> Ask:
        """Give the question a session stands at."""
        frame = session.stack[-1]
        ask = self.bundle.flows[frame.flow].step(frame.step)
        assert isinstance(ask, Ask), (frame.flow, frame.step)
        return ask

    def walk(self, flow: str, *, covert: bool = False) -> list[Wait]:
        """Give every wait that answers, silence or a wrong word reach from the beginning of a flow, each once."""
        most = ENTRY_VARIANTS_MAX if flow == self.bundle.entry else VARIANTS_MAX
        session, _ = start(self.bundle, self.facts, flow)
        session.covert = session.covert or covert
        seen: dict[tuple[Any, ...], Wait] = {}
        first: dict[str, Wait] = {}
        count: Counter[str] = Counter()
        queue = deque([(session, ())])
        while queue:
            session, path = queue.popleft()
            if session.status in {"ended", "locked"} or not session.stack:
                continue
            frame = session.stack[-1]
            name = f"{frame.flow}.{frame.step}"
            shape = _shape(frame.answers)
            plain = (name, session.risk, session.safe, session.status, *(key for key, _ in shape))
            key = (*plain, shape)
            if key in seen or (plain in seen and count[name] >= most):
                continue
            count[name] += 1
            seen[key] = seen[plain] = wait = Wait(session, frame.flow, frame.step, path)
            first.setdefault(wait.name, wait)
            for label, entered in self._inputs(session):
                queue.append((self.take(session, entered)[0], (*path, label)))
        return list(first.values())

    def _inputs(self, session: Session) -> list[tuple[str, Input]]:
        ask = self.waiting(session)
        found: list[tuple[str, Input]] = [
            (option.key, press(session, option.key)) for option in ask.options if not isinstance(ask.spec, Multi)
        ]
        match ask.spec:
            case Multi():
                found += [(option.key, press(session, option.key)) for option in ask.options]
            case Scale(low=low, high=high):
                found += [(str(number), TextInput(str(number))) for number in (low, high)]
            case Number(low=low, high=high):
                found += [(str(number), TextInput(str(number))) for number in (low, high)]
            case Choice():
                pass
            case spec:
                typed = _TYPED.get(type(spec))
                found += [(typed, TextInput(typed))] if typed else []
        if "silence" in session.timers:
            found.append(("…", SilenceInput(session.timers["silence"][0])))
        found.append((UNFIT, TextInput(UNFIT)))
        return found


def press(session: Session, key: str) -> PressInput:
    """Give the press of one answer of the waiting question, as its button would send it."""
    frame = session.stack[-1]
    return PressInput(Press(flow=frame.flow, step=frame.step, visit=session.visit, key=key))


def texts(events: list[Event]) -> list[str]:
    """Give what she reads in a turn."""
    return [event.text for event in events if isinstance(event, MessageSent)]


def told(events: list[Event]) -> list[str]:
    """Give the tiers that the case heard in a turn."""
    return [event.tier for event in events if isinstance(event, EscalationRequested)]


def _shape(answers: dict[str, Any]) -> tuple[Any, ...]:
    """Give what of the answers tells two pasts apart: an instrument's sum stands for its items."""
    kept = (name for name in answers if "." not in name or name.endswith(".points"))
    return tuple(sorted((name, str(answers[name])) for name in kept))
