"""What a person sent, taken to the waiting question: her first message, an ordinary turn, a held or locked session.

The order is §5.2's: an exact answer, else danger, else a handler, else a guess, else not understood.
"""

from typing import TYPE_CHECKING

from bot.core.events import (
    Event,
    HandlerUsed,
    MessageSent,
    NotUnderstood,
    QuestionAsked,
    StayedSilent,
)
from bot.core.messages import PressInput, TextInput
from bot.engine import answers, danger, handlers, hearing, moves, record, safe_words, scoring, walk
from bot.engine.danger import Verdict
from bot.engine.model import Ask, FreeText, Texts
from bot.engine.session import Answer, Frame

if TYPE_CHECKING:
    from bot.engine.run import Run


def answer(run: "Run", word: str) -> None:
    """Take the input to the waiting question."""
    ask = _expect(run)
    if word in handlers.FIRST:
        handlers.act_first(run, word)
        return
    value = answers.exact(run, ask)
    if value is None and isinstance(run.input, PressInput):
        _stale(run, word)
        return
    if ask.id == "media" and run.interrupted() and (value is None or (value != "cannot" and run.folded.isdecimal())):
        # Any other words, and any other number, answer the question she was asked before.
        run.pop_over()
        answer(run, word)
        return
    guess = answers.loose(run, ask) if value is None else value
    verdict, beside = Verdict.NOTHING, ""
    if value is None or isinstance(ask.spec, FreeText):
        beside = hearing.target_beside(run, ask, ask.by_key.get(str(guess)))
        verdict = danger.read(run, ask, guess)
        if verdict is Verdict.OVER:
            return
    if value is None and _handled(run, word):
        return
    if beside:
        record.pass_by(run, ask)
        walk.go(run, beside)
        return
    if guess is None or (ask.safe and guess == "given" and not safe_words.is_usable(run, ask)):
        _not_understood(run, ask, verdict)
    else:
        accept(run, ask, guess)


def accept(run: "Run", ask: Ask, value: Answer) -> None:
    """Write an answer and go where it leads."""
    if run.interrupted():
        handlers.answer_over(run, ask, value)
    elif ask.id == "fresh" and run.session.stack[-1].flow == "always":
        run.session.stack.clear()
        walk.enter(run, run.bundle.entry)
    else:
        options = record.record(run, ask, value)
        so_far = scoring.count_so_far(run, ask) if ask.screen else ""
        target = next((option.go for option in options if option.go), "") or so_far
        if target:
            walk.go(run, target)
        elif _refused_way(ask, value):
            walk.go(run, f"{ask.safe}.done")
        else:
            walk.go_on(run, ask.id)


def _refused_way(ask: Ask, value: Answer) -> bool:
    return bool(ask.safe) and ask.id == f"{ask.safe}.way" and value in {"come", "skip"}


def _handled(run: "Run", word: str) -> bool:
    if word:
        handlers.act(run, word)
        return True
    return handlers.act_own(run)


def _stale(run: "Run", word: str) -> None:
    """Treat an old or unknown button kindly: its danger counts, the waiting question stands."""
    if word:
        handlers.act(run, word)
        return
    verdict = danger.stale_press(run)
    if verdict is Verdict.OVER:
        return
    if verdict is Verdict.NOTHING:
        run.say_always("stale")
    run.ask_again()


def _not_understood(run: "Run", ask: Ask, verdict: Verdict) -> None:
    """Ask again; after the script's tries, go where it says."""
    session = run.session
    if verdict is Verdict.ANSWERED:
        run.ask_again()
        return
    if session.status == "resting" and session.case:
        run.say_always("resting")
        return
    session.tries += 1
    run.emit(NotUnderstood, tries=session.tries)
    if session.tries > ask.unclear.tries:
        session.tries = 0
        _give_up(run, ask)
        return
    if ask.unclear.text and not run.session.covert:
        run.say(Texts(text=ask.unclear.text))
    else:
        run.say_always("unclear")
    run.ask_again()


def _give_up(run: "Run", ask: Ask) -> None:
    target = ask.unclear.then
    if ask.safe and "skip" in ask.by_key:  # no word that can be used: then none, and on with the rest
        accept(run, ask, "skip")
    elif run.interrupted() and ask.id.startswith("soft_check"):
        handlers.silent_over(run)
    elif target == "human":
        moves.call_human(run, "unclear")
    elif run.interrupted():
        run.pop_over()
        run.ask_again()
    else:
        walk.go(run, target)


