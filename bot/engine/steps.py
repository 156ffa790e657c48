"""What each kind of step does: one small function a kind, in one visible dict.

Each gives the index to go on at, or None when the walk stops there.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.core.events import FlowLeft, FollowUpPlanned, GuideShown, ReferralRequested, SafeContactRecorded
from bot.core.jalali import tehran_today
from bot.engine import record, scoring
from bot.engine.model import (
    Ask,
    Call,
    End,
    Escalate,
    Flow,
    FollowUp,
    Go,
    Guide,
    If,
    Refer,
    SafeContact,
    SafeContactDone,
    Say,
    Score,
    Screen,
    ScreenBand,
    Set,
    Step,
)
from bot.engine.moves import begin_escalation, end_session, jump, push, say
from bot.engine.nearby import nearest
from bot.engine.places import PROVINCES

if TYPE_CHECKING:
    from bot.engine.run import Run


def _say(run: "Run", _flow: Flow, step: Say, at: int) -> int:
    run.session.stack[-1].step = step.id
    say(run, step.texts)
    return at + 1


def _ask(run: "Run", _flow: Flow, step: Ask, at: int) -> int | None:
    if step.safe and _is_needless(run, step):
        return at + 1
    if record.take_given(run, step):
        return at + 1
    again = run.session.stack[-1].step == step.id and step.id in run.session.stack[-1].answers
    run.session.stack[-1].step = step.id
    run.said += 1
    run.ask(step, short=again)
    return None


def _is_needless(run: "Run", ask: Ask) -> bool:
    """True for a safe-contact question that her chosen way makes needless."""
    answers = run.session.stack[-1].answers
    part = ask.id.rpartition(".")[2]
    if part == "way":
        return False
    way = answers.get(f"{ask.safe}.way")
    if part == "duress" and answers.get(f"{ask.safe}.word") != "given":
        return True
    return way in {None, "come", "skip"} or (part == "phone" and way != "phone")


def _if(run: "Run", _flow: Flow, step: If, at: int) -> int | None:
    target = step.go if run.holds(step.condition) else step.otherwise
    return jump(run, target) if target else at + 1


def _go(run: "Run", _flow: Flow, step: Go, _at: int) -> int | None:
    return jump(run, step.go)


def _set(run: "Run", flow: Flow, step: Set, at: int) -> int:
    variables = run.session.stack[-1].vars
    for name, value in step.values.items():
        var = flow.vars[name]
        if value == "+1":
            variables[name] = min(int(variables.get(name, 0)) + 1, var.most)
        else:
            variables[name] = value if var.keys else int(value)
    return at + 1


def _screen(run: "Run", _flow: Flow, step: Screen, at: int) -> int:
    frame = run.session.stack[-1]
    frame.step = step.id
    for name in [name for name in frame.answers if name.startswith(f"{step.id}.")]:
        del frame.answers[name]
    frame.answers[f"{step.id}.points"] = 0
    say(run, step.texts)
    return at + 1


def _band(run: "Run", _flow: Flow, step: ScreenBand, at: int) -> int | None:
    run.session.stack[-1].step = step.id
    target = step.go.get(scoring.close_screen(run, step), "")
    return jump(run, target) if target else at + 1


def _score(run: "Run", _flow: Flow, step: Score, at: int) -> int | None:
    run.session.stack[-1].step = step.id
    target = step.go.get(scoring.score(run, step), "")
    return jump(run, target) if target else at + 1


def _call(run: "Run", _flow: Flow, step: Call, _at: int) -> int:
    caller = run.session.stack[-1]
    caller.step, caller.back = step.id, ()
    given = {name: caller.answers[mine] for name, mine in step.given.items() if mine in caller.answers}
    push(run, step.flow)
    run.session.stack[-1].answers.update(given)
    return 0


def _guide(run: "Run", _flow: Flow, step: Guide, at: int) -> int:
    run.session.stack[-1].step = step.id
    say(run, step.texts)
    messages = run.bundle.cards[step.card].messages
    for texts in messages if step.part == 0 else messages[step.part - 1 : step.part]:
        say(run, texts)
    run.emit(GuideShown, card=step.card)
    return at + 1


def _refer(run: "Run", _flow: Flow, step: Refer, at: int) -> int | None:
    frame = run.session.stack[-1]
    frame.step, frame.back = step.id, ()
    if not step.show and not run.session.consents.get("referral", False):
        return at + 1  # nothing leaves without her consent, whatever the script says (P9)
    near = str(frame.answers.get(step.near, "")) if step.near else ""
    province = PROVINCES[near][1] if near in PROVINCES else run.session.province if near == "given" else ""
    run.place = nearest(run.bundle.directory.get(step.to), province, run.session.near, tehran_today(run.facts.now))
    if not step.show:
        run.emit(ReferralRequested, to=step.to, near=province)
    if not run.place and step.if_none:
        return jump(run, step.if_none)
    say(run, step.texts)
    return at + 1


def _escalate(run: "Run", _flow: Flow, step: Escalate, at: int) -> int | None:
    frame = run.session.stack[-1]
    frame.step, frame.back = step.id, ()
    target = begin_escalation(run, step, "step")
    return jump(run, target) if target else at + 1


def _safe_contact(run: "Run", _flow: Flow, step: SafeContact, at: int) -> int:
    run.session.stack[-1].step = step.id
    say(run, step.texts)
    return at + 1


def _safe_done(run: "Run", _flow: Flow, step: SafeContactDone, at: int) -> int:
    frame = run.session.stack[-1]
    frame.step = step.id
    way = frame.answers.get(f"{step.safe}.way")
    run.session.safe = "none" if way in {None, "come", "skip"} else "set"
    run.emit(SafeContactRecorded, state=run.session.safe)
    return at + 1


def _follow_up(run: "Run", _flow: Flow, step: FollowUp, at: int) -> int:
    run.session.stack[-1].step = step.id
    if run.session.safe == "set":  # P10; without a safe way nothing may be promised
        run.emit(FollowUpPlanned, start_flow=step.flow, in_s=step.in_s, if_silent=step.if_silent)
    return at + 1


def _end(run: "Run", flow: Flow, step: End, _at: int) -> int | None:
    session = run.session
    frame = session.stack[-1]
    frame.step = step.id
    say(run, step.texts)
    run.emit(FlowLeft, outcome=step.outcome)
    if len(session.stack) == 1:
        end_session(run, step.outcome)
        return None
    session.stack.pop()
    caller = session.stack[-1]
    caller.answers[caller.step] = step.outcome
    for name in flow.gives:
        if name in frame.answers:
            caller.answers[f"{caller.step}.{name}"] = frame.answers[name]
    return run.flow.index[caller.step] + 1


ACTS: dict[type[Step], Callable[["Run", Flow, Any, int], int | None]] = {
    Ask: _ask,
    Say: _say,
    If: _if,
    Go: _go,
    Set: _set,
    Screen: _screen,
    ScreenBand: _band,
    Score: _score,
    Call: _call,
    Guide: _guide,
    Refer: _refer,
    Escalate: _escalate,
    SafeContact: _safe_contact,
    SafeContactDone: _safe_done,
    FollowUp: _follow_up,
    End: _end,
}
