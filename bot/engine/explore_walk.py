"""One turn of the explorer: from a step to every wait, rest and end it can come to, and what broke on the way.

The same walk as the engine's, on classes of answers: `staff` and `hour` are taken both ways wherever they are read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from bot.core.text import ascii_digits
from bot.engine.explore_facts import FactClasses
from bot.engine.explore_reads import TODAY, Reads, compiled, conditions_of, name_in
from bot.engine.explore_state import MAYBE_VIOLENT, RISKS, TIER_PAYS, VIOLENT, Frame, State
from bot.engine.explore_violence import minding_violence, reads_violence
from bot.engine.expressions import FACT_DOMAINS, Condition, Expr, names_of
from bot.engine.model import (
    SPECIAL_TARGETS,
    Bundle,
    Flow,
    Guide,
    Step,
    Texts,
)
from bot.engine.parts import VIOLENCE

STEPS_MAX = 100
MESSAGES_MAX = 5
CALLS_MAX = 4
#: Facts that stay the same in a session: chosen when first read, then remembered while something can read them.
FIXED_FACTS = ("channel", "mode", "language", "languages", "returning", "age_group")
_NUMBERS = ("110", "123", "{line.110}", "{line.123}")


class Fault(NamedTuple):
    """A broken claim: the rule, where, and the words for the rule."""

    rule: str
    flow: str
    step: str
    words: tuple[tuple[str, str | int], ...] = ()


class Outcome(NamedTuple):
    """Where a turn came to: a wait, a rest, an end, or `held`: the place a hand-back resumes at."""

    kind: Literal["wait", "rest", "end", "held"]
    state: State


@dataclass(slots=True)
class Turn:
    """All outcomes of one turn and all that broke."""

    outcomes: list[Outcome] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class _Place(NamedTuple):
    state: State
    messages: int
    path: tuple[State, ...]


@dataclass(slots=True)
class Coverage:
    """Which steps were reached and which sides of each condition were seen, over all explorations."""

    steps: set[tuple[str, str]] = field(default_factory=set)
    sides: dict[tuple[str, str, str], set[bool]] = field(default_factory=dict)


class Walker:
    """Walks turns of one bundle."""

    def __init__(self, bundle: Bundle, reads: dict[str, Reads], kept_kinds: frozenset[str], runners: "Runners") -> None:
        self.bundle = bundle
        self._runners = runners
        self.reads = reads
        self.kept_kinds = kept_kinds
        self._mind_violence = minding_violence(bundle)
        self.fact_classes = FactClasses(bundle.flows)
        for name in ("contact.safe", *(f"consent.{key}" for key in ("contact", "referral", "record", "health"))):
            self.fact_classes.of(name, "unasked")  # the first of its class stands for it
        self.coverage = Coverage()

    def step_of(self, state: State) -> Step:
        """Give the step a state stands at."""
        return self.bundle.flows[state.top.flow].steps[state.top.at]

    def walk(self, start: State) -> Turn:
        """Run from a state to every wait, rest and end."""
        turn = Turn()
        todo = [_Place(start, 0, ())]
        seen: set[tuple[State, int]] = set()
        while todo:
            place = todo.pop()
            if place.state in place.path or len(place.path) > STEPS_MAX:
                self.fault(turn, "loop_without_wait", place.state)
                continue
            if (place.state, place.messages) in seen:
                continue
            seen.add((place.state, place.messages))
            todo.extend(self._advance(turn, place))
        return turn

    def enter(self, flow_id: str, start: int, answers: dict[str, Any]) -> Frame:
        """Give the first frame of a flow."""
        flow = self.bundle.flows[flow_id]
        tested = self.reads[flow_id].tests
        marks = {name: var.start for name, var in flow.vars.items() if name in tested}
        return Frame(flow_id, start, tuple(sorted(answers.items())), tuple(sorted(marks.items())))

    def told(self, flow: Flow, state: State) -> Iterator[tuple[str, State, str]]:
        """Give where words of danger lead that no question asked for (`heard`): the case is open, the lines were said."""
        for heard in flow.heard:
            yield (
                f"«{'، '.join(heard.words)}»",
                state.paid(TIER_PAYS["T2"])._replace(
                    risk=max(state.risk, "T2", key=RISKS.index),
                    said=True,
                    covert=state.covert or "covert" in heard.words,
                    kinds=state.kinds | self.kept(heard.words, flow.id),
                ),
                heard.go,
            )

    def answered(self, state: State, name: str, value: Any) -> State:
        """Write an answer by its class, and add its folded terms to the sums of later scores."""
        reads = self.reads[state.top.flow]
        standing = reads.class_of(name, value)
        for fold in reads.folds.get(name, ()):
            sides = {fold.condition.holds({name: standing}, {}, {})}
            sides |= {fold.condition.holds({}, {}, {})} if fold.may_be_unset else set()
            self.coverage.sides.setdefault((reads.flow.id, fold.score, fold.condition.text), set()).update(sides)
        return state.wrote({name: standing, **reads.sums(dict(state.top.answers), name, standing)})

    def go(self, turn: Turn, state: State, target: str) -> State | None:
        """Go to a target of the running flow; None when the turn came to rest."""
        if target not in SPECIAL_TARGETS:
            index = self.bundle.flows[state.top.flow].index.get(target)
            return None if index is None else state.moved(index)
        if target == "human":
            state = state.paid(2)
        elif target == "settle":
            state = state.paid(2) if state.debt else state
        elif state.debt:
            self.fault(turn, "debt_at_end", state)
        turn.outcomes.append(Outcome("rest", state))
        return None

    def _advance(self, turn: Turn, place: _Place) -> Iterator[_Place]:
        state = place.state
        flow = self.bundle.flows[state.top.flow]
        if state.top.at >= len(flow.steps):
            return
        step = flow.steps[state.top.at]
        unfixed = _unfixed(step, dict(state.facts))
        if unfixed is not None:
            for value in FACT_DOMAINS[unfixed]:
                yield place._replace(state=state._replace(facts=tuple(sorted((*state.facts, (unfixed, value))))))
            return
        if MAYBE_VIOLENT in state.kinds and reads_violence(step, self.bundle.cards):
            known = state.kinds - {MAYBE_VIOLENT}
            for kinds in (known, known | {VIOLENT}):
                yield place._replace(state=state._replace(kinds=kinds))
            return
        for guarded in self.truths(turn, state, step.when, "when"):
            if not guarded:
                yield _Place(state.moved(flow.passes_to[state.top.at]), place.messages, (*place.path, state))
                continue
            self.coverage.steps.add((flow.id, step.id))
            messages = place.messages + self._messages(step)
            if messages > MESSAGES_MAX >= place.messages:
                words = (("size", messages), ("unit", "پیام"), ("unit_en", "messages"), ("most", MESSAGES_MAX))
                self.fault(turn, "turn_too_long", state, words)
            for following in self._run(turn, self.shown(state, step.texts), step):
                yield _Place(following, messages, (*place.path, state))

    def _run(self, turn: Turn, state: State, step: Step) -> list[State]:
        runner = self._runners.get(type(step))
        found = runner(self, turn, state, step) if runner else [self.next(state)]
        return [following for following in found if following is not None]

    def next(self, state: State) -> State:
        """Go on at the next line."""
        return state.moved(state.top.at + 1)

    def jump(self, turn: Turn, state: State, target: str) -> State | None:
        """Go to a target, or on at the next line when there is none."""
        return self.go(turn, state, target) if target else self.next(state)

    def pruned(self, state: State) -> State:
        """Drop the answers, consents and facts that nothing can read from here."""
        live = self.reads[state.top.flow].live[state.top.at]
        state = state.with_top(state.top._replace(answers=tuple(item for item in state.top.answers if item[0] in live)))
        wanted = {name for frame in state.frames for name in self.reads[frame.flow].live[frame.at] if name[0] == "!"}
        return state._replace(
            facts=tuple(item for item in state.facts if f"!{item[0]}" in wanted),
            consents=tuple(
                (purpose, standing)
                for purpose, given in state.consents
                if f"!consent.{purpose}" in wanted
                and (standing := self.fact_classes.of(f"consent.{purpose}", given)) != "unasked"
            ),
            safe=self.fact_classes.of("contact.safe", state.safe) if "!contact.safe" in wanted else "unasked",
            risk=self.fact_classes.of("risk", state.risk),
        )

    def kept(self, kinds: tuple[str, ...] | frozenset[str], flow_id: str) -> frozenset[str]:
        """Keep the kinds that something reads, and one mark for violence of any kind where the script minds it."""
        found = frozenset(kinds)
        minded = VIOLENT in self.kept_kinds and flow_id in self._mind_violence
        violent = (VIOLENT,) if minded and not VIOLENCE.isdisjoint(found) else ()
        return (found & self.kept_kinds) | frozenset(violent)

    def entered(self, kinds: frozenset[str], flow_id: str) -> frozenset[str]:
        """Give the kinds within a script that is called: one that does not mind violence is walked once for all."""
        return kinds if flow_id in self._mind_violence else kinds - {VIOLENT, MAYBE_VIOLENT}

    def left(self, kinds: frozenset[str], flow_id: str) -> frozenset[str]:
        """Give the kinds after a script gave back to its caller: what violence it heard of is not followed further."""
        if VIOLENT not in self.kept_kinds or flow_id not in self._mind_violence:
            return kinds - {VIOLENT}
        return (kinds - {VIOLENT}) | {MAYBE_VIOLENT}

    def shown(self, state: State, texts: Texts) -> State:
        """Note whether these texts show 110 or 123 in every variant she may see."""
        if state.said or not texts.text:
            return state
        variants = [texts.variant(mode, covert=state.covert) for mode in ("rich", "sms")]
        said = all(any(number in ascii_digits(text) for number in _NUMBERS for text in one) for one in variants)
        return state._replace(said=True) if said else state

    def _messages(self, step: Step) -> int:
        if isinstance(step, Guide):
            card = self.bundle.cards.get(step.card)
            return 1 if step.part else len(card.messages) if card else 0
        return max(len(step.texts.text), len(step.texts.sms))

    def truths(self, turn: Turn, state: State, condition: Condition | None, which: str) -> list[bool]:
        """Give the sides a condition can take here: one, or both where it reads staff or hour."""
        if condition is None:
            return [True]
        flow, step = state.top.flow, self.step_of(state).id
        found: set[bool] = set()
        for facts in _free_facts(condition, state.read_facts()):
            scope = {"answers": dict(state.top.answers), "vars": dict(state.top.vars), "facts": facts}
            unset: list[str] = []
            found.add(_holds(condition.tree, scope, unset))
            for name in unset:
                fault = Fault("read_before_write", flow, step, (("name", name),))
                turn.faults.append(fault)
        self.coverage.sides.setdefault((flow, step, which), set()).update(found)
        return sorted(found)

    def fault(self, turn: Turn, rule: str, state: State, words: tuple[tuple[str, str | int], ...] = ()) -> None:
        """Note a broken claim at the step a state stands at."""
        flow = self.bundle.flows[state.top.flow]
        step = flow.steps[min(state.top.at, len(flow.steps) - 1)].id
        turn.faults.append(Fault(rule, flow.id, step, words))


def _unfixed(step: Step, facts: dict[str, Any]) -> str | None:
    """Name a fact of the whole session that this step reads and that was not chosen yet."""
    names = (name for condition in conditions_of(step) for (_, name), _ in names_of(condition.tree))
    return next((name for name in names if name in FIXED_FACTS and name not in facts), None)


def _holds(tree: Expr, scope: dict[str, dict[str, Any]], unset: list[str]) -> bool:
    """Evaluate with short circuits, noting each answer that is read before it is written."""
    match tree[0]:
        case "and":
            return all(_holds(part, scope, unset) for part in tree[1:])
        case "or":
            return any(_holds(part, scope, unset) for part in tree[1:])
        case "not":
            return not _holds(tree[1], scope, unset)
        case how:
            source, name = name_in(tree)
            if how != "known" and source != "facts" and name not in scope[source]:
                unset.append(name)
            return compiled(tree)(scope)


def _free_facts(condition: Condition, facts: dict[str, Any]) -> list[dict[str, Any]]:
    facts = facts | {"today": TODAY, "staff": "on", "hour": 0}
    names = {name for (source, name), _ in names_of(condition.tree) if source == "facts"}
    found = [facts]
    if "staff" in names:
        found = [one | {"staff": staff} for one in found for staff in ("on", "none")]
    if "hour" in names:
        found = [one | {"hour": hour} for one in found for hour in range(24)]
    return found


Runners = Mapping[type[Any], Callable[[Walker, Turn, State, Any], list[State | None]]]
