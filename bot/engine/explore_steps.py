"""What each kind of step does to a state of the explorer: the engine's meaning of it, on classes of answers."""

from typing import Any

from bot.engine.explore_answers import answers_of
from bot.engine.explore_reads import compiled, needed_consent
from bot.engine.explore_state import RISKS, TIER_PAYS, VIOLENT, State
from bot.engine.explore_walk import CALLS_MAX, Outcome, Runners, Turn, Walker
from bot.engine.expressions import Expr
from bot.engine.model import (
    Ask,
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
)
from bot.engine.parts import Band


def _ask(walker: Walker, turn: Turn, state: State, step: Ask) -> list[State | None]:
    needed = needed_consent(step)
    if needed and dict(state.consents).get(needed) != "yes":
        walker.fault(turn, "no_consent", state)
    if state.debt == 2:
        walker.fault(turn, "danger_not_escalated", state)
        state = state.paid(2)
    turn.outcomes.append(Outcome("wait", walker.pruned(state)))
    return [walker.next(walker.answered(state, step.id, value)) for value in _given_before(walker, state, step)]


def _given_before(walker: Walker, state: State, step: Ask) -> list[Any]:
    """Give the answers that may stand already: whoever gave one is not asked, and every such way is walked too."""
    if not step.once or step.id in dict(state.top.answers):
        return []
    return [answer.value for answer in answers_of(step, walker.reads[state.top.flow]) if answer.value != "skip"]


def _if(walker: Walker, turn: Turn, state: State, step: If) -> list[State | None]:
    return [
        walker.jump(turn, state, step.go if truth else step.otherwise)
        for truth in walker.truths(turn, state, step.condition, "if")
    ]


def _go(walker: Walker, turn: Turn, state: State, step: Go) -> list[State | None]:
    return [walker.go(turn, state, step.go)]


def _set(walker: Walker, _turn: Turn, state: State, step: Set) -> list[State | None]:
    flow = walker.bundle.flows[state.top.flow]
    marks = dict(state.top.vars)
    for name, value in step.values.items():
        if name in marks:
            var = flow.vars[name]
            marks[name] = min(marks[name] + 1, var.most) if value == "+1" and not var.keys else _mark(value)
    return [walker.next(state.set_vars(marks))]


def _screen(walker: Walker, _turn: Turn, state: State, step: Screen) -> list[State | None]:
    return [walker.next(state.wrote({f"{step.id}.points": 0, f"{step.id}.answered": 0}))]


def _band(walker: Walker, turn: Turn, state: State, step: ScreenBand) -> list[State | None]:
    answers = dict(state.top.answers)
    points = answers.get(f"{step.screen}.points", 0)
    few = step.enough > answers.get(f"{step.screen}.answered", 0)
    band = _named(step.bands, "unknown") if few else _band_of(step.bands, points)
    return _scored(walker, turn, state, step, band)


def _score(walker: Walker, turn: Turn, state: State, step: Score) -> list[State | None]:
    folded = walker.reads[state.top.flow].folded(step)
    held = dict(state.top.answers)
    points = held.get(f"{step.id}.~sum", 0) + sum(fold.points({}) for fold in folded)
    added_before = {fold.condition for fold in folded}
    for point in step.points:
        if point.condition not in added_before and True in walker.truths(
            turn, state, point.condition, point.condition.text
        ):
            points += point.add
    state = state.wrote({f"{step.id}.points": points})
    return _scored(walker, turn, state, step, _band_of(step.bands, points))


def _scored(
    walker: Walker, turn: Turn, state: State, step: ScreenBand | Score, band: Band | None
) -> list[State | None]:
    if band is None:
        return [walker.next(state)]
    name = step.screen if isinstance(step, ScreenBand) else step.id
    state = walker.answered(state, name, band.key).raised(band.danger, walker.kept(band.kinds, state.top.flow))
    return [walker.jump(turn, state, step.go.get(band.key, ""))]


def _call(walker: Walker, _turn: Turn, state: State, step: Call) -> list[State | None]:
    callee = walker.bundle.flows.get(step.flow)
    if callee is None or not callee.steps or len(state.frames) > CALLS_MAX:
        return [walker.next(state)]
    if any(frame.flow == step.flow for frame in state.frames):
        return []
    mine = dict(state.top.answers) | dict(state.top.vars)
    given = {name: mine[answer] for name, answer in step.given.items() if answer in mine}
    for name, keys in callee.takes.items():
        given.setdefault(name, step.given.get(name, keys[0] if keys else ""))
    live = walker.reads[state.top.flow].live[state.top.at]
    waiting = state.top._replace(answers=tuple(item for item in state.top.answers if item[0] in live))
    frames = (*state.frames[:-1], waiting, walker.enter(step.flow, 0, given))
    return [state._replace(frames=frames, kinds=walker.entered(state.kinds, step.flow))]


