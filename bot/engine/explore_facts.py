"""Which values of a fact nothing in a bundle tells apart: T1 and T2 are one where every test names both."""

from collections.abc import Mapping

from bot.engine.explore_reads import compiled, conditions_of, leaves, name_in
from bot.engine.expressions import Expr
from bot.engine.model import Flow


class FactClasses:
    """Which values of a fact no condition of the bundle, and no claim, tells apart."""

    def __init__(self, flows: Mapping[str, Flow]) -> None:
        self._tests: dict[str, list[Expr]] = {
            "risk": [("is", ("facts", "risk"), ("T1", "T2")), ("is", ("facts", "risk"), ("T3",))],
            "contact.safe": [("is", ("facts", "contact.safe"), ("set",))],
        }
        for flow in flows.values():
            trees = [condition.tree for step in flow.steps for condition in conditions_of(step)]
            for tree in (*trees, *(claim.never.tree for claim in flow.properties)):
                for leaf in leaves(tree):
                    if name_in(leaf)[0] == "facts":
                        self._tests.setdefault(name_in(leaf)[1], []).append(leaf)
        self._first: dict[tuple[str, tuple[bool, ...]], str] = {}

    def of(self, name: str, value: str) -> str:
        """Give the value that stands for all that nothing tells from `value`."""
        if name.startswith("consent."):
            tests = [*self._tests.get(name, ()), ("is", ("facts", name), ("yes",))]
        else:
            tests = self._tests.get(name, [])
        truths = tuple(compiled(test)({"facts": {name: value}}) for test in tests)
        return self._first.setdefault((name, truths), value)
