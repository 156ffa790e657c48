"""One turn at work: the session being changed, the events so far, and the few acts every step is made of.

Raising a risk, asking for a person, saying, asking, arming a timer: each is one method here, so that no step and
no handler can do half of one. Lives for one call of `resume`; nothing outside bot.engine sees it.
"""

from dataclasses import replace
from typing import Any, cast

from bot.core.contact import Facts
from bot.core.events import (
    Cause,
    EscalationRequested,
    Event,
    MessageSent,
    QuestionAsked,
    RiskRaised,
    SessionRested,
    TimerCleared,
    TimerSet,
)
from bot.core.messages import HUMAN_INPUTS, Input
from bot.core.screening import Screening, Tier, strongest
from bot.core.text import fold
from bot.engine import render
from bot.engine.expressions import Condition, Values
from bot.engine.facts import FactView
from bot.engine.model import Ask, Bundle, Escalate, Flow, Texts
from bot.engine.open_danger import asks_of_danger
from bot.engine.session import Frame, Session

#: §2.5: what one turn may do before it counts as a failure of the script.
STEPS_MAX, MESSAGES_MAX = 100, 5
#: A reply later than this after her message is no reply any more (design.md §1.10).
REPLY_S = 900
_WHY_MAX = 8
#: What is asked whatever stands below; every other sole frame of flow `always` is a talk of its own.
_OVER_NOTHING = frozenset({"hide_or_erase", "erase_confirm"})
#: So many hidden texts are kept for when she asks.
_WITHHELD_MAX = 4
_CHILD_KINDS = frozenset({"child_abuse", "child_labour", "runaway"})


class BudgetExceeded(Exception):  # noqa: N818 - the word of the specification
    """A script took more steps or sent more messages in one turn than it may."""