def _guide(walker: Walker, turn: Turn, state: State, step: Guide) -> list[State | None]:
    card = walker.bundle.cards.get(step.card)
    if card is not None:
        if "joint" in card.tags and VIOLENT in state.kinds:
            walker.fault(turn, "joint_after_violence", state)
        shown = card.messages[step.part - 1 : step.part] if step.part else card.messages
        for texts in shown:
            state = walker.shown(state, texts)
    return [walker.next(state)]


def _refer(walker: Walker, turn: Turn, state: State, step: Refer) -> list[State | None]:
    if not step.show and dict(state.consents).get("referral") != "yes":
        walker.fault(turn, "no_consent", state)
    return [walker.next(state), *([walker.jump(turn, state, step.if_none)] if step.if_none else [])]


def _escalate(walker: Walker, turn: Turn, state: State, step: Escalate) -> list[State | None]:
    if state.debt > TIER_PAYS[step.tier]:
        walker.fault(turn, "tier_too_weak", state)
    state = state.paid(2)
    if step.hand_over and (after := walker.jump(Turn(), state, step.after)) is not None:
        turn.outcomes.append(Outcome("held", after))
    targets = dict.fromkeys((step.while_waiting, step.if_no_staff))
    return [walker.jump(turn, state, target) for target in targets]


def _safe(walker: Walker, _turn: Turn, state: State, step: SafeContactDone) -> list[State | None]:
    way = dict(state.top.answers).get(f"{step.safe}.way")
    test: Expr = ("is", ("answers", f"{step.safe}.way"), ("come", "skip"))
    none = way is None or compiled(test)({"answers": {f"{step.safe}.way": way}})
    return [walker.next(state._replace(safe="none" if none else "set"))]


def _follow_up(walker: Walker, turn: Turn, state: State, _step: FollowUp) -> list[State | None]:
    if state.safe != "set":
        walker.fault(turn, "unsafe_contact", state)
    return [walker.next(state)]


def _end(walker: Walker, turn: Turn, state: State, step: End) -> list[State | None]:
    if len(state.frames) > 1:
        return [_returned(walker, state, step)]
    if state.debt:
        rule = "danger_not_escalated" if state.debt == 2 else "debt_at_end"
        walker.fault(turn, rule, state)
    elif state.risk == "T3" and not state.case:
        walker.fault(turn, "low_unanswered", state)
    if RISKS.index(state.risk) >= RISKS.index("T2") and not state.said:
        walker.fault(turn, "no_number_at_end", state)
    turn.outcomes.append(Outcome("end", state))
    return []


def _returned(walker: Walker, state: State, step: End) -> State:
    callee = state.top
    flow = walker.bundle.flows[callee.flow]
    caller = state.frames[-2].flow
    back = state._replace(frames=state.frames[:-1], kinds=walker.left(state.kinds, caller))
    call = walker.step_of(back)
    inner = dict(callee.answers)
    mine = walker.reads[back.top.flow]
    values = {f"{call.id}.{name}": inner[name] for name in flow.gives if name in inner}
    return walker.next(back.wrote(values | {call.id: mine.class_of(call.id, step.outcome)}))


def _band_of(bands: tuple[Band, ...], points: int) -> Band | None:
    return next((band for band in bands if band.key != "unknown" and band.low <= points <= band.high), None)


def _named(bands: tuple[Band, ...], key: str) -> Band | None:
    return next((band for band in bands if band.key == key), None)


def _mark(value: str) -> str | int:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 3 else value


#: Kind of step → how the explorer runs it; a kind that is not here only says its texts.
RUNNERS: Runners = {
    Ask: _ask,
    If: _if,
    Go: _go,
    Set: _set,
    Screen: _screen,
    ScreenBand: _band,
    Score: _score,
    Call: _call,
    Guide: _guide,
    Refer: _refer,
    Escalate: _escalate,
    SafeContactDone: _safe,
    FollowUp: _follow_up,
    End: _end,
}
