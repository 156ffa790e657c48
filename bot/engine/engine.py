"""The flow engine: `start` and `resume`. A session, one input and its screening in; a new session and events out.

Pure and deterministic: time, staff and phone lines come in Facts, randomness and I/O do not come at all. Whatever
a script does, a turn ends with a defined session, and a failure reaches both her and a person (design.md §1.5).
"""

from bot.core.contact import Facts
from bot.core.events import (
    ContentFailed,
    Event,
    InputKept,
    MessageSent,
    QuickExitUsed,
    SessionEnded,
    StayedSilent,
    TextCut,
)
from bot.core.messages import (
    ClosedInput,
    FollowUpInput,
    HandedBackInput,
    HeldInput,
    Input,
    NotTakenInput,
    PressInput,
    PutBackInput,
    SilenceInput,
    StillQueuedInput,
    TextInput,
    UnsaidInput,
)
from bot.core.screening import NOTHING_FOUND, Screening, strongest
from bot.core.text import fold
from bot.engine import (
    after_close,
    answers,
    danger,
    handlers,
    late,
    migrate,
    moves,
    safe_words,
    staff,
    timers,
    turn_answer,
    walk,
)
from bot.engine.model import Bundle
from bot.engine.run import Run
from bot.engine.session import Session

#: §2.5: so long a conversation belongs to a person.
TURNS_MAX = 500
#: What she reads when a script cannot go on. Fixed here: content is what has just failed.
SAFE_MESSAGE = "این‌جا مشکلی پیش آمد، ولی پیامتان رسید و مددکار خبر شد. در خطر فوری 110، 115 یا 123 را بگیرید."
SAFE_MESSAGE_DISCREET = "110 / 123"
_DECOY = "هوای فردا کمی ابری است."


def start(bundle: Bundle, facts: Facts, flow: str | None = None) -> tuple[Session, list[Event]]:
    """Begin a conversation without an input: the entry flow, up to its first wait.

    With a `flow` it is one we begin (a follow-up): its messages are proactive.
    """
    entered = FollowUpInput(flow=flow or bundle.entry)
    run = Run(_new_session(None, facts, bundle), entered, NOTHING_FOUND, facts, bundle)
    run.proactive = flow is not None
    try:
        walk.enter(run, flow or bundle.entry)
    except Exception as error:  # noqa: BLE001 - whatever the content does, she gets an answer
        return _failed(run, error)
    return run.session, run.events


def resume(
    session: Session | None,
    input: Input,  # noqa: A002 - the word of the specification
    screening: Screening,
    facts: Facts,
    bundle: Bundle,
) -> tuple[Session, list[Event]]:
    """Take one input and give the session after it with everything it caused.

    Total: any failure of the content becomes ContentFailed, the fixed safe message and a case. `session` is never
    changed. None or an ended session begins a new one, whose first message is read for danger like any other.
    """
    begun = session.copy() if session is not None else _new_session(None, facts, bundle)
    if session is None:
        begun.status = "ended"
    begun.visit = max(begun.visit, facts.first_visit - 1)
    run = Run(begun, input, screening, facts, bundle)
    try:
        _turn(run)
        run.enrich()
        run.join_messages()
    except Exception as error:  # noqa: BLE001 - whatever the content does, she gets an answer and a person hears
        return _failed(run, error, session)
    return run.session, run.events


def answers_danger(session: Session, text: str, facts: Facts, bundle: Bundle) -> bool:
    """True for what names, of the question that waits, an answer that says danger now: «2»."""
    return session.status == "waiting" and _names_danger(Run(session, TextInput(text), NOTHING_FOUND, facts, bundle))


def _turn(run: Run) -> None:
    """Do §5.2, in its order."""
    match run.input:
        case SilenceInput() | NotTakenInput():
            timers.fire(run)
            return
        case StillQueuedInput():
            timers.still_queued(run)
            return
        case HeldInput() | HandedBackInput() | PutBackInput() | ClosedInput():
            staff.act(run)
            return
        case UnsaidInput():
            _unsaid(run)
            return
        case FollowUpInput(flow=flow):
            _follow_up(run, flow)
            return
    session = run.session
    _keep(run)
    word = handlers.handler_of(run)
    if word == "quick_exit":
        _exit(run)
    elif word == "duress" and run.facts.written_at is None:
        _forced(run)
    elif run.facts.written_at is not None and session.status != "held":
        _late(run, word)
    else:
        _timely(run, word)


def _timely(run: Run, word: str) -> None:
    """Take what she wrote just now to where the session stands."""
    session = run.session
    if session.late_owed:
        late.pay_note(run)
    if session.withheld and word != "repeat":
        session.withheld = ()
    if run.facts.moved and session.status not in {"held", "locked"}:
        safe_words.arrive(run)
    elif safe_words.is_somebody_new(run) and not _cries(run):
        _meet_anew(run, word)
    elif session.status == "held":
        turn_answer.held(run, word)
    elif session.status == "locked":
        turn_answer.locked(run)
    elif session.status == "ended" or not session.stack:
        _begin(run, word)
    elif session.turns >= TURNS_MAX:
        _too_long(run)
    elif session.version == run.bundle.version or not migrate.move(run):
        session.turns += 1
        turn_answer.answer(run, word)


