"""A waiting session moved to another version, by the map its flows declare (flow-language §5.5).

Steps keep their ids unless the map says otherwise; answers without a namesake are dropped, danger, case and consents
never. Where no question is left to stand at, a person takes over.
"""

from typing import TYPE_CHECKING

from bot.core.events import SessionMigrated
from bot.engine import moves, walk
from bot.engine.model import Ask, Flow
from bot.engine.session import Frame

if TYPE_CHECKING:
    from bot.engine.run import Run


def move(run: "Run") -> bool:
    """Move the session to the bundle's version; True when that was the whole turn (a person, a restart)."""
    session = run.session
    before, session.version = session.version, run.bundle.version
    run.emit(SessionMigrated, version=run.bundle.version)
    targets = [_moved(run, frame, before) for frame in session.stack]
    if "restart" in targets and not _is_danger(run):
        session.stack.clear()
        walk.enter(run, run.bundle.entry)
        return True
    if not any(targets):
        return False
    session.stack[:] = [Frame("always", "tell")]
    if _is_danger(run):
        return False  # read as her words to the counsellor: T1 and T2 act as ever
    moves.call_human(run, "failure")
    return True


def _is_danger(run: "Run") -> bool:
    return run.screening.tier in {"T1", "T2"} or run.screening.soft


def _moved(run: "Run", frame: Frame, before: str) -> str:
    """Move one frame; gives what becomes of the session when it cannot stand: human or restart."""
    flow = run.bundle.flows.get(frame.flow)
    if flow is None:
        return "human"
    target = flow.migrate.get(before, {}).get(frame.step, frame.step)
    if target in {"human", "restart"}:
        return target
    step = flow.step(target)
    top = frame is run.session.stack[-1]
    if step is None or (top and not isinstance(step, Ask)):
        return "human"
    frame.step = target
    frame.answers = {name: value for name, value in frame.answers.items() if _has_name(flow, name)}
    frame.back = tuple(name for name in frame.back if isinstance(flow.step(name), Ask))
    frame.vars = {name: frame.vars.get(name, var.start) for name, var in flow.vars.items()}
    return ""


def _has_name(flow: Flow, name: str) -> bool:
    """True for an answer of a step that is still there, what a call gave, or what the caller handed in."""
    return flow.step(name) is not None or flow.step(name.partition(".")[0]) is not None or name in flow.takes