def _expect(run: "Run") -> Ask:
    ask = run.waiting()
    if ask is None:
        raise LookupError("no question to answer")
    return ask


# -- her first message -----------------------------------------------------------------------------------------------


def first(run: "Run", word: str) -> None:
    """Begin the entry flow with a message that may already be a cry, an answer or a command."""
    kept = len(run.events)
    walk.enter(run, run.bundle.entry)
    ask = run.waiting()
    if run.session.status != "waiting" or ask is None:
        return
    run.session.turns = 1
    question = _cut_question(run)
    run.steps = run.said = 0  # what follows is the script's next turn, only earlier
    if word in handlers.FIRST:
        handlers.act_first(run, word)
        return
    if isinstance(run.input, PressInput):
        if danger.stale_press(run) is not Verdict.OVER:
            run.events += question
        return
    value = answers.exact(run, ask) if _may_answer(run, ask) else None
    if value is not None:
        accept(run, ask, value)
        return
    _hear_first(run, ask, word, (run.events[kept + 1 :], question))


def _hear_first(run: "Run", ask: Ask, word: str, begun: tuple[list[Event], list[Event]]) -> None:
    """Read her first words for danger before the greeting is said; what they tell of may be where she is led."""
    greeting, question = begun
    del run.events[len(run.events) - len(greeting) :]
    at = len(run.events)
    verdict = danger.read(run, ask, "given" if isinstance(ask.spec, FreeText) else None)
    if verdict is Verdict.OVER and run.interrupted():
        run.events[at:at] = greeting  # a gentle question comes after who is asking
    if verdict is Verdict.OVER:
        return
    target = "" if word else hearing.words_target(run)
    if target:
        run.session.top.vars = moves.first_vars(run.flow)  # nobody has greeted her
        walk.go(run, target)
        return
    run.events += greeting  # what she may call stands before who we are
    if word not in {"", "repeat", "back"}:
        handlers.act(run, word)
    else:
        run.events += question


def _may_answer(run: "Run", ask: Ask) -> bool:
    """A first message may fit an option by its words; a bare number answers a list she has not seen."""
    return isinstance(run.input, TextInput) and not isinstance(ask.spec, FreeText) and not run.folded.isdecimal()


def _cut_question(run: "Run") -> list[Event]:
    """Take the last question out of the events, to be put back when her message does not answer it."""
    at = next(at for at in reversed(range(len(run.events))) if isinstance(run.events[at], QuestionAsked))
    while at > 0 and isinstance(run.events[at - 1], MessageSent) and run.events[at - 1].step == run.events[at].step:
        at -= 1
    question = run.events[at:]
    del run.events[at:]
    return question


# -- while a person holds it, while it is locked ---------------------------------------------------------------------


def held(run: "Run", word: str) -> None:
    """Stay silent; only what must act at once does, and danger is told to the case."""
    run.session.unheard = True
    ask = run.waiting()
    if ask is not None and run.interrupted() and word not in handlers.FIRST:
        value = answers.exact(run, ask)
        if value is not None:
            run.disarm("silence")
            handlers.answer_over(run, ask, value)
            return
    if word in handlers.FIRST:
        handlers.act_first(run, word)
        return
    if word == "stop":
        run.emit(HandlerUsed, handler=word)
        handlers.stop(run)
    danger.note_silently(run)
    run.emit(StayedSilent, reason="held")


def locked(run: "Run") -> None:
    """Show nothing of before: the decoy until the code word; with none set, a neutral fresh start."""
    session = run.session
    danger.note_silently(run, do_not_contact=not session.challenged)
    session.covert = True
    anew = safe_words.begins_anew(run)
    if session.code_word and not anew:
        if safe_words.opens(run):
            return
        run.say_always("decoy")
        run.emit(StayedSilent, reason="locked")
        return
    fresh = run.bundle.always.step("fresh")
    if not isinstance(fresh, Ask):
        raise KeyError("fresh")
    session.version = run.bundle.version
    session.stack[:] = [Frame("always")]
    session.consents.clear()
    session.given.clear()
    session.safe, session.after = "unset", None
    session.soft_asked, session.soft_count, session.media_asked = (), 0, False
    session.turns = 1
    session.challenged = ""
    if anew:
        session.stack.clear()
        walk.enter(run, run.bundle.entry)
    else:
        run.ask(fresh)
