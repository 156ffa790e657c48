"""What later conditions can read: which answers are live at each step, and which values nothing tells apart.

The explorer keeps an answer only while it is live, and only its class: the first value with the same truth in every
test that names it (flow-language §6). Works on one flow at a time; calls carry tests over between flows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bot.engine.explore_folds import Fold, folds_of
from bot.engine.explore_paths import successors
from bot.engine.expressions import Condition, Expr, Scope, compile_tree, names_of
from bot.engine.model import (
    Ask,
    Call,
    Flow,
    FollowUp,
    If,
    Media,
    Phone,
    Place,
    Refer,
    SafeContact,
    SafeContactDone,
    Score,
    Screen,
    ScreenBand,
    Set,
    Step,
)

#: The day the explorer lives on; dates are told apart only by days_ago.
TODAY = "2026-01-01"
_LEAVES = frozenset({"is", "isnt", "cmp", "in", "notin", "known", "skipped"})
compiled: Callable[[Expr], Callable[[Scope], bool]] = lru_cache(maxsize=4096)(compile_tree)


@dataclass(slots=True)
class Reads:
    """One flow's reads. `tests`: answer or var name → the leaf tests on it; `live`: step index → names read from there.

    Facts that a step reads count as names with "!" before them («!consent.referral»); `facts` are those read from its start.
    """

    flow: Flow
    tests: dict[str, list[Expr]] = field(default_factory=dict)
    live: list[frozenset[str]] = field(default_factory=list)
    facts: frozenset[str] = frozenset()
    folds: dict[str, list[Fold]] = field(default_factory=dict)
    _classes: dict[tuple[str, Any], Any] = field(default_factory=dict)
    _first: dict[tuple[str, tuple[bool, ...]], Any] = field(default_factory=dict)

    def class_of(self, name: str, value: Any) -> Any:
        """Give the value that stands for all that no test of this flow tells from `value`."""
        key = (name, value)
        if key not in self._classes:
            self._classes[key] = self._first.setdefault((name, self.truths(name, value)), value)
        return self._classes[key]

    def sums(self, held: Mapping[str, Any], name: str, value: Any) -> dict[str, int]:
        """Give the running sums of scores after an answer: what its folded terms add to when nothing is written."""
        sums: dict[str, int] = {}
        for fold in self.folds.get(name, ()):
            before = sums.get(fold.sum_name, held.get(fold.sum_name, 0))
            sums[fold.sum_name] = before + fold.points({name: value}) - fold.points({})
        return sums

    def folded(self, step: Score) -> list[Fold]:
        """Give the terms of a score that were added up before it."""
        return [fold for folds in self.folds.values() for fold in folds if fold.score == step.id]

    def truths(self, name: str, value: Any) -> tuple[bool, ...]:
        """Give the truth of every test on a name for one value."""
        held = {name: value}
        scope = {"answers": held, "vars": held, "facts": {"today": TODAY}}
        return tuple(compiled(test)(scope) for test in self.tests.get(name, ()))


def reads_of(flows: Mapping[str, Flow]) -> dict[str, Reads]:
    """Work out the reads of every flow."""
    found = {flow.id: Reads(flow, _tests_of(flow)) for flow in flows.values()}
    for _ in range(4):  # calls are at most four deep
        for flow in flows.values():
            _carry_over(flow, found)
    for reads in found.values():
        reads.folds = folds_of(reads.flow, successors) if reads.flow.steps else {}
    for _ in range(5):  # a call reads what its flow may read from its first step on; one round a depth of calls
        for reads in found.values():
            reads.live = _liveness(reads.flow, found)
            reads.facts = frozenset(name for name in reads.live[0] if name[0] == "!") if reads.live else frozenset()
    return found


def conditions_of(step: Step) -> list[Condition]:
    """List every condition a step holds, its `when` first."""
    own = [step.when] if step.when else []
    match step:
        case If(condition=condition):
            return [*own, condition]
        case Score(points=points):
            return [*own, *(point.condition for point in points)]
        case _:
            return own


def leaves(tree: Expr) -> Iterator[Expr]:
    """Give the single tests of a tree."""
    if tree[0] in _LEAVES:
        yield tree
    else:
        for part in tree[1:]:
            yield from leaves(part)


def name_in(leaf: Expr) -> tuple[str, str]:
    """Give the (source, name) that a single test reads."""
    (name, _), *_ = names_of(leaf)
    return name


def _tests_of(flow: Flow) -> dict[str, list[Expr]]:
    tests: dict[str, list[Expr]] = {}
    trees = [condition.tree for step in flow.steps for condition in conditions_of(step)]
    trees += [claim.never.tree for claim in flow.properties]
    for step in flow.steps:
        if isinstance(step, SafeContactDone):
            trees.append(("is", ("answers", f"{step.safe}.way"), ("come", "skip")))
    for tree in trees:
        for leaf in leaves(tree):
            source, name = name_in(leaf)
            if source != "facts" and leaf not in tests.setdefault(name, []):
                tests[name].append(leaf)
    return tests


def _carry_over(flow: Flow, found: dict[str, Reads]) -> None:
    """Let a caller's tests on what a call gives, and a callee's tests on what it takes, count on the other side."""
    for step in flow.steps:
        if not isinstance(step, Call) or step.flow not in found:
            continue
        callee = found[step.flow]
        for given in callee.flow.gives:
            _merge(found[flow.id].tests.get(f"{step.id}.{given}", []), callee.tests, given)
        for its_name, mine in step.given.items():
            _merge(callee.tests.get(its_name, []), found[flow.id].tests, mine)


def _merge(tests: list[Expr], into: dict[str, list[Expr]], name: str) -> None:
    known = into.setdefault(name, [])
    for test in tests:
        renamed = rename_leaf(test, name)
        if renamed not in known:
            known.append(renamed)


def rename_leaf(leaf: Expr, name: str) -> Expr:
    """Give the same test on another answer."""
    match leaf[0]:
        case "cmp":
            return ("cmp", (leaf[1][0], ("answers", name)), *leaf[2:])
        case "in" | "notin":
            return (leaf[0], leaf[1], (leaf[2][0], ("answers", name)))
        case how:
            return (how, ("answers", name), *leaf[2:])


def _liveness(flow: Flow, found: Mapping[str, Reads]) -> list[frozenset[str]]:
    always = {
        name for claim in flow.properties for (source, name), _ in names_of(claim.never.tree) if source != "facts"
    }
    always |= set(flow.gives)
    always |= {f"!{name}" for claim in flow.properties for (_, name), _ in names_of(claim.never.tree)}
    live: list[frozenset[str]] = [frozenset(always)] * len(flow.steps)
    changed = True
    while changed:
        changed = False
        for number in range(len(flow.steps) - 1, -1, -1):
            after: set[str] = set().union(*(live[later] for later in successors(flow, number)))
            step = flow.steps[number]
            killed = set() if step.when else _writes(step) - always
            here = frozenset(always | _reads(step, found[flow.id]) | _facts_read(step, found) | (after - killed))
            if here != live[number]:
                live[number], changed = here, True
    return live


def _facts_read(step: Step, found: Mapping[str, Reads]) -> set[str]:
    """List the facts a step reads, a call those of its flow."""
    names = {
        f"!{name}"
        for condition in conditions_of(step)
        for (source, name), _ in names_of(condition.tree)
        if source == "facts"
    }
    match step:
        case Call(flow=flow) if flow in found:
            names |= found[flow].facts
        case Refer(show=False):
            names.add("!consent.referral")
        case FollowUp():
            names.add("!contact.safe")
        case Ask() if needed := needed_consent(step):
            names.add(f"!consent.{needed}")
        case _:
            pass
    return names


def needed_consent(step: Ask) -> str:
    """Give the purpose without whose consent this may not be asked; empty for none."""
    if step.safe:
        return ""  # how she wants to be reached is hers to say; the question is the consent
    if isinstance(step.spec, Phone) or (isinstance(step.spec, Place) and step.spec.level == "address"):
        return "contact"
    return "record" if isinstance(step.spec, Media) else ""


def _reads(step: Step, reads: Reads) -> set[str]:
    added_before = [fold.condition for fold in reads.folded(step)] if isinstance(step, Score) else []
    conditions = [condition for condition in conditions_of(step) if condition not in added_before]
    names = {name for condition in conditions for (source, name), _ in names_of(condition.tree) if source != "facts"}
    names |= {fold.sum_name for folds in (reads.folds.get(written, []) for written in _writes(step)) for fold in folds}
    match step:
        case Score():
            names.add(f"{step.id}.~sum")
        case Call():
            names |= set(step.given.values())
        case SafeContactDone():
            names.add(f"{step.safe}.way")
        case ScreenBand():
            names |= {f"{step.screen}.points", f"{step.screen}.answered"}
        case Ask(screen=screen) if screen:
            names |= {f"{screen}.points", f"{screen}.answered"}
        case Set():
            names |= {name for name, value in step.values.items() if value == "+1"}
        case _:
            pass
    return names


def _writes(step: Step) -> set[str]:
    match step:
        case Ask(screen=""):
            return {step.id, f"!consent.{step.consent}"} if step.consent else {step.id}
        case Screen():
            return {f"{step.id}.points", f"{step.id}.answered"}
        case Set():
            return {name for name, value in step.values.items() if value != "+1"}
        case ScreenBand(screen=screen):
            return {screen}
        case SafeContact() | Ask():
            return set()
        case _:
            return {step.id, "!contact.safe"} if isinstance(step, SafeContactDone) else {step.id}
