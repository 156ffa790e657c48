"""A turn whose script cannot go on: the safe message and a case, on the session as it was before the turn."""

from bot.core.events import ContentFailed, Event, InputKept, MessageSent, QuickExitUsed, SessionEnded, StayedSilent
from bot.core.screening import strongest
from bot.core.text import fold
from bot.engine import handlers
from bot.engine.run import Run
from bot.engine.session import Session, new_session

#: What she reads when a script cannot go on. Fixed here: content is what has just failed.
SAFE_MESSAGE = "این‌جا مشکلی پیش آمد، ولی پیامتان رسید و مددکار خبر شد. در خطر فوری 110، 115 یا 123 را بگیرید."
SAFE_MESSAGE_DISCREET = "110 / 123"
_DECOY = "هوای فردا کمی ابری است."


def failed(run: Run, error: Exception, before: Session | None = None) -> tuple[Session, list[Event]]:
    """Give the safe message and a case, on the session as it was before the turn."""
    session = before.copy() if before is not None else new_session(None, run.facts, run.bundle.version)
    anew = Run(session, run.input, run.screening, run.facts, run.bundle)
    session.visit = max(session.visit, run.session.visit)
    session.debt = strongest((session.debt, run.session.debt))
    session.case = session.case or run.session.case
    if run.by_person:
        anew.emit(InputKept)
    anew.emit(ContentFailed, reason=type(error).__name__)
    tier = strongest(("T2", run.screening.tier, session.risk, run.session.risk, session.debt)) or "T2"
    anew.raise_risk(tier, run.screening.kinds)
    leaving = _is_leaving(run)
    session.told_tier = None  # the failed turn may have lost what it told: tell it again
    anew.request(tier, "failure", **({"do_not_contact": True} if leaving else {}))
    _last_words(anew, leaving=leaving)
    return session, anew.events


def _is_leaving(run: Run) -> bool:
    """True for a quick exit, even when flow `always` itself is what is broken."""
    if run.folded in {"0", fold("خروج"), "exit"}:
        return True
    return "always" in run.bundle.flows and handlers.handler_of(run) == "quick_exit"


def _last_words(run: Run, *, leaving: bool) -> None:
    """Say the one thing that needs no content, and leave the session where her next message finds it."""
    session = run.session
    for name in ("silence", "not_taken"):
        run.disarm(name)
    if leaving:
        run.emit(QuickExitUsed)
        run.emit(MessageSent, text=_DECOY, urgent=True)
        run.emit(SessionEnded, outcome="quick_exit")
        session.status = "locked"
    elif session.status in {"held", "locked"}:
        run.emit(StayedSilent, reason=session.status)
    else:
        text = SAFE_MESSAGE_DISCREET if session.covert or run.screening.covert else SAFE_MESSAGE
        run.emit(MessageSent, text=text, urgent=True)
        if run.waiting() is None:  # nothing to come back to: her next message begins anew
            session.stack.clear()
        session.status = "resting" if session.stack else "ended"
