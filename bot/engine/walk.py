"""Going through a script: from a step to the next wait, rest or end, within the turn's budget.

Each kind of step is one function that gives the index to go on at, or None when the walk stops there.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.core.events import (
    Cause,
    FlowEntered,
    FlowLeft,
    FollowUpPlanned,
    GuideShown,
    MessageSent,
    ReferralRequested,
    SafeContactRecorded,
    SessionEnded,
)
from bot.engine import scoring
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
    Texts,
)
from bot.engine.places import PROVINCES
from bot.engine.run import MESSAGES_MAX, STEPS_MAX, BudgetExceeded
from bot.engine.session import Frame

if TYPE_CHECKING:
    from bot.engine.run import Run

#: How many flows may stand on one another (§2.5), the entry included.
_DEPTH_MAX = 5


def enter(run: "Run", flow_id: str) -> None:
    """Begin a flow at its first step, as a new frame."""
    _push(run, flow_id)
    walk(run, 0)


def go(run: "Run", target: str) -> None:
    """Go to a target of the running flow and on to the next wait."""
    at = jump(run, target)
    if at is not None:
        walk(run, at)


def go_on(run: "Run", after: str) -> None:
    """Go on behind a step of the running flow."""
    walk(run, run.flow.index[after] + 1)


def walk(run: "Run", at: int | None) -> None:
    """Run steps of the top frame from index `at` until one stops.

    Raises:
        BudgetExceeded: more steps or messages than a turn may have.
    """
    while at is not None:
        run.steps += 1
        if run.steps > STEPS_MAX or run.said > MESSAGES_MAX:
            raise BudgetExceeded
        flow = run.flow
        step = flow.steps[at]
        if step.when is not None and not run.holds(step.when):
            at = flow.passes_to[at]
        else:
            at = _ACTS[type(step)](run, flow, step, at)
    if run.said > MESSAGES_MAX:
        raise BudgetExceeded


def jump(run: "Run", target: str, cause: Cause = "step") -> int | None:
    """Give the index of a target; `human`, `settle` and `pause` act here and stop the walk."""
    if target == "human":
        call_human(run, cause)
    elif target == "settle":
        run.pay("step")
        run.rest()
        _say_at_rest(run, "settled")
    elif target == "pause":
        run.rest()
        _say_at_rest(run, "resting" if run.session.case else "settled")
    else:
        return run.flow.index[target]
    return None


def call_human(run: "Run", cause: Cause) -> None:
    """Ask for a person at T2 or what is owed, tell her so, rest."""
    run.pop_interrupts()
    step_id = "call_human_off" if run.facts.staff == "none" else "call_human"
    step = run.bundle.always.step(step_id)
    if not isinstance(step, Escalate):
        raise KeyError(step_id)
    debt = run.session.debt
    run.request("T1" if debt == "T1" else "T2", cause, kinds=step.kinds, desk=step.desk, hand_over=step.hand_over)
    run.say(step.texts)
    run.rest()


def end_session(run: "Run", outcome: str) -> None:
    """End the conversation; a danger nobody was told of is told now (the net, §5.4)."""
    run.pay("net")
    run.disarm("silence")
    run.disarm("not_taken")
    run.emit(SessionEnded, outcome=outcome)
    run.session.status = "ended"
    run.session.stack.clear()
    run.session.after = None


def begin_escalation(run: "Run", step: Escalate, cause: Cause, why: tuple[str, ...] = ()) -> str:
    """Open or raise the case as the step says, tell her, arm its timer; give the target that follows (empty = next)."""
    if why:
        run.session.why = (*run.session.why, *why)
    run.request(step.tier, cause, kinds=step.kinds, desk=step.desk, hand_over=step.hand_over, note=step.note)
    say(run, step.texts, urgent=step.tier == "T1")
    flow = run.session.stack[-1].flow
    run.arm_not_taken(flow, step)
    steps = run.flow.steps
    following = run.flow.index[step.id] + 1
    run.session.after = (flow, step.after or (steps[following].id if following < len(steps) else ""))
    return (step.if_no_staff if run.facts.staff == "none" else "") or step.while_waiting


def say(run: "Run", texts: Texts, *, urgent: bool = False) -> None:
    """Send texts of a script; they count towards the turn's budget."""
    before = len(run.events)
    run.say(texts, urgent=urgent)
    run.said += len(run.events) - before


def _say_at_rest(run: "Run", step_id: str) -> None:
    """Answer her when the session goes to rest on her own input; a timer's rest is silent."""
    if run.by_person and not any(isinstance(event, MessageSent) for event in run.events):
        run.say_always(step_id)


def _push(run: "Run", flow_id: str) -> None:
    if len(run.session.stack) >= _DEPTH_MAX:
        raise BudgetExceeded
    flow = run.bundle.flows[flow_id]
    frame = Frame(flow_id, vars={name: var.start for name, var in flow.vars.items()})
    run.session.stack.append(frame)
    run.emit(FlowEntered)


# -- the kinds of steps ----------------------------------------------------------------------------------------------


def _say(run: "Run", _flow: Flow, step: Say, at: int) -> int:
    run.session.stack[-1].step = step.id
    say(run, step.texts)
    return at + 1


def _ask(run: "Run", _flow: Flow, step: Ask, at: int) -> int | None:
    if step.safe and _is_needless(run, step):
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
    _push(run, step.flow)
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


def _refer(run: "Run", _flow: Flow, step: Refer, at: int) -> int:
    frame = run.session.stack[-1]
    frame.step, frame.back = step.id, ()
    if not run.session.consents.get("referral", False):
        return at + 1  # nothing leaves without her consent, whatever the script says (P9)
    near = str(frame.answers.get(step.near, "")) if step.near else ""
    run.place = _place_near(run, step.to, near)
    run.emit(ReferralRequested, to=step.to, near=PROVINCES[near][1] if near in PROVINCES else "")
    say(run, step.texts)
    return at + 1


def _place_near(run: "Run", to: str, near: str) -> dict[str, str]:
    """Choose the directory's place of her province, else its first."""
    found = run.bundle.directory.get(to)
    if found is None or not found.places:
        return {}
    code = PROVINCES[near][1] if near in PROVINCES else ""
    return next((place for place in found.places if place.get("province") in {near, code} and near), found.places[0])


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


_ACTS: dict[type[Step], Callable[["Run", Flow, Any, int], int | None]] = {
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
