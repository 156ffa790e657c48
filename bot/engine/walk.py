"""Going through a script: from a step to the next wait, rest or end, within the turn's budget."""

from typing import TYPE_CHECKING

from bot.engine.moves import jump, push
from bot.engine.run import MESSAGES_MAX, STEPS_MAX, BudgetExceeded
from bot.engine.steps import ACTS

if TYPE_CHECKING:
    from bot.engine.run import Run


def enter(run: "Run", flow_id: str) -> None:
    """Begin a flow at its first step, as a new frame."""
    push(run, flow_id)
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
            at = ACTS[type(step)](run, flow, step, at)
    if run.said > MESSAGES_MAX:
        raise BudgetExceeded
