"""What a turn caused, in the past tense. The engine emits these; bot.app maps each type to rows (one dict).

Every event names flow, step and visit. None carries a person's words: what she wrote is in the inbox row and
the transcript, encrypted; an event points, it does not quote.
"""

from typing import Literal

from bot.core.messages import Button
from bot.core.screening import Tier
from bot.core.values import value

#: Stands in a text for a code that only the commit draws.
RESUME_MARK = "{resume_code}"

Cause = Literal["step", "words", "media", "human", "unclear", "late", "net", "failure"]


@value(kw_only=True)
class Event:
    """The place in the script where something happened; empty flow means outside any script."""

    flow: str = ""
    step: str = ""
    visit: int = 0


@value(kw_only=True)
class MessageSent(Event):
    """A text for the contact, ready to render. `urgent` rides the urgent lane of the outbox."""

    text: str
    buttons: tuple[Button, ...] = ()
    urgent: bool = False
    proactive: bool = False


@value(kw_only=True)
class QuestionAsked(Event):
    """The wait that the session now stands at; its text was a MessageSent just before."""

    question: str
    again: bool = False


@value(kw_only=True)
class AnswerRecorded(Event):
    """An answer by its key(s), never the words. `personal` answers show as given / not given."""

    keys: tuple[str, ...]
    label: str = ""
    sensitive: bool = False


@value(kw_only=True)
class NotUnderstood(Event):
    """The input fitted no answer; `tries` counts this question's misunderstandings."""

    tries: int


@value(kw_only=True)
class RiskRaised(Event):
    """The session's strongest tier rose, or new kinds were learnt. `why` is Persian, for staff."""

    tier: Tier
    kinds: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


@value(kw_only=True)
class EscalationRequested(Event):
    """A person must take this up: opens the contact's one open case, or raises and enriches it.

    `province` is a province code («IR-23») when known; `child` says that a child is involved.
    """

    tier: Tier
    cause: Cause
    kinds: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    desk: str = "auto"
    province: str = ""
    child: bool = False
    hand_over: bool = False
    do_not_contact: bool = False
    covert: bool = False
    note: str = ""


@value(kw_only=True)
class InstrumentScored(Event):
    """An instrument's run: staff see items, answers, points and version; the contact sees no number."""

    instrument: str
    version: str
    band: str
    points: int
    items: tuple[tuple[str, str, int], ...] = ()


@value(kw_only=True)
class ScoreComputed(Event):
    """A script's own score, with its reasons."""

    band: str
    points: int
    because: tuple[str, ...] = ()


@value(kw_only=True)
class ConsentRecorded(Event):
    """A consent given or refused, with the hash of the text she saw."""

    purpose: str
    given: bool
    text_hash: str = ""


@value(kw_only=True)
class SafeContactRecorded(Event):
    """How she may be reached safely was answered in the session; `state` is set or none."""

    state: Literal["set", "none"]


@value(kw_only=True)
class ReferralRequested(Event):
    """A referral to a directory type, with her consent."""

    to: str
    near: str = ""


@value(kw_only=True)
class GuideShown(Event):
    """A guidance card was sent."""

    card: str


@value(kw_only=True)
class FollowUpPlanned(Event):
    """A later contact was promised, `in_s` seconds from now."""

    start_flow: str
    in_s: int
    if_silent: Tier | None = None


@value(kw_only=True)
class FlowEntered(Event):
    """A script began (or was called)."""


@value(kw_only=True)
class FlowLeft(Event):
    """A script came to its end with an outcome."""

    outcome: str


@value(kw_only=True)
class HandlerUsed(Event):
    """An always-handler acted (help, back, stop …)."""

    handler: str


@value(kw_only=True)
class InputKept(Event):
    """What was written is kept for the case, whatever follows. `stale` marks an old button."""

    stale: bool = False


@value(kw_only=True)
class StayedSilent(Event):
    """Nothing was said, and why: old_timer, put_back, held, locked, opted_out."""

    reason: str


@value(kw_only=True)
class TimerSet(Event):
    """A timer was armed; at most one of each name a session. Names: silence, not_taken."""

    name: Literal["silence", "not_taken"]
    after_s: int


@value(kw_only=True)
class TimerCleared(Event):
    """A timer is no longer wanted."""

    name: Literal["silence", "not_taken"]


@value(kw_only=True)
class LanguageChanged(Event):
    """Texts now come from another catalogue."""

    language: str


@value(kw_only=True)
class QuickExitUsed(Event):
    """She left in a hurry: our messages on her phone are to be deleted, nothing proactive may be sent."""


@value(kw_only=True)
class OwnWordWritten(Event):
    """She chose a word of her own (safe or duress) or opened with it: her page does not show it, her chat loses it."""


@value(kw_only=True)
class DuressUsed(Event):
    """She wrote the word that says she is being forced: what waits to be said is not said, nothing proactive may be sent."""


@value(kw_only=True)
class ResumeCodeAsked(Event):
    """She wants to go on at another channel: the next text holds RESUME_MARK, for which a fresh code is put in."""

    valid_s: int


@value(kw_only=True)
class OptedOut(Event):
    """No proactive message may be sent any more; a case stays."""


@value(kw_only=True)
class ErasureRequested(Event):
    """She confirmed that everything about her is to be erased."""


@value(kw_only=True)
class SessionRested(Event):
    """The session rests: it wakes at her next message."""


@value(kw_only=True)
class SessionHeld(Event):
    """A counsellor holds the session; the bot is silent."""


@value(kw_only=True)
class SessionResumed(Event):
    """The flow goes on after a hand-back or a rest."""


@value(kw_only=True)
class SessionMigrated(Event):
    """A waiting session moved to another version by a declared map."""

    version: str


@value(kw_only=True)
class SessionEnded(Event):
    """The conversation ended with an outcome."""

    outcome: str


@value(kw_only=True)
class TextCut(Event):
    """Her text was longer than we keep; the rest was cut."""


@value(kw_only=True)
class ContentFailed(Event):
    """The script could not go on; the fixed safe message went out and a person gets a case."""

    reason: str


EVENT_TYPES: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        MessageSent, QuestionAsked, AnswerRecorded, NotUnderstood, RiskRaised, EscalationRequested, InstrumentScored,
        ScoreComputed, ConsentRecorded, SafeContactRecorded, ReferralRequested, GuideShown, FollowUpPlanned,
        FlowEntered, FlowLeft, HandlerUsed, InputKept, StayedSilent, TimerSet, TimerCleared, LanguageChanged,
        QuickExitUsed, OwnWordWritten, DuressUsed, ResumeCodeAsked, OptedOut, ErasureRequested, SessionRested, SessionHeld, SessionResumed, SessionMigrated,
        SessionEnded, TextCut, ContentFailed,
    )
}  # fmt: skip
