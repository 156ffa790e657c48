"""The ways a walk turns or stops: a target, a person called, a case begun, a session's end, a flow entered.

Below the steps, which use these; nothing here goes on to another step by itself.
"""

from typing import TYPE_CHECKING

from bot.core.events import Cause, FlowEntered, MessageSent, SessionEnded
from bot.engine.model import Escalate, Flow, Texts
from bot.engine.open_danger import count_open
from bot.engine.run import BudgetExceeded
from bot.engine.session import Frame

if TYPE_CHECKING:
    from bot.engine.run import Run

#: How many flows may stand on one another (§2.5), the entry included.
_DEPTH_MAX = 5
#: How notes of scripts begin that nobody has reviewed yet.
_DRAFT = "پیش‌نویس تا بازبینی"


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
    count_open(run)
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
    run.request(step.tier, cause, kinds=step.kinds, desk=step.desk, hand_over=step.hand_over, note=_for_desk(step.note))
    say(run, step.texts, urgent=step.tier == "T1")
    flow = run.session.stack[-1].flow
    run.arm_not_taken(flow, step)
    steps = run.flow.steps
    following = run.flow.index[step.id] + 1
    run.session.after = (flow, step.after or (steps[following].id if following < len(steps) else ""))
    return (step.if_no_staff if run.facts.staff == "none" else "") or step.while_waiting


def _for_desk(note: str) -> str:
    """Give an author's note as the desk reads it: that the text is a draft is no news of her."""
    return note.removeprefix(_DRAFT).strip(" .؛،")


def say(run: "Run", texts: Texts, *, urgent: bool = False) -> None:
    """Send texts of a script; they count towards the turn's budget."""
    before = len(run.events)
    run.say(texts, urgent=urgent)
    run.said += len(run.events) - before


def _say_at_rest(run: "Run", step_id: str) -> None:
    """Answer her when the session goes to rest on her own input; a timer's rest is silent."""
    if run.by_person and not any(isinstance(event, MessageSent) for event in run.events):
        run.say_always(step_id)


def push(run: "Run", flow_id: str) -> None:
    """Put a flow's frame on the stack, its marks at their first values.

    Raises:
        BudgetExceeded: too many flows stand on one another.
    """
    if len(run.session.stack) >= _DEPTH_MAX:
        raise BudgetExceeded
    flow = run.bundle.flows[flow_id]
    run.session.stack.append(Frame(flow_id, vars=first_vars(flow)))
    run.emit(FlowEntered)


def first_vars(flow: Flow) -> dict[str, str | int]:
    """Give a flow's marks at their first values."""
    return {name: var.start for name, var in flow.vars.items()}
