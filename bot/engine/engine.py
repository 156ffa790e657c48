"""The flow engine: `start` and `resume`. A session, one input and its screening in; a new session and events out.

Pure and deterministic: time, staff and phone lines come in Facts, randomness and I/O do not come at all. Whatever
a script does, a turn ends with a defined session, and a failure reaches both her and a person (design.md §1.5).
"""

from bot.core.contact import Facts
from bot.core.events import (
    Event,
    InputKept,
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
    ReopenedInput,
    SilenceInput,
    StillQueuedInput,
    TextInput,
    UnsaidInput,
)
from bot.core.screening import NOTHING_FOUND, Screening
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
from bot.engine.failing import failed
from bot.engine.model import Bundle
from bot.engine.open_danger import count_open
from bot.engine.run import Run
from bot.engine.session import Session, new_session

#: §2.5: so long a conversation belongs to a person.
TURNS_MAX = 500


def start(bundle: Bundle, facts: Facts, flow: str | None = None) -> tuple[Session, list[Event]]:
    """Begin a conversation without an input: the entry flow, up to its first wait.

    With a `flow` it is one we begin (a follow-up): its messages are proactive.
    """
    entered = FollowUpInput(flow=flow or bundle.entry)
    run = Run(new_session(None, facts, bundle.version), entered, NOTHING_FOUND, facts, bundle)
    run.proactive = flow is not None
    try:
        walk.enter(run, flow or bundle.entry)
    except Exception as error:  # noqa: BLE001 - whatever the content does, she gets an answer
        return failed(run, error)
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
    begun = session.copy() if session is not None else new_session(None, facts, bundle.version)
    if session is None:
        begun.status = "ended"
    begun.visit = max(begun.visit, facts.first_visit - 1)
    run = Run(begun, input, screening, facts, bundle)
    try:
        _turn(run)
        run.enrich()
        run.join_messages()
    except Exception as error:  # noqa: BLE001 - whatever the content does, she gets an answer and a person hears
        return failed(run, error, session)
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
        case HeldInput() | HandedBackInput() | PutBackInput() | ClosedInput() | ReopenedInput():
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
    count_open(run)
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
    run.session = new_session(run.session, run.facts, run.bundle.version)


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
