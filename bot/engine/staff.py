"""What counsellors cause in a session: it is held, handed back with or without a word to her, its case closed or reopened."""

from typing import TYPE_CHECKING

from bot.core.events import SessionHeld, SessionResumed, StayedSilent
from bot.core.messages import ClosedInput, HandedBackInput, PutBackInput, ReopenedInput
from bot.engine import moves, walk
from bot.engine.open_danger import count_open
from bot.engine.session import Frame

if TYPE_CHECKING:
    from bot.engine.run import Run


def act(run: "Run") -> None:
    """Act on what a counsellor did."""
    if isinstance(run.input, ClosedInput):
        _closed(run)
    elif isinstance(run.input, HandedBackInput):
        _handed_back(run)
    elif isinstance(run.input, PutBackInput):
        _put_back(run)
    elif isinstance(run.input, ReopenedInput):
        _reopened(run)
    else:
        _held(run)


def _held(run: "Run") -> None:
    """Fall silent. A locked session stays locked: whoever has the phone must see nothing."""
    session = run.session
    if session.status == "locked":
        run.emit(StayedSilent, reason="locked")
        return
    count_open(run)
    run.pay("step")
    run.pop_interrupts()
    run.disarm("silence")
    run.disarm("not_taken")
    session.status = "held"
    session.case, session.unheard = True, False
    run.emit(SessionHeld)


def _handed_back(run: "Run") -> None:
    """Go on where the escalation says, with a new clock."""
    session = run.session
    if session.status != "held":
        run.emit(StayedSilent, reason="old_timer")
        return
    run.emit(SessionResumed)
    run.pop_interrupts()
    after, session.after = session.after, None
    _say_if_there(run, "handed_back")
    if not session.stack and not (after and after[1]):
        session.status = "ended"
        return
    session.status = "waiting"
    if after is None or not after[1]:
        if run.waiting() is None:
            session.status = "resting"
        else:
            run.ask_again()
        return
    flow_id, target = after
    depth = next((at for at in reversed(range(len(session.stack))) if session.stack[at].flow == flow_id), None)
    if depth is None:
        session.stack[:] = [Frame(flow_id)]
    else:
        del session.stack[depth + 1 :]
    walk.go(run, target)


def _put_back(run: "Run") -> None:
    """Stand where the claim found it: she knows of no counsellor, and only what she wrote meanwhile needs a word."""
    session = run.session
    if session.status != "held":
        run.emit(StayedSilent, reason="old_timer")
        return
    run.emit(SessionResumed)
    run.pop_interrupts()
    ask = run.waiting()
    session.status = "resting" if ask is None else "waiting"
    if session.unheard:
        run.say_always("resting")
        run.ask_again()
        return
    run.emit(StayedSilent, reason="put_back")
    silence = (ask.silence or run.flow.silence) if ask is not None else None
    if silence is not None:
        run.arm("silence", silence.after_s)


def _closed(run: "Run") -> None:
    """Forget what the closed case was told, so that any new danger opens another."""
    session = run.session
    run.disarm("not_taken")
    session.case, session.told_tier = False, None
    session.told_kinds, session.told_province = (), ""
    if session.status == "held":
        run.pop_interrupts()
        _say_if_there(run, "closed")
        moves.end_session(run, "closed")


def _reopened(run: "Run") -> None:
    """Hold again what the close ended; who was told that it is over hears that it is not."""
    was_ended = run.session.status == "ended"
    _held(run)
    if was_ended:
        _say_if_there(run, "reopened")


def _say_if_there(run: "Run", step_id: str) -> None:
    """Say an optional step of flow `always`: that the person is gone, so that nobody waits for one."""
    if step_id in run.bundle.always.index:
        run.say_always(step_id)
