"""What the explorer remembers between turns: how each wait was first reached, and what follows what."""

from bot.engine.explore_answers import SILENCE, UNCLEAR
from bot.engine.explore_state import State
from bot.engine.explore_walk import Outcome

Back = tuple[State | None, str]


class Graph:
    """Waits, how each was first reached, and what follows what."""

    def __init__(self) -> None:
        self.back: dict[State, Back] = {}
        self._before: dict[State, set[State]] = {}
        self._silent: dict[State, set[State]] = {}
        self._good: set[State] = set()

    def link(self, node: State | None, label: str, outcome: Outcome) -> None:
        """Note that an outcome follows a node."""
        if outcome.kind == "wait" and outcome.state.case:
            self._good.add(outcome.state)
        if node is None:
            return
        if outcome.kind == "wait":
            if label != UNCLEAR:
                self._before.setdefault(outcome.state, set()).add(node)
            if label == SILENCE:
                self._silent.setdefault(node, set()).add(outcome.state)
        elif (outcome.state.case or outcome.kind == "end") and label != UNCLEAR:
            self._good.add(node)

    def path(self, node: State | None, label: str) -> str:
        """Give the labels that lead to a node, then one more."""
        labels = [label] if label else []
        while node is not None:
            node, before = self.back[node]
            if before:
                labels.append(before)
        return " › ".join(reversed(labels))

    def trapped(self) -> list[State]:
        """List the waits from which no answer leads to an end or an open case."""
        good = set(self._good)
        todo = list(good)
        while todo:
            for before in self._before.get(todo.pop(), ()):
                if before not in good:
                    good.add(before)
                    todo.append(before)
        return [state for state in self.back if state not in good]

    def silent_circles(self) -> list[State]:
        """List the waits that silence alone leads back to."""
        return [state for state in self._silent if self._returns(state)]

    def _returns(self, start: State) -> bool:
        seen: set[State] = set()
        todo = list(self._silent.get(start, ()))
        while todo:
            state = todo.pop()
            if state == start:
                return True
            if state not in seen:
                seen.add(state)
                todo.extend(self._silent.get(state, ()))
        return False
