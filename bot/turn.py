"""One turn, pure: read the text for danger, give session and input to the engine, name what it caused.

Knows no database, no clock and no channel; the worker brings the facts and commits what comes back.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from bot.core.contact import Facts
from bot.core.events import Event
from bot.core.messages import TEXT_CHARS_MAX, Input, PressInput, TextInput
from bot.core.screening import NOTHING_FOUND, Screening
from bot.core.text import fold, squash
from bot.core.values import value
from bot.engine.danger import option_of
from bot.engine.engine import answers_danger, resume
from bot.engine.handlers import FIRST
from bot.engine.model import Bundle
from bot.engine.session import Session

_OVERLAP = 200


class Screener(Protocol):
    """Whoever reads danger in a text (bot.triage)."""

    @property
    def version(self) -> str:
        """Which words it hears by; kept with each turn."""
        ...

    def screen(self, text: str, earlier: Sequence[str] = ()) -> Screening:
        """Read one text; `earlier` are the texts of the last 90 s, oldest first."""
        ...


@value()
class Turn:
    """What one input did: the new session, everything it caused in order, and what was read in the words."""

    session: Session
    events: list[Event]
    screening: Screening


def take_turn(
    session: Session | None,
    received: Input,
    *,
    earlier: Sequence[str],
    facts: Facts,
    bundle: Bundle,
    screener: Screener,
) -> Turn:
    """Run one input through screening and the engine."""
    screening = _read(screener, received, earlier) if isinstance(received, TextInput) else NOTHING_FOUND
    after, events = resume(session, received, screening, facts, bundle)
    return Turn(after, events, screening)


def cannot_wait(
    session: Session | None, received: Input, facts: Facts, bundle: Bundle, screener: Screener | None
) -> bool:
    """True for danger, force and leaving in a hurry: they do not wait behind an earlier message that failed.

    Without a screener a text is judged by its form alone, and by the answer that it names exactly.
    """
    match received:
        case TextInput(text):
            folded = fold(text)
            leaves = folded == "0" or bundle.always.words.get(folded) in FIRST
            if leaves or _is_duress(session, text):
                return True
            if session is not None and answers_danger(session, text, facts, bundle):
                return True
            return screener is not None and _read(screener, received, ()).tier == "T1"
        case PressInput(press):
            option = option_of(bundle, press)
            is_danger = option is not None and option.danger == "immediate"
            return is_danger or (press.flow == "always" and press.step in FIRST)
    return False


def _is_duress(session: Session | None, text: str) -> bool:
    return session is not None and bool(session.duress_word) and squash(text) == session.duress_word


def _read(screener: Screener, received: TextInput, earlier: Sequence[str]) -> Screening:
    """Read what she wrote; of what is too long to keep, the worst that is found counts."""
    found = screener.screen(received.text, earlier)
    for at in range(0, len(received.rest), TEXT_CHARS_MAX):
        begin = max(0, at - _OVERLAP)  # a sentence may lie across the cut
        before = received.text[-_OVERLAP:] if at == 0 else ""
        further = screener.screen(before + received.rest[begin : at + TEXT_CHARS_MAX])
        covert = found.covert or further.covert  # who watches her screen reads the answer to all of it
        if (further.tier or "T9", not further.soft) < (found.tier or "T9", not found.soft):
            found = replace(further, kinds=tuple(dict.fromkeys((*further.kinds, *found.kinds))))
        found = replace(found, covert=covert)
    return found
