"""The model checker: walks every reachable state of a script and answers a broken claim with the shortest conversation.

Proved here: P1, P2, P4-P14 and P17 of flow-language §6 (P11 for cards tagged joint). Explicit states with the
reductions of bot.engine.explore_reads; at most 200,000 states or 20 s, then too_many_states. The path «back» is not an
edge: it is barred by every danger tag, so it only returns to a state already walked.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple

from bot.engine.explore_answers import SILENCE, UNCLEAR, Answer, answers_of
from bot.engine.explore_graph import Graph
from bot.engine.explore_reads import conditions_of, leaves, name_in, reads_of
from bot.engine.explore_state import VIOLENT, State
from bot.engine.explore_steps import RUNNERS
from bot.engine.explore_walk import Fault, Outcome, Turn, Walker
from bot.engine.issues import Issue, issue
from bot.engine.model import (
    ALWAYS_STEPS,
    SAFE_PARTS,
    Ask,
    Bundle,
    Call,
    Flow,
    FollowUp,
    FreeText,
    Guide,
    Score,
    ScreenBand,
    Step,
)

STATES_MAX = 200_000
SECONDS_MAX = 20.0
ANSWERS_IN_DEBT_MAX = 12
_HELD = "(بازگشت از همکار)"

#: How a fault was met: the graph, the wait before, and the last label.
_Way = tuple[Graph, State | None, str]


class _Edge(NamedTuple):
    """A way out of a wait, with its state after the answer, before the walk."""

    label: str
    state: State | None
    target: str


@dataclass(slots=True)
class Exploration:
    """What walking a bundle found."""

    issues: list[Issue] = field(default_factory=list)
    states: int = 0
    seconds: float = 0.0


def explore(
    bundle: Bundle, roots: Iterable[str] | None = None, now: Callable[[], float] = time.process_time
) -> Exploration:
    """Walk the scripts from their roots (all that can begin a conversation, unless named) and report what breaks.

    With named roots, coverage (unreachable steps, one-sided conditions) is judged for those flows only. The bundle's
    links must be sound (checks_links): an unknown target or flow is simply not followed.
    """
    began = now()
    run = _Run(bundle, now, began)
    chosen = list(roots) if roots is not None else roots_of(bundle)
    for root in chosen:
        if root == "always":
            run.always()
        elif root in bundle.flows and bundle.flows[root].steps:
            run.root(bundle.flows[root], 0)
    if roots is None:
        run.only_coverage(name for name in bundle.flows if name not in chosen)
    covered = [name for name in (bundle.flows if roots is None else chosen) if name != "always"]
    if not run.capped:
        run.coverage([bundle.flows[name] for name in covered if name in bundle.flows])
    return Exploration(sorted(set(run.issues)), run.states, now() - began)


def roots_of(bundle: Bundle) -> list[str]:
    """List the flows that can begin a conversation: the entry, follow-ups, and whatever no other flow calls."""
    called: set[str] = set()
    begun: set[str] = {bundle.entry}
    for flow in bundle.flows.values():
        called.update(step.flow for step in flow.steps if isinstance(step, Call))
        begun.update(step.flow for step in flow.steps if isinstance(step, FollowUp))
    return [name for name in bundle.flows if name in begun or name not in called]


class _Run:
    """One exploration of a bundle: shared reads, coverage and issues."""

    def __init__(self, bundle: Bundle, now: Callable[[], float], began: float) -> None:
        self.bundle = bundle
        self.issues: list[Issue] = []
        self.states = 0
        self.capped = False
        self._now = now
        self._deadline = began + SECONDS_MAX
        self._told: set[tuple[str, str, str]] = set()
        reads = reads_of(bundle.flows)
        self.walker = Walker(bundle, reads, _kept_kinds(bundle), RUNNERS)
        self._answers: dict[tuple[str, str], list[Answer]] = {}

    def always(self) -> None:
        """Walk the steps that the engine enters by itself, each from its own beginning."""
        flow = self.bundle.flows["always"]
        safe = {f"safe_{part}" for part in SAFE_PARTS}
        for name, kind in ALWAYS_STEPS.items():
            if name in flow.index and name not in safe and kind != "say":
                self.root(flow, flow.index[name])

    def only_coverage(self, names: Iterable[str]) -> None:
        """Walk flows that others call, by themselves: a step they never reach through a caller may still be needed."""
        kept, self.issues = self.issues, []
        for name in names:
            if self.bundle.flows[name].steps:
                self.root(self.bundle.flows[name], 0)
        self.issues = kept + [found for found in self.issues if found.rule == "too_many_states"]

    def root(self, flow: Flow, start: int) -> None:
        """Walk one flow from one step, breadth first, so that the first path to a fault is the shortest."""
        graph = Graph()
        queue: deque[State] = deque()
        for values in product(*flow.takes.values()):
            takes = dict(zip(flow.takes, values, strict=True))
            begun = State(frames=(self.walker.enter(flow.id, start, takes),))
            self._take(graph, queue, None, "", self.walker.walk(begun))
        unheard = State(frames=(self.walker.enter(flow.id, start, {}),))
        for label, told, target in self.walker.told(flow, unheard) if start == 0 else ():
            self._take(graph, queue, None, label, self._follow(Turn(), _Edge(label, told, target)))
        while queue and not self.capped:
            node = queue.popleft()
            for edge in self._edges(graph, node):
                turn = Turn()
                following = self._follow(turn, edge)
                self._take(graph, queue, node, edge.label, following)
            self._cap(graph)
        if not self.capped:
            self._graph_faults(graph, flow)

    def _follow(self, turn: Turn, edge: _Edge) -> Turn:
        state = edge.state
        assert state is not None
        reached = self.walker.go(turn, state, edge.target) if edge.target else state.moved(state.top.at + 1)
        if reached is not None:
            walked = self.walker.walk(reached)
            turn.outcomes.extend(walked.outcomes)
            turn.faults.extend(walked.faults)
        return turn

    def _take(self, graph: "Graph", queue: deque[State], node: State | None, label: str, turn: Turn) -> None:
        for fault in turn.faults:
            self._report(fault, (graph, node, label))
        for outcome in turn.outcomes:
            state = outcome.state
            if outcome.kind == "held":
                self._take(graph, queue, node, f"{label} › {_HELD}" if label else _HELD, self.walker.walk(state))
                continue
            self._claims(outcome, (graph, node, label))
            graph.link(node, label, outcome)
            if outcome.kind == "wait" and state not in graph.back:
                graph.back[state] = (node, label)
                queue.append(state)
                self.states += 1

    def _edges(self, graph: "Graph", node: State) -> Iterable[_Edge]:
        step = self.walker.step_of(node)
        assert isinstance(step, Ask)
        flow = self.bundle.flows[node.top.flow]
        for answer in self._answers_of(flow, step):
            yield _Edge(answer.label, self._recorded(graph, node, step, answer), answer.go)
        if step.silence is not None:
            yield _Edge(SILENCE, node, step.silence.then)
        yield _Edge(UNCLEAR, node, step.unclear.then)
        if not isinstance(step.spec, FreeText):
            yield from (_Edge(*told) for told in self.walker.told(flow, node))
        for handler in flow.always:
            if handler.go and flow.id != "always":
                yield _Edge(handler.words[0] if handler.words else handler.name, node, handler.go)

    def _answers_of(self, flow: Flow, step: Ask) -> list[Answer]:
        key = (flow.id, step.id)
        if key not in self._answers:
            self._answers[key] = answers_of(step, self.walker.reads[flow.id])
        return self._answers[key]

    def _recorded(self, graph: "Graph", node: State, step: Ask, answer: Answer) -> State:
        values: dict[str, Any] = {}
        if step.screen:
            held = dict(node.top.answers)
            values[f"{step.screen}.points"] = held.get(f"{step.screen}.points", 0) + answer.points
            if self._counts_answers(node, step):
                answered = held.get(f"{step.screen}.answered", 0) + (answer.value != "skip")
                values[f"{step.screen}.answered"] = answered
        state = (
            self.walker.answered(node, step.id, answer.value)
            .wrote(values)
            .raised(answer.danger, self.walker.kept(answer.kinds, node.top.flow))
        )
        if node.debt:
            state = state._replace(since=node.since + 1)
            if state.since > ANSWERS_IN_DEBT_MAX:
                self._report(Fault("debt_too_long", node.top.flow, step.id), (graph, node, answer.label))
                state = state._replace(debt=0, since=0)
        if answer.covert:
            state = state._replace(covert=True)
        if step.consent:
            given = "yes" if answer.value == "yes" else "no"
            state = state._replace(consents=tuple(sorted({**dict(state.consents), step.consent: given}.items())))
        return state

    def _counts_answers(self, node: State, step: Ask) -> bool:
        flow = self.bundle.flows[node.top.flow]
        band = flow.step(f"{step.screen}.band")
        return isinstance(band, ScreenBand) and band.enough > 0

    def _where_said(self, fault: Fault, way: _Way) -> Fault:
        """Name the question whose answer was the danger, not the far place where its turn came to an end."""
        node = way[1]
        if fault.rule != "danger_not_escalated" or node is None:
            return fault
        return fault._replace(flow=node.top.flow, step=self.walker.step_of(node).id)

    def _claims(self, outcome: Outcome, way: _Way) -> None:
        """Check the author's own properties where they apply."""
        flow = self.bundle.flows[outcome.state.top.flow]
        step = self.walker.step_of(outcome.state).id
        for claim in flow.properties:
            if claim.at in {outcome.kind, step}:
                state = outcome.state
                marks = (dict(state.top.answers), dict(state.top.vars), state.read_facts())
                if claim.never.holds(*marks):
                    self._report(Fault("property_broken", flow.id, step, (("name", claim.id),)), way)

    def _graph_faults(self, graph: "Graph", flow: Flow) -> None:
        for state in graph.silent_circles():
            self._report(Fault("silence_circle", state.top.flow, self.walker.step_of(state).id), (graph, state, ""))
        if flow.id == "always":
            return
        for state in graph.trapped():
            self._report(Fault("dead_end", state.top.flow, self.walker.step_of(state).id), (graph, state, ""))

    def _report(self, fault: Fault, way: _Way) -> None:
        fault = self._where_said(fault, way)
        key = fault[:3] if fault.rule != "read_before_write" else (fault.rule, fault.step, str(fault.words))
        if key in self._told:
            return
        self._told.add(key)
        step = self.bundle.flows[fault.flow].step(fault.step)
        at = step.at if step else (1, 1)
        words = {"name": fault.step} | dict(fault.words)
        graph, node, label = way
        found = issue(fault.rule, f"{fault.flow}.yaml", at, **words)
        self.issues.append(replace(found, example=graph.path(node, label)))

    def _cap(self, graph: "Graph") -> None:
        if self.states <= STATES_MAX and self._now() <= self._deadline:
            return
        self.capped = True
        costly: Counter[str] = Counter()
        kinds: dict[str, set[Any]] = {}
        for state in graph.back:
            for name, value in state.top.answers:
                kinds.setdefault(f"{state.top.flow}.{name}", set()).add(value)
        for name, values in kinds.items():
            costly[name] = len(values)
        names = ", ".join(name for name, _ in costly.most_common(5)) or "-"
        first = next(iter(graph.back)).frames[0].flow
        self.issues.append(issue("too_many_states", f"{first}.yaml", (1, 1), name=names))

    def coverage(self, flows: list[Flow]) -> None:
        """Report steps nobody reaches and conditions that always answer alike."""
        for flow in flows:
            for step in flow.steps:
                if "." not in step.id:  # items and safe questions are reported as their compound
                    self._coverage_of(flow, step)

    def _coverage_of(self, flow: Flow, step: Step) -> None:
        seen = self.walker.coverage
        never = seen.sides.get((flow.id, step.id, "when")) == {False}
        found = []
        if (flow.id, step.id) not in seen.steps and not never:
            found.append(issue("unreachable_step", f"{flow.id}.yaml", step.at, name=step.id))
        for number, condition in enumerate(conditions_of(step)):
            which = "when" if step.when and number == 0 else condition.text if isinstance(step, Score) else "if"
            sides = seen.sides.get((flow.id, step.id, which), set())
            if len(sides) == 1:
                rule = "always_true" if True in sides else "always_false"
                found.append(issue(rule, f"{flow.id}.yaml", step.at, name=condition.text))
        self.issues.extend(found)


def _kept_kinds(bundle: Bundle) -> frozenset[str]:
    """Give the kinds some condition reads, and the mark of violence where a condition or a joint card asks for it."""
    kept: set[str] = set()
    for flow in bundle.flows.values():
        trees = [condition.tree for step in flow.steps for condition in conditions_of(step)]
        trees += [claim.never.tree for claim in flow.properties]
        for tree in trees:
            kept.update(leaf[1] for leaf in leaves(tree) if leaf[0] in {"in", "notin"} and name_in(leaf)[1] == "kinds")
            kept.update(VIOLENT for leaf in leaves(tree) if name_in(leaf) == ("facts", "violence"))
        if any(
            "joint" in bundle.cards[step.card].tags
            for step in flow.steps
            if isinstance(step, Guide) and step.card in bundle.cards
        ):
            kept.add(VIOLENT)
    return frozenset(kept)
