"""One turn of the explorer: from a step to every wait, rest and end it can come to, and what broke on the way.

The same walk as the engine's, on classes of answers: `staff` and `hour` are taken both ways wherever they are read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from bot.core.text import ascii_digits
from bot.engine.explore_reads import TODAY, Reads, compiled, conditions_of, name_in, needed_consent
from bot.engine.explore_state import RISKS, TIER_PAYS, VIOLENCE, Frame, State
from bot.engine.expressions import FACT_DOMAINS, Condition, Expr, names_of
from bot.engine.model import (
    SPECIAL_TARGETS,
    Ask,
    Bundle,
    Call,
    End,
    Escalate,
    FollowUp,
    Go,
    Guide,
    If,
    Refer,
    SafeContactDone,
    Score,
    Screen,
    ScreenBand,
    Set,
    Step,
    Texts,
)
from bot.engine.parts import Band

STEPS_MAX = 100
MESSAGES_MAX = 5
CALLS_MAX = 4
#: Facts that stay the same in a session: chosen when first read, then remembered while something can read them.
FIXED_FACTS = ("channel", "mode", "language", "returning", "age_group")
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

    def __init__(self, bundle: Bundle, reads: dict[str, Reads], kept_kinds: frozenset[str]) -> None:
        self.bundle = bundle
        self.reads = reads
        self.kept_kinds = kept_kinds
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
                self._fault(turn, "loop_without_wait", place.state)
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
            self._fault(turn, "debt_at_end", state)
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
        for guarded in self._truths(turn, state, step.when, "when"):
            if not guarded:
                yield _Place(state.moved(flow.passes_to[state.top.at]), place.messages, (*place.path, state))
                continue
            self.coverage.steps.add((flow.id, step.id))
            messages = place.messages + self._messages(step)
            if messages > MESSAGES_MAX >= place.messages:
                words = (("size", messages), ("unit", "پیام"), ("unit_en", "messages"), ("most", MESSAGES_MAX))
                self._fault(turn, "turn_too_long", state, words)
            for following in self._run(turn, self._shown(state, step.texts), step):
                yield _Place(following, messages, (*place.path, state))

    def _run(self, turn: Turn, state: State, step: Step) -> list[State]:
        runner = _RUNNERS.get(type(step))
        found = runner(self, turn, state, step) if runner else [self._next(state)]
        return [following for following in found if following is not None]

    def _next(self, state: State) -> State:
        return state.moved(state.top.at + 1)

    def _jump(self, turn: Turn, state: State, target: str) -> State | None:
        return self.go(turn, state, target) if target else self._next(state)

    def _ask(self, turn: Turn, state: State, step: Ask) -> list[State | None]:
        needed = needed_consent(step)
        if needed and dict(state.consents).get(needed) != "yes":
            self._fault(turn, "no_consent", state)
        if state.debt == 2:
            self._fault(turn, "danger_not_escalated", state)
            state = state.paid(2)
        turn.outcomes.append(Outcome("wait", self._pruned(state)))
        return []

    def _pruned(self, state: State) -> State:
        """Drop the answers, consents and facts that nothing can read from here."""
        live = self.reads[state.top.flow].live[state.top.at]
        state = state.with_top(state.top._replace(answers=tuple(item for item in state.top.answers if item[0] in live)))
        wanted = {name for frame in state.frames for name in self.reads[frame.flow].live[frame.at] if name[0] == "!"}
        return state._replace(
            facts=tuple(item for item in state.facts if f"!{item[0]}" in wanted),
            consents=tuple(item for item in state.consents if f"!consent.{item[0]}" in wanted),
            safe=state.safe if "!contact.safe" in wanted else "unasked",
        )

    def _if(self, turn: Turn, state: State, step: If) -> list[State | None]:
        return [
            self._jump(turn, state, step.go if truth else step.otherwise)
            for truth in self._truths(turn, state, step.condition, "if")
        ]

    def _go(self, turn: Turn, state: State, step: Go) -> list[State | None]:
        return [self.go(turn, state, step.go)]

    def _set(self, _turn: Turn, state: State, step: Set) -> list[State | None]:
        flow = self.bundle.flows[state.top.flow]
        marks = dict(state.top.vars)
        for name, value in step.values.items():
            if name in marks:
                var = flow.vars[name]
                marks[name] = min(marks[name] + 1, var.most) if value == "+1" and not var.keys else _mark(value)
        return [self._next(state.set_vars(marks))]

    def _screen(self, _turn: Turn, state: State, step: Screen) -> list[State | None]:
        return [self._next(state.wrote({f"{step.id}.points": 0, f"{step.id}.answered": 0}))]

    def _band(self, turn: Turn, state: State, step: ScreenBand) -> list[State | None]:
        answers = dict(state.top.answers)
        points = answers.get(f"{step.screen}.points", 0)
        few = step.enough > answers.get(f"{step.screen}.answered", 0)
        band = _named(step.bands, "unknown") if few else _band_of(step.bands, points)
        return self._scored(turn, state, band, step.screen, step.go)

    def _score(self, turn: Turn, state: State, step: Score) -> list[State | None]:
        folded = self.reads[state.top.flow].folded(step)
        held = dict(state.top.answers)
        points = held.get(f"{step.id}.~sum", 0) + sum(fold.points({}) for fold in folded)
        added_before = {fold.condition for fold in folded}
        for point in step.points:
            if point.condition not in added_before and True in self._truths(
                turn, state, point.condition, point.condition.text
            ):
                points += point.add
        state = state.wrote({f"{step.id}.points": points})
        return self._scored(turn, state, _band_of(step.bands, points), step.id, step.go)

    def _scored(self, turn: Turn, state: State, band: Band | None, name: str, go: dict[str, str]) -> list[State | None]:
        if band is None:
            return [self._next(state)]
        state = self.answered(state, name, band.key).raised(band.danger, self.kept(band.kinds))
        return [self._jump(turn, state, go.get(band.key, ""))]

    def _call(self, _turn: Turn, state: State, step: Call) -> list[State | None]:
        callee = self.bundle.flows.get(step.flow)
        if callee is None or not callee.steps or len(state.frames) > CALLS_MAX:
            return [self._next(state)]
        if any(frame.flow == step.flow for frame in state.frames):
            return []
        mine = dict(state.top.answers) | dict(state.top.vars)
        given = {name: mine[answer] for name, answer in step.given.items() if answer in mine}
        for name, keys in callee.takes.items():
            given.setdefault(name, step.given.get(name, keys[0] if keys else ""))
        live = self.reads[state.top.flow].live[state.top.at]
        waiting = state.top._replace(answers=tuple(item for item in state.top.answers if item[0] in live))
        return [state._replace(frames=(*state.frames[:-1], waiting, self.enter(step.flow, 0, given)))]

    def _guide(self, turn: Turn, state: State, step: Guide) -> list[State | None]:
        card = self.bundle.cards.get(step.card)
        if card is not None:
            if "joint" in card.tags and state.kinds & VIOLENCE:
                self._fault(turn, "joint_after_violence", state)
            shown = card.messages[step.part - 1 : step.part] if step.part else card.messages
            for texts in shown:
                state = self._shown(state, texts)
        return [self._next(state)]

    def _refer(self, turn: Turn, state: State, _step: Refer) -> list[State | None]:
        if dict(state.consents).get("referral") != "yes":
            self._fault(turn, "no_consent", state)
        return [self._next(state)]

    def _escalate(self, turn: Turn, state: State, step: Escalate) -> list[State | None]:
        if state.debt > TIER_PAYS[step.tier]:
            self._fault(turn, "tier_too_weak", state)
        state = state.paid(2)
        if step.hand_over and (after := self._jump(Turn(), state, step.after)) is not None:
            turn.outcomes.append(Outcome("held", after))
        targets = dict.fromkeys((step.while_waiting, step.if_no_staff))
        return [self._jump(turn, state, target) for target in targets]

    def _safe(self, _turn: Turn, state: State, step: SafeContactDone) -> list[State | None]:
        way = dict(state.top.answers).get(f"{step.safe}.way")
        test: Expr = ("is", ("answers", f"{step.safe}.way"), ("come", "skip"))
        none = way is None or compiled(test)({"answers": {f"{step.safe}.way": way}})
        return [self._next(state._replace(safe="none" if none else "set"))]

    def _follow_up(self, turn: Turn, state: State, _step: FollowUp) -> list[State | None]:
        if state.safe != "set":
            self._fault(turn, "unsafe_contact", state)
        return [self._next(state)]

    def _end(self, turn: Turn, state: State, step: End) -> list[State | None]:
        if len(state.frames) > 1:
            return [self._returned(state, step)]
        if state.debt:
            rule = "danger_not_escalated" if state.debt == 2 else "debt_at_end"
            self._fault(turn, rule, state)
        elif state.risk == "T3" and not state.case:
            self._fault(turn, "low_unanswered", state)
        if RISKS.index(state.risk) >= RISKS.index("T2") and not state.said:
            self._fault(turn, "no_number_at_end", state)
        turn.outcomes.append(Outcome("end", state))
        return []

    def _returned(self, state: State, step: End) -> State:
        callee = state.top
        flow = self.bundle.flows[callee.flow]
        back = state._replace(frames=state.frames[:-1])
        call = self.step_of(back)
        inner = dict(callee.answers)
        mine = self.reads[back.top.flow]
        values = {f"{call.id}.{name}": inner[name] for name in flow.gives if name in inner}
        return self._next(back.wrote(values | {call.id: mine.class_of(call.id, step.outcome)}))

    def kept(self, kinds: tuple[str, ...] | frozenset[str]) -> frozenset[str]:
        """Keep the kinds that something reads."""
        return frozenset(kinds) & self.kept_kinds

    def _shown(self, state: State, texts: Texts) -> State:
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

    def _truths(self, turn: Turn, state: State, condition: Condition | None, which: str) -> list[bool]:
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

    def _fault(self, turn: Turn, rule: str, state: State, words: tuple[tuple[str, str | int], ...] = ()) -> None:
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


def _band_of(bands: tuple[Band, ...], points: int) -> Band | None:
    return next((band for band in bands if band.key != "unknown" and band.low <= points <= band.high), None)


def _named(bands: tuple[Band, ...], key: str) -> Band | None:
    return next((band for band in bands if band.key == key), None)


def _mark(value: str) -> str | int:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 3 else value


_RUNNERS: dict[type[Any], Callable[[Walker, Turn, State, Any], list[State | None]]] = {
    Ask: Walker._ask,  # noqa: SLF001 - the table stands beside its class
    If: Walker._if,  # noqa: SLF001
    Go: Walker._go,  # noqa: SLF001
    Set: Walker._set,  # noqa: SLF001
    Screen: Walker._screen,  # noqa: SLF001
    ScreenBand: Walker._band,  # noqa: SLF001
    Score: Walker._score,  # noqa: SLF001
    Call: Walker._call,  # noqa: SLF001
    Guide: Walker._guide,  # noqa: SLF001
    Refer: Walker._refer,  # noqa: SLF001
    Escalate: Walker._escalate,  # noqa: SLF001
    SafeContactDone: Walker._safe,  # noqa: SLF001
    FollowUp: Walker._follow_up,  # noqa: SLF001
    End: Walker._end,  # noqa: SLF001
}