class Run:
    """The working state of one turn."""

    __slots__ = ("bundle", "by_person", "events", "facts", "folded", "input", "place", "proactive", "reveals", "said", "screening",
                 "session", "steps", "text")  # fmt: skip

    def __init__(self, session: Session, entered: Input, screening: Screening, facts: Facts, bundle: Bundle) -> None:
        self.session: Session = session
        self.input: Input = entered
        self.screening: Screening = screening
        self.facts: Facts = facts
        self.bundle: Bundle = bundle
        self.events: list[Event] = []
        self.by_person = isinstance(entered, HUMAN_INPUTS)
        self.text: str = getattr(entered, "text", "")
        self.folded = fold(self.text) if self.text else ""
        self.place: dict[str, str] = {}
        self.proactive = False
        self.reveals = False
        self.steps = self.said = 0

    # -- where we are ------------------------------------------------------------------------------------------------

    @property
    def flow(self) -> Flow:
        """The flow of the running frame."""
        return self.bundle.flows[self.session.stack[-1].flow]

    def waiting(self) -> Ask | None:
        """Give the question the session stands at."""
        if not self.session.stack:
            return None
        frame = self.session.stack[-1]
        flow = self.bundle.flows.get(frame.flow)
        step = flow.step(frame.step) if flow else None
        return step if isinstance(step, Ask) else None

    def interrupted(self) -> bool:
        """True while a question of flow `always` stands over the script's own, or over none: a reopened talk has no script."""
        stack = self.session.stack
        if not stack or stack[-1].flow != "always":
            return False
        return len(stack) > 1 or stack[-1].step in _OVER_NOTHING

    def pop_interrupts(self) -> None:
        """Go back to the script's own question."""
        while self.interrupted():
            self.session.stack.pop()
            self.session.tries = 0

    def pop_over(self) -> None:
        """Take the answered interruption away; what it stood over waits again."""
        if self.interrupted():
            self.session.stack.pop()
            self.session.tries = 0

    def holds(self, condition: Condition) -> bool:
        """Test a condition in the running frame."""
        frame = self.session.stack[-1]
        # made for each condition: one that is kept would hold the run and be held by it, garbage only a collection finds
        return condition.holds(frame.answers, frame.vars, cast("Values", FactView(self)))

    # -- events ------------------------------------------------------------------------------------------------------

    def emit(self, kind: type[Event], **values: Any) -> None:
        """Add an event at the place where the session stands."""
        stack = self.session.stack
        if stack:
            frame = stack[-1]
            self.events.append(kind(flow=frame.flow, step=frame.step, visit=self.session.visit, **values))
        else:
            self.events.append(kind(visit=self.session.visit, **values))

    def raise_risk(self, tier: Tier, kinds: tuple[str, ...] = (), why: tuple[str, ...] = ()) -> None:
        """Note a tier and kinds; only what is new becomes an event. Risk never falls (I8)."""
        session = self.session
        new_kinds = tuple(kind for kind in kinds if kind not in session.kinds)
        rises = session.risk is None or tier < session.risk
        if not rises and not new_kinds:
            return
        session.risk = strongest((tier, session.risk))
        session.kinds += new_kinds
        session.why = (*session.why, *(reason for reason in why if reason not in session.why))[-_WHY_MAX:]
        self.emit(RiskRaised, tier=session.risk, kinds=new_kinds, why=why)

    def owe(self, tier: Tier) -> None:
        """Remember that a person must hear of this (flow-language §1.6)."""
        self.session.debt = strongest((tier, self.session.debt))

    def request(self, tier: Tier, cause: Cause, **values: Any) -> bool:
        """Ask for a person, when that tells the open case anything new; give whether it did. Pays the debt it covers."""
        session = self.session
        if session.debt is not None and tier <= session.debt:
            session.debt = None
        kinds = values.pop("kinds", ())
        for kind in kinds:
            if kind not in session.kinds:
                session.kinds += (kind,)
        session.risk = strongest((session.risk, tier))
        news = (
            session.told_tier is None
            or tier < session.told_tier
            or self._has_news()
            or values.get("do_not_contact", False)
        )
        if not news:
            return False
        session.case = True
        session.told_tier = told = strongest((tier, session.told_tier)) or tier
        session.told_kinds, session.told_province = session.kinds, session.province
        why, session.why = session.why, ()
        self.emit(
            EscalationRequested,
            tier=told,
            cause=cause,
            kinds=session.kinds,
            why=why,
            province=session.province,
            child=not _CHILD_KINDS.isdisjoint(session.kinds),
            covert=session.covert,
            **values,
        )
        return True

    def _has_news(self) -> bool:
        session = self.session
        return (
            not session.case
            or session.province != session.told_province
            or any(kind not in session.told_kinds for kind in session.kinds)
        )

    def enrich(self) -> None:
        """Tell the open case what was learnt since: kinds, the province that decides its desk."""
        if self.session.told_tier is not None and self._has_news():
            self.request(self.session.told_tier, "words" if self.text else "step")

    def join_messages(self) -> None:
        """Join neighbouring texts until a turn sends no more than it may: an acknowledgement comes on top of a script's."""
        while (
            len(sent := [at for at, event in enumerate(self.events) if isinstance(event, MessageSent)]) > MESSAGES_MAX
        ):
            first, second = (cast("MessageSent", self.events[at]) for at in sent[1:3])
            if first.buttons:
                return
            joined = replace(second, text=f"{first.text}\n{second.text}", urgent=first.urgent or second.urgent)
            self.events[sent[2]] = joined
            del self.events[sent[1]]

    def pay(self, cause: Cause, *, do_not_contact: bool = False) -> None:
        """Hand an unpaid danger to a person at its own tier."""
        if self.session.debt is not None:
            self.request(self.session.debt, cause, do_not_contact=do_not_contact)

    # -- texts -------------------------------------------------------------------------------------------------------

    def say(self, texts: Texts, *, urgent: bool = False, proactive: bool = False) -> None:
        """Send the texts of a step in the variant she may see; what is hidden now is kept until she asks for it."""
        said = render.variant(self, texts)
        if render.is_hidden(self, texts):
            said = self._withhold(said)
        for text in said:
            self.emit(MessageSent, text=text, urgent=urgent, proactive=proactive or self.proactive)

    def _withhold(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Keep texts for when she asks, and give what is said instead, once in a turn."""
        self.session.withheld = (*self.session.withheld, *texts)[-_WITHHELD_MAX:]
        instead = render.instead(self, texts)
        said = any(isinstance(event, MessageSent) and event.text == instead for event in self.events)
        return () if said else (instead,)

    def reveal(self) -> None:
        """Show in full what was hidden from whoever reads with her: she asks for it herself."""
        withheld, self.session.withheld = self.session.withheld, ()
        for text in withheld:
            self.emit(MessageSent, text=text)
        self.reveals = True

    def say_always(self, step_id: str, *, urgent: bool = False) -> None:
        """Send the texts of one step of flow `always`; a missing one is a defect of the content."""
        step = self.bundle.always.step(step_id)
        if step is None:
            raise KeyError(step_id)
        self.say(step.texts, urgent=urgent)

    def ask(self, ask: Ask, *, again: bool = False, short: bool = False) -> None:
        """Put the question, offer its answers, start its clock. A first asking opens a new wait."""
        session = self.session
        frame = session.stack[-1]
        session.visit += 1
        if not again:
            frame.step, frame.visit = ask.id, session.visit
            session.tries = 0
        session.reminded = 0
        session.status = "waiting"
        texts = render.question(self, ask, short=short)
        buttons = render.buttons(self, ask)
        for text in texts[:-1]:
            self.emit(MessageSent, text=text, proactive=self.proactive)
        self.emit(MessageSent, text=texts[-1], buttons=buttons, proactive=self.proactive)
        self.emit(QuestionAsked, question=ask.id, again=again)
        silence = ask.silence or self.bundle.flows[frame.flow].silence
        if silence is not None:
            self.arm("silence", silence.after_s)
        else:
            self.disarm("silence")

    def ask_again(self, *, short: bool = True) -> None:
        """Put the waiting question once more, in its short form."""
        ask = self.waiting()
        if ask is not None:
            self.ask(ask, again=True, short=short)

    def put_over(self, step_id: str) -> Frame:
        """Put a question of flow `always` over the script's own. Interruptions do not nest, but for open danger."""
        while self.interrupted() and not asks_of_danger(self.session.stack[-1]):
            self.session.stack.pop()
        ask = self.bundle.always.step(step_id)
        if not isinstance(ask, Ask):
            raise KeyError(step_id)
        frame = Frame("always", step_id)
        self.session.stack.append(frame)
        self.ask(ask)
        return frame

    def rest(self) -> None:
        """Come to rest: her next message wakes the session where it stands."""
        self.pop_interrupts()
        self.disarm("silence")
        self.session.status = "resting"
        self.emit(SessionRested)

    # -- timers ------------------------------------------------------------------------------------------------------

    def arm(self, name: str, after_s: int) -> None:
        """Start a timer, in place of one of the same name."""
        self.session.timers[name] = (self.session.visit, after_s)
        self.emit(TimerSet, name=name, after_s=after_s)

    def disarm(self, name: str) -> None:
        """Forget a timer."""
        if self.session.timers.pop(name, None) is not None:
            self.emit(TimerCleared, name=name)
        if name == "not_taken":
            self.session.not_taken = None

    def arm_not_taken(self, flow: str, step: Escalate) -> None:
        """Start the timer that tells her nobody has come yet."""
        if step.if_not_taken is not None:
            self.session.not_taken = (flow, step.id, step.if_not_taken.repeat)
            self.arm("not_taken", step.if_not_taken.after_s)
