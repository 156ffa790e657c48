"""Which steps may follow which, whatever the answers: the edges of a script's graph.

Shared by the explorer and the checks of links; knows no answers and no facts.
"""

from bot.engine.model import Ask, End, Escalate, Flow, Go, If, Refer, Score, ScreenBand, Step


def successors(flow: Flow, number: int) -> set[int]:
    """List the steps that may follow a step, whatever the answers."""
    step = flow.steps[number]
    following = {flow.index[target] for target in targets_of(step) if target in flow.index}
    if step.when is not None:
        following.add(flow.passes_to[number])
    if falls_through(step):
        following.add(number + 1)
    if isinstance(step, Ask):
        following.update(flow.index[handler.go] for handler in flow.always if handler.go in flow.index)
    return {found for found in following if found < len(flow.steps)}


def targets_of(step: Step) -> list[str]:
    """List every target a step names (step ids and special ones)."""
    match step:
        case Ask():
            found = [option.go for option in step.options] + [step.unclear.then]
            found += [step.silence.then] if step.silence else []
        case If():
            found = [step.go, step.otherwise]
        case Go():
            found = [step.go]
        case ScreenBand() | Score():
            found = list(step.go.values())
        case Escalate():
            found = [step.while_waiting, step.if_no_staff, step.after]
        case Refer():
            found = [step.if_none]
        case _:
            found = []
    return [target for target in found if target]


def falls_through(step: Step) -> bool:
    """Say whether the next line can follow (beside a false `when`)."""
    match step:
        case Go() | End():
            return False
        case If():
            return not step.otherwise
        case _:
            return True
