"""What is too late: her words that reached us hours afterwards, and our answer that did not reach her in time.

Hers are read for danger, given to a person, answered once and honestly. No script's reply fits words of hours ago, so the script stays where it stands for her next timely message. Somebody
else may hold the phone by now: the note says neither what she wrote nor who we are.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.events import Cause, DuressUsed, HandlerUsed, StayedSilent
from bot.core.jalali import long_moment
from bot.core.messages import PressInput, TextInput
from bot.core.screening import Tier, strongest
from bot.core.text import persian_digits
from bot.engine import answers, danger, handlers
from bot.engine.model import DANGER_TIER, Ask, Option
from bot.engine.open_danger import kinds_asked
from bot.engine.safe_words import DURESS

if TYPE_CHECKING:
    from bot.engine.run import Run

#: So long one note stands for everything late that still comes in, in seconds.
_ONE_NOTE_S = 3600
_URGENT = frozenset({"T1", "T2"})
#: Said where a published version is older than the note.
_INSTEAD = "resting"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What one late message tells; None for a tier when there is nothing but its lateness."""

    tier: Tier | None = None
    kinds: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    cause: Cause = "late"


def take(run: "Run", word: str) -> None:
    """Read a late message, give it to a person, and say so once. Nothing of the script moves."""
    if word == "stop":
        run.emit(HandlerUsed, handler=word)
        handlers.stop(run)
        return
    heard = _heard(run, word)
    if run.session.status == "locked":  # whoever has the phone must see nothing
        danger.note_silently(run, do_not_contact=True)
        _call(run, heard, hide=True)
        run.emit(StayedSilent, reason="locked")
        return
    _call(run, heard, hide=word == "duress")
    if word == "duress":
        run.emit(DuressUsed)
        run.session.status = "locked"
        run.emit(StayedSilent, reason="late")
    else:
        _note(run, "late_danger" if heard.tier in _URGENT else "late")


def unsaid(run: "Run") -> None:
    """Call a person for who got no answer and has no case; to her nothing is said, for somebody else may read it."""
    session, closed = run.session, run.facts.closed
    if session.case or run.facts.case_open:
        run.emit(StayedSilent, reason="late")
        return
    session.why = (*session.why, "پاسخ ما به دستش نرسید")
    hidden = {"do_not_contact": True} if session.silenced or session.status == "locked" else {}
    desk = {"desk": closed.desk} if closed is not None else {}
    tier = strongest(("T3", session.risk, closed.tier if closed is not None else None)) or "T3"
    run.request(tier, "late", **hidden, **desk)


def pay_note(run: "Run") -> None:
    """Say the note that waited for the last late message, before her timely one is answered."""
    owed, run.session.late_owed = run.session.late_owed, ""
    if owed and run.session.status not in {"held", "locked"}:
        _say(run, owed)


def _heard(run: "Run", word: str) -> _Heard:
    """Give the strongest that the message tells: by its words, by the answer it is, by having no words."""
    if word == "duress":
        return _Heard(tier="T1", why=(DURESS,), cause="words")
    found = [_by_words(run), *_by_answer(run)]
    if word == "human":
        found.append(_Heard(tier="T2", cause="human"))
    if not isinstance(run.input, TextInput | PressInput) and not _is_asked_for(run):
        found.append(_Heard(tier="T2", why=("پیام بی‌متن",), cause="media"))
    tier = strongest(one.tier for one in found)
    worst = next(one for one in found if one.tier == tier)
    return _Heard(
        tier=tier,
        kinds=tuple(dict.fromkeys(kind for one in found for kind in one.kinds)),
        why=tuple(dict.fromkeys(why for one in found for why in one.why)),
        cause=worst.cause,
    )


def _by_words(run: "Run") -> _Heard:
    screening = run.screening
    if screening.covert:
        run.session.covert = True
    tier = screening.tier
    if screening.soft:  # the gentle question cannot be asked any more: a person judges
        tier = strongest((tier, danger.weight_unasked(run)))
    if tier is None and screening.label in {"history", "third_party"}:
        tier = "T3"
    if tier is None:
        return _Heard()
    why = tuple(dict.fromkeys(one.why for one in screening.evidence if one.why))
    return _Heard(tier=tier, kinds=screening.kinds, why=why, cause="words")


def _by_answer(run: "Run") -> list[_Heard]:
    """Let the danger tags of the option she chose count, though the answer itself is not taken."""
    if isinstance(run.input, PressInput):
        pressed = danger.pressed_option(run)
        chosen: tuple[Option, ...] = (pressed,) if pressed else ()
    else:
        chosen = answers.written_options(run)
    frame = run.session.stack[-1] if run.session.stack else None
    asked = kinds_asked(frame) if frame is not None and frame.step.startswith("soft_check") else ()
    run.session.covert = run.session.covert or any(option.covert for option in chosen)
    return [
        _Heard(
            tier=DANGER_TIER[option.danger],
            kinds=(*asked, *option.kinds),
            why=(f"پاسخ «{option.label}»",),
            cause="step",
        )
        for option in chosen
        if option.danger is not None
    ]


def _is_asked_for(run: "Run") -> bool:
    ask = run.waiting()
    return isinstance(ask, Ask) and answers.exact(run, ask) is not None


def _call(run: "Run", heard: _Heard, *, hide: bool) -> None:
    """Open or raise the case, saying when it was written. A cry of hers in time is still told in full afterwards."""
    session = run.session
    told = session.told_tier
    tier: Tier = heard.tier if heard.tier in {"T1", "T2", "T3"} and heard.tier else "T3"
    if not session.case or told is None or (tier in _URGENT and tier < (session.risk or "T9")):
        session.why = (*session.why, _when(run))
    run.raise_risk(tier, heard.kinds, heard.why)
    hidden = {"do_not_contact": True} if hide and tier in _URGENT else {}
    run.request(tier, heard.cause, kinds=heard.kinds, **hidden)
    if told not in _URGENT and session.told_tier in _URGENT:
        session.told_tier = told or "T3"


def _when(run: "Run") -> str:
    """Say to staff when it was written and how long ago that is."""
    written_at = run.facts.written_at or run.facts.now
    minutes = int((run.facts.now - written_at).total_seconds() // 60)
    ago = f"{minutes} دقیقه" if minutes < 60 else f"{minutes // 60} ساعت"
    return f"دیر به ما رسید: نوشته‌شده {long_moment(written_at)}، {persian_digits(ago)} پیش"


def _note(run: "Run", step_id: str) -> None:
    """Say the note, or owe it while more of hers waits; the graver of two is enough."""
    if "late_danger" in {step_id, run.session.late_owed}:
        step_id = "late_danger"
    if run.facts.more_waits:
        run.session.late_owed = step_id
        run.emit(StayedSilent, reason="late")
        return
    run.session.late_owed = ""
    _say(run, step_id)


def _say(run: "Run", step_id: str) -> None:
    now = int(run.facts.now.timestamp())
    told = run.session.late_told
    same = told if step_id == "late" else {name: at for name, at in told.items() if name == step_id}
    if any(0 <= now - at < _ONE_NOTE_S for at in same.values()):
        run.emit(StayedSilent, reason="late")
        return
    told[step_id] = now
    there = step_id if run.bundle.always.step(step_id) is not None else _INSTEAD
    run.say_always(there, urgent=step_id == "late_danger")
