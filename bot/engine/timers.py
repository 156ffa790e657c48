"""What happens when time runs out: silence after a question, or nobody taking a case.

A timer that is not the one now armed is an old one and does nothing (§5.2).
"""

from typing import TYPE_CHECKING

from bot.core.events import MessageSent, StayedSilent
from bot.core.messages import NotTakenInput, SilenceInput
from bot.engine import handlers, record, walk
from bot.engine.model import Escalate, Texts
from bot.engine.run import REPLY_S

if TYPE_CHECKING:
    from bot.engine.run import Run


def fire(run: "Run") -> None:
    """Act on a timer."""
    entered = run.input
    name = "silence" if isinstance(entered, SilenceInput) else "not_taken"
    armed = run.session.timers.get(name)
    if (
        not isinstance(entered, SilenceInput | NotTakenInput)
        or armed is None
        or armed[0] != entered.visit
        or run.session.status in {"held", "locked", "ended"}
    ):
        run.emit(StayedSilent, reason="old_timer")
    elif name == "silence":
        _silence(run, armed[1])
    else:
        _not_taken(run)


def still_queued(run: "Run") -> None:
    """Say that she still waits for a person; never while one is with her, nor when she wants to hear nothing."""
    session = run.session
    step = run.bundle.always.step("still_queued")
    if session.silenced or session.status not in {"waiting", "resting"}:
        run.emit(StayedSilent, reason="opted_out" if session.silenced else session.status)
    elif step is None or not session.case:
        run.emit(StayedSilent, reason="old_timer")
    else:
        run.say(step.texts)


def _silence(run: "Run", after_s: int) -> None:
    session = run.session
    ask = run.waiting()
    if ask is None:
        raise LookupError("silence without a question")
    silence = ask.silence or run.flow.silence
    if silence is None:
        run.rest()
        return
    run.proactive = after_s >= REPLY_S
    if session.reminded < silence.remind and _may_remind(run):
        session.reminded += 1
        _remind(run, silence.remind_text)
        run.arm("silence", silence.after_s)
        return
    del session.timers["silence"]
    record.keep_safe_so_far(run, ask)
    if run.interrupted():
        handlers.silent_over(run)
    else:
        walk.go(run, silence.then)


def _may_remind(run: "Run") -> bool:
    """A reminder may be read by others: only with a safe way set, never while covert."""
    session = run.session
    return session.safe == "set" and not session.covert and not session.silenced


def _remind(run: "Run", text: tuple[str, ...]) -> None:
    step = run.bundle.always.step("remind")
    texts = Texts(text=text) if text else step.texts if step else Texts()
    run.say(texts, proactive=True)


def _not_taken(run: "Run") -> None:
    """Say that nobody has come yet, and when due say it again."""
    session = run.session
    del session.timers["not_taken"]
    if session.not_taken is None:
        return
    flow_id, step_id, left = session.not_taken
    flow = run.bundle.flows.get(flow_id)
    step = flow.step(step_id) if flow else None
    session.not_taken = None
    if not isinstance(step, Escalate) or step.if_not_taken is None:
        raise LookupError("no such escalation")
    events_before = len(run.events)
    if session.covert and not step.if_not_taken.texts.discreet:
        run.say_always("danger_again", urgent=True)
    else:
        run.say(step.if_not_taken.texts, urgent=True)
    if left > 1 and any(isinstance(event, MessageSent) for event in run.events[events_before:]):
        session.not_taken = (flow_id, step_id, left - 1)
        run.arm("not_taken", step.if_not_taken.after_s)
