"""Score terms that read one answer, added up when the answer is given instead of remembered until the score.

Only where the answer is asked once (its step is on no cycle) and is certainly written, or read behind known(): so a
read before a write is still met as such. Twelve questions in one score need a sum, not the product of their answers.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bot.engine.expressions import Condition, names_of
from bot.engine.model import Ask, Flow, Score, ScreenBand, Step


class Fold(NamedTuple):
    """One folded term of a score."""

    score: str
    condition: Condition
    add: int
    may_be_unset: bool

    @property
    def sum_name(self) -> str:
        """Give the name the running sum is kept under."""
        return f"{self.score}.~sum"

    def points(self, values: Mapping[str, Any]) -> int:
        """Give the term's points for some answers."""
        return self.add if self.condition.holds(values, {}, {}) else 0


def folds_of(flow: Flow, successors: Callable[[Flow, int], set[int]]) -> dict[str, list[Fold]]:
    """Give, for each answer, the terms that are added up when it is written."""
    following = [successors(flow, number) for number in range(len(flow.steps))]
    writers = {_written(step): number for number, step in enumerate(flow.steps) if _written(step)}
    found: dict[str, list[Fold]] = {}
    for number, step in enumerate(flow.steps):
        if not isinstance(step, Score) or _on_cycle(following, number):
            continue
        sure = _certainly_written(flow, following)[number]
        for point in step.points:
            name = _only_name(point.condition)
            if name is None or name not in writers or _on_cycle(following, writers[name]):
                continue
            if name in sure or _behind_known(point.condition, name):
                found.setdefault(name, []).append(Fold(step.id, point.condition, point.add, name not in sure))
    return found


def _written(step: Step) -> str:
    """Name the answer a step writes, if it may be folded."""
    if isinstance(step, Ask) and not step.screen and not step.safe:
        return step.id
    return step.screen if isinstance(step, ScreenBand) else ""


def _only_name(condition: Condition) -> str | None:
    names = {name for name, _ in names_of(condition.tree)}
    if len(names) != 1:
        return None
    ((source, name),) = names
    return name if source == "answers" else None


def _behind_known(condition: Condition, name: str) -> bool:
    """Say whether the condition is `known(x) and …`, so that it never reads what is not written."""
    tree = condition.tree
    return bool(tree[0] == "and" and tree[1] == ("known", ("answers", name)))


def _on_cycle(following: list[set[int]], start: int) -> bool:
    seen: set[int] = set()
    todo = list(following[start])
    while todo:
        number = todo.pop()
        if number == start:
            return True
        if number not in seen:
            seen.add(number)
            todo.extend(following[number])
    return False


def _certainly_written(flow: Flow, following: list[set[int]]) -> list[frozenset[str]]:
    """Give, for each step, the answers that every path to it has written."""
    sure = [frozenset(_written(step) for step in flow.steps)] * len(flow.steps)
    sure[0] = frozenset()
    changed = True
    while changed:
        changed = False
        for number, step in enumerate(flow.steps):
            unanswered = _left_unanswered(flow, step)
            for later in following[number]:
                writes = step.when is None and later not in unanswered
                met = sure[later] & (sure[number] | {_written(step)} if writes else sure[number])
                if met != sure[later]:
                    sure[later], changed = met, True
    return sure


def _left_unanswered(flow: Flow, step: Step) -> set[int]:
    """List where a wait can be left to without its answer: by silence, giving up, or a word of the flow."""
    if not isinstance(step, Ask):
        return set()
    targets = {step.unclear.then, step.silence.then if step.silence else "", *(own.go for own in flow.always)}
    return {flow.index[target] for target in targets if target in flow.index}