def _cries(run: Run) -> bool:
    """True for what is heard before anybody is asked who they are: an answer of danger, and a cry beside a word."""
    return _names_danger(run) or (bool(run.session.code_word) and run.screening.tier == "T1")


def _names_danger(run: Run) -> bool:
    return any(option.danger == "immediate" for option in answers.written_options(run))


def _meet_anew(run: Run, word: str) -> None:
    """Ask for her safe word; who chose none is met like a stranger. The case of before stays with its desk."""
    before = run.session
    if before.code_word:
        safe_words.challenge(run)
        danger.note_silently(run)
        return
    run.count_open()
    run.pop_interrupts()
    run.pay("net")
    run.disarm("silence")
    run.disarm("not_taken")
    before.status = "locked"  # what she told goes with nobody
    _renew(run)
    run.session.case, run.session.covert = before.case, before.covert
    if safe_words.asks_for_nothing(run, word):
        safe_words.start_without_trace(run)
    else:
        turn_answer.first(run, word)


def _keep(run: Run) -> None:
    """Note that what she sent is kept, whatever follows."""
    stale = isinstance(run.input, PressInput) and not answers.is_fresh(run, run.input.press)
    run.emit(InputKept, stale=stale)
    if isinstance(run.input, TextInput) and run.input.was_cut:
        run.emit(TextCut)


def _exit(run: Run) -> None:
    """Quick exit, also before any conversation and over an ended one."""
    run.session.late_owed = ""
    if run.session.status == "ended":
        _renew(run)
    handlers.quick_exit(run)


def _forced(run: Run) -> None:
    """Take the duress word wherever the session stands; an ended one is as good as any to be locked."""
    run.session.late_owed = ""
    if run.session.status == "ended":
        _renew(run)
    safe_words.duress(run)


def _begin(run: Run, word: str) -> None:
    """Begin a new conversation with her first message."""
    _renew(run)
    after_close.begin(run)
    turn_answer.first(run, word)
    after_close.note(run)


def _renew(run: Run) -> None:
    """Put a fresh session in the place of the ended one; what she sent stays kept."""
    run.session = _new_session(run.session, run.facts, run.bundle)


def _late(run: Run, word: str) -> None:
    """Take what reached us late."""
    _rest_anew(run)
    late.take(run, word)


def _unsaid(run: Run) -> None:
    """Give her to a person: our answer did not reach her."""
    _rest_anew(run)
    late.unsaid(run)


def _rest_anew(run: Run) -> None:
    """With no conversation under way let a resting one hold what comes of it."""
    if run.session.status == "ended":
        _renew(run)
        run.session.status = "resting"


def _too_long(run: Run) -> None:
    """End after so many turns: the words are read once more, then a person has it."""
    if run.screening.tier is not None:
        run.raise_risk(run.screening.tier, run.screening.kinds)
    if run.screening.tier == "T1":
        run.owe("T1")
    moves.call_human(run, "unclear")
    moves.end_session(run, "too_long")


def _follow_up(run: Run, flow: str) -> None:
    """Begin a planned follow-up, unless a conversation is under way or she wants to hear nothing."""
    status = run.session.status
    if run.session.silenced:
        run.emit(StayedSilent, reason="opted_out")
    elif status in {"held", "locked"}:
        run.emit(StayedSilent, reason=status)
    elif status == "waiting":
        run.emit(StayedSilent, reason="waiting")
    else:
        _renew(run)
        run.proactive = True
        walk.enter(run, flow)


def _new_session(old: Session | None, facts: Facts, bundle: Bundle) -> Session:
    """Make a session for a new conversation; visits go on, and what she said of her safety stays."""
    session = Session(bundle.version, language=facts.language, case=facts.case_open)
    session.visit = facts.first_visit - 1
    if old is not None:
        session.visit = max(session.visit, old.visit)
        session.language = old.language
        session.code_word, session.duress_word = old.code_word, old.duress_word
        session.silenced = old.silenced
        if old.status != "locked":  # what she told once is not asked again; who left in a hurry begins without a trace
            session.given, session.province, session.near = old.given.copy(), old.province, old.near
        session.late_owed, session.late_told = old.late_owed, old.late_told
        session.case = session.case or (old.case and old.status == "resting")  # all it held was late
    return session


def _failed(run: Run, error: Exception, before: Session | None = None) -> tuple[Session, list[Event]]:
    """Give the safe message and a case, on the session as it was before the turn."""
    session = before.copy() if before is not None else _new_session(None, run.facts, run.bundle)
    failed = Run(session, run.input, run.screening, run.facts, run.bundle)
    session.visit = max(session.visit, run.session.visit)
    session.debt = strongest((session.debt, run.session.debt))
    session.case = session.case or run.session.case
    if run.by_person:
        failed.emit(InputKept)
    failed.emit(ContentFailed, reason=type(error).__name__)
    tier = strongest(("T2", run.screening.tier, session.risk, run.session.risk, session.debt)) or "T2"
    failed.raise_risk(tier, run.screening.kinds)
    leaving = _is_leaving(run)
    session.told_tier = None  # the failed turn may have lost what it told: tell it again
    failed.request(tier, "failure", **({"do_not_contact": True} if leaving else {}))
    _last_words(failed, leaving=leaving)
    return session, failed.events


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
