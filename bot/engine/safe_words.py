"""Her two words: the safe word opens a locked conversation, the duress word calls for help without a sign.

Whoever writes may be somebody else. So nothing here says what was written before, that a word was right for any other
purpose than hers, or that a person was called; what the desk must know stands in her case.
"""

from typing import TYPE_CHECKING

from bot.core.events import DuressUsed, EscalationRequested, HandlerUsed, OwnWordWritten, SessionResumed, StayedSilent
from bot.core.messages import PressInput, TextInput
from bot.core.text import squash
from bot.engine import danger, walk
from bot.engine.model import Ask
from bot.engine.open_danger import count_open
from bot.engine.session import Frame

if TYPE_CHECKING:
    from bot.engine.run import Run

#: Why the case was opened, and what whoever takes it must know before the first word.
DURESS = "واژهٔ اجبار"
_DURESS_NOTE = (
    "واژهٔ اجبار را نوشت؛ شاید کسی کنار اوست یا به جای او می‌نویسد. ننویسید و زنگ نزنید تا راه امنی روشن شود."
    " روی صفحه هیچ نشانی دیده نشد."
)
_SAFE_AGAIN_NOTE = "رمز امن خودش را نوشت. با این حال، پیش از هر تماس بپرسید که تنهاست."
_GUESSING_NOTE = "سه بار واژه‌ای نوشته شد که رمز او نیست؛ شاید گوشی دست کس دیگری است."
#: After so many wrong words in a row the case is told.
_GUESSES = 3
_LETTERS_MIN = 2
#: After so many seconds without a word of hers somebody else may hold the phone. A page is opened by whoever sits there.
_AWAY_S, _AWAY_AT_PAGE_S = 12 * 3600, 3600
#: What begins anew, without anything of before, where a conversation was locked only because she was away.
_ANEW = frozenset({"1", "شروع"})
#: Too common to be anybody's secret.
_EVERYDAY = frozenset(
    squash(word)
    for word in (
        "سلام",
        "بله",
        "آره",
        "نه",
        "خیر",
        "باشه",
        "باشد",
        "ممنون",
        "مرسی",
        "شروع",
        "ادامه",
        "کمک",
        "خوبم",
        "الو",
        "رمز",
        "کلمه",
    )
)


def is_duress(run: "Run") -> bool:
    """True when the whole text is the duress word she chose."""
    word = run.session.duress_word
    return bool(word) and bool(run.text) and squash(run.text) == word


def is_usable(run: "Run", ask: Ask) -> bool:
    """True for a word that may be hers: not one that people write anyway, nor the other of the two."""
    part = ask.id.rpartition(".")[2]
    if part not in {"word", "duress"}:
        return True
    word = squash(run.text)
    taken = {squash(words) for words in (*run.bundle.always.words, run.session.code_word if part == "duress" else "")}
    return len(word) >= _LETTERS_MIN and not word.isdecimal() and word not in _EVERYDAY | taken


def duress(run: "Run") -> None:
    """Call a person at once and show what a first visit shows; from here on nothing opens but by the safe word."""
    session = run.session
    run.emit(HandlerUsed, handler="duress")
    count_open(run)
    run.pop_interrupts()
    run.raise_risk("T1", (), (DURESS,))
    run.request("T1", "words", do_not_contact=True, note=_DURESS_NOTE)
    run.emit(DuressUsed)
    run.disarm("silence")
    run.disarm("not_taken")
    if session.status == "held":  # a counsellor is with her: whoever looks on sees her going on
        run.emit(StayedSilent, reason="held")
    else:
        run.say_always("fresh")
    session.status, session.covert = "locked", True
    session.wrong_words, session.challenged = 0, ""


def is_somebody_new(run: "Run") -> bool:
    """True when whoever writes now need not be she: after a long silence, or at a page that was opened anew.

    An opening of ours was just read, so its first answer is hers.
    """
    session = run.session
    most_s = _AWAY_AT_PAGE_S if run.facts.channel == "web" else _AWAY_S
    return (
        (run.facts.silent_s >= most_s or run.facts.opened_anew)
        and session.status in {"waiting", "resting"}
        and session.turns > 0
    )


def challenge(run: "Run") -> None:
    """Ask for the safe word before anything of before is said; the word itself, sent right away, is enough."""
    session = run.session
    run.pop_interrupts()
    if squash(run.text) == squash(session.code_word):
        run.emit(OwnWordWritten)
        run.emit(SessionResumed)
        run.ask_again()
        return
    run.disarm("silence")
    run.disarm("not_taken")
    session.challenged = "covert" if session.covert else "open"
    session.status = "locked"
    run.say_always("challenge" if run.bundle.always.step("challenge") else "fresh")


def start_without_trace(run: "Run") -> None:
    """Ask whoever writes to begin, as at a first opening: who chose no word has none to say."""
    session = run.session
    fresh = run.bundle.always.step("fresh")
    if not isinstance(fresh, Ask):
        raise KeyError("fresh")
    session.stack[:] = [Frame("always")]
    session.turns = 1
    run.ask(fresh)


def asks_for_nothing(run: "Run", word: str) -> bool:
    """True when what was sent tells of nothing and orders nothing: it is answered like an opening."""
    screening = run.screening
    if isinstance(run.input, TextInput):
        is_calm = screening.tier is None and not screening.soft and screening.label in {"none", "info"}
        return is_calm and word in {"", "back", "repeat"}
    if not isinstance(run.input, PressInput):
        return False  # a voice or a photo may be a cry
    option = danger.pressed_option(run)
    return not word and (option is None or option.danger is None)


def arrive(run: "Run") -> None:
    """Go on at another address: by the safe word, where there is one, else at the question that waits."""
    session = run.session
    run.pop_interrupts()
    if session.code_word and session.stack:
        challenge(run)
    elif session.status == "ended" or run.waiting() is None:
        session.stack.clear()
        session.turns = 1
        walk.enter(run, run.bundle.entry)
    else:
        run.emit(SessionResumed)
        run.ask_again()


def begins_anew(run: "Run") -> bool:
    """True for the way on that is offered to who does not know the word any more."""
    return bool(run.session.challenged) and run.folded in _ANEW


def opens(run: "Run") -> bool:
    """Try what she wrote as the safe word of a locked conversation; give whether it opened."""
    session = run.session
    if squash(run.text) == squash(session.code_word):
        run.emit(OwnWordWritten)
        run.emit(SessionResumed)
        if session.challenged:
            session.covert = session.challenged == "covert"
        else:
            _tell_case(run, _SAFE_AGAIN_NOTE)
        session.wrong_words, session.challenged = 0, ""
        if run.waiting() is None:
            session.stack.clear()
            walk.enter(run, run.bundle.entry)
        else:
            run.ask_again()
        return True
    session.wrong_words += bool(run.text)
    if run.text and session.wrong_words == _GUESSES:
        _tell_case(run, _GUESSING_NOTE, do_not_contact=True)
    return False


def _tell_case(run: "Run", note: str, *, do_not_contact: bool = False) -> None:
    """Write into her open case; without one there is nobody to tell."""
    session = run.session
    if session.case or run.facts.case_open:
        run.emit(
            EscalationRequested,
            tier=session.told_tier or "T3",
            cause="words",
            covert=True,
            do_not_contact=do_not_contact,
            note=note,
        )
