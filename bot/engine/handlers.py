"""The words that act in every wait (flow-language §2.4), and the questions of flow `always` that stand over a script's.

Quick exit comes first and acts in every status; what a handler says is content of flow `always`.
"""

from typing import TYPE_CHECKING

from bot.core.events import (
    RESUME_MARK,
    ErasureRequested,
    HandlerUsed,
    LanguageChanged,
    OptedOut,
    QuickExitUsed,
    ResumeCodeAsked,
    SessionEnded,
)
from bot.core.messages import PressInput, TextInput
from bot.engine import danger, guides, hearing, moves, record, safe_words, walk
from bot.engine.model import ALWAYS_HANDLERS, Ask, Texts
from bot.engine.open_danger import count_open, kinds_asked, open_danger
from bot.engine.session import Answer, Frame
from bot.engine.tongue import language_code

if TYPE_CHECKING:
    from bot.engine.run import Run

#: Order 1 of §2.4: these come before the answer; the rest only when nothing else fitted exactly.
FIRST = frozenset({"quick_exit", "duress", "erase", "hide_or_erase"})
#: So long a code to go on elsewhere can be used, in seconds.
CODE_S = 30 * 60
_BUILT_IN = {"0": "quick_exit", "start": "repeat"}


def handler_of(run: "Run") -> str:
    """Give the handler that the whole text, or a handler's own button, names; empty for none."""
    match run.input:
        case TextInput():
            if safe_words.is_duress(run):
                return "duress"
            word = run.bundle.always.words.get(run.folded, "") or _BUILT_IN.get(run.folded, "")
            return word or ("guide" if guides.is_search(run) else "")
        case PressInput(press=press) if press.flow == "always" and press.step in ALWAYS_HANDLERS:
            return "" if isinstance(run.bundle.always.step(press.step), Ask) else press.step
    return ""


def act_first(run: "Run", name: str) -> None:
    """Do a handler of order 1."""
    if name == "quick_exit":
        quick_exit(run)
        return
    if name == "duress":
        safe_words.duress(run)
        return
    run.emit(HandlerUsed, handler=name)
    held = run.session.status == "held"
    run.put_over("erase_confirm" if name == "erase" else "hide_or_erase")
    if held:
        run.disarm("silence")
        run.session.status = "held"


def act(run: "Run", name: str) -> None:
    """Do a handler that interrupts: it is said, and the question is asked again."""
    run.emit(HandlerUsed, handler=name)
    match name:
        case "human":
            moves.call_human(run, "human")
        case "language":
            _which_language(run)
        case "back":
            _back(run)
        case "repeat":
            _say_own(run, name)
            run.reveal()
            run.ask_again(short=False)
        case "stop":
            stop(run)
            run.ask_again()
        case "resume_code":
            _resume_code(run)
        case "guide":
            guides.show(run)
            run.ask_again()
        case _:
            _say_own(run, name)
            run.ask_again()


def _resume_code(run: "Run") -> None:
    """Tell her a code by which she goes on elsewhere; a bare one, where somebody may look on."""
    handler = run.bundle.always.handler("resume_code")
    run.emit(ResumeCodeAsked, valid_s=CODE_S)
    told = handler.say if handler is not None and RESUME_MARK in "".join(handler.say) else (RESUME_MARK,)
    run.say(Texts(text=told, discreet=(RESUME_MARK,)))
    run.ask_again()


def stop(run: "Run") -> None:
    """Send nothing of our own accord any more; the case stays."""
    run.session.silenced = True
    run.emit(OptedOut)
    if run.session.status not in {"held", "locked"}:  # who left in a hurry must see nothing more
        _say_own(run, "stop")


def act_own(run: "Run") -> bool:
    """Do the running flow's own handler for these words, if it has one."""
    if not isinstance(run.input, TextInput) or run.flow.id == "always":
        return False
    handler = run.flow.handler(run.flow.words.get(run.folded, ""))
    if handler is None:
        return False
    run.emit(HandlerUsed, handler=handler.name)
    if handler.go:
        walk.go(run, handler.go)
    else:
        if not run.session.covert:
            run.say(Texts(text=handler.say))
        run.ask_again()
    return True


def quick_exit(run: "Run") -> None:
    """Leave at once: the decoy, nothing proactive, locked until the code word; what is unpaid goes to a person."""
    session = run.session
    run.emit(HandlerUsed, handler="quick_exit")
    count_open(run, least="T2")  # somebody came in before she could answer
    run.pop_interrupts()
    run.pay("net", do_not_contact=True)
    run.emit(QuickExitUsed)
    run.say_always("decoy", urgent=True)  # it also cleans her screen: that waits behind nobody
    run.disarm("silence")
    run.disarm("not_taken")
    run.emit(SessionEnded, outcome="quick_exit")
    session.status, session.challenged = "locked", ""
    # What she writes after this is a new conversation: a new cry is told again, however much the case knows.
    session.told_tier, session.told_kinds, session.told_province = None, (), ""


def _back(run: "Run") -> None:
    """Go to the previous question of this flow and take its answer back."""
    if run.interrupted():
        if open_danger(run) is not run.session.stack[-1]:
            run.pop_over()  # the way back does not lead round a question about danger
        run.ask_again()
        return
    frame = run.session.stack[-1]
    step = run.flow.step(frame.back[-1]) if frame.back else None
    if not isinstance(step, Ask):
        _say_own(run, "back")
        run.ask_again()
        return
    frame.back = frame.back[:-1]
    record.unwrite(run, step)
    run.ask(step)


# -- answers to the questions that stand over a script's own ---------------------------------------------------------


def answer_over(run: "Run", ask: Ask, value: Answer) -> None:
    """Act on the answer to an interrupting question."""
    if ask.id.startswith("soft_check"):
        _soft(run, ask, value)
    elif ask.id == "media":
        _media(run, ask, value)
    elif ask.id == "which_language":
        _language(run, language_code(str(value)))
    elif ask.id == "hide_or_erase" and value == "hide":
        quick_exit(run)
    elif ask.id == "hide_or_erase" and value == "erase":
        act_first(run, "erase")
    elif ask.id == "erase_confirm" and value == "yes":
        _erase(run)
    else:
        held = run.session.status == "held"
        run.pop_over()
        if not held:
            run.ask_again()


def silent_over(run: "Run") -> None:
    """Act on no answer to an interrupting question: a case for danger and media, rest for the others.

    Who is still there, and only wrote something else, goes on with the script.
    """
    frame = open_danger(run)
    run.pop_interrupts()
    if frame is not None and frame.step == "media":
        danger.high(run, "media_case", "media", (), ("پیام بی‌متن",))
    elif frame is not None and danger.unanswered(run, frame) is danger.Verdict.OVER:
        return
    if run.by_person and frame is not None and frame.step != "media":
        _go_on_below(run, frame)
        return
    run.pay("step")  # what the script below still owes must not rest with it
    run.rest()


def _soft(run: "Run", ask: Ask, value: Answer) -> None:
    option = ask.by_key.get(str(value))
    frame = run.session.top
    kinds = kinds_asked(frame) + (option.kinds if option else ())
    record.record(run, ask, value)
    run.pop_over()
    why = ("در پاسخ به پرسش خطر",)
    verdict = danger.Verdict.NOTHING
    if option is not None and option.danger == "immediate":
        verdict = danger.immediate(run, "words", kinds, why)
    elif option is not None and option.danger is not None:
        verdict = danger.high(run, "heard", "words", kinds, why)
    if verdict is danger.Verdict.OVER:
        return
    # A question of one kind denies that kind; the one that names none leaves what she told of as it was.
    told = (verdict is danger.Verdict.ANSWERED or ask.id == "soft_check") and not frame.vars.get("answered", 0)
    target = hearing.target_of(run, kinds, ask.id.removeprefix("soft_check_")) if told else ""
    if target:
        walk.go(run, target)
    else:
        _go_on_below(run, frame)


def _go_on_below(run: "Run", asked: Frame) -> None:
    """Go on with the script: behind the free text that made us ask, else at the question that waits."""
    below = run.waiting()
    if asked.vars.get("answered", 0) and below is not None:
        record.record(run, below, "given")
        walk.go_on(run, below.id)
    else:
        run.ask_again()


def _media(run: "Run", ask: Ask, value: Answer) -> None:
    record.record(run, ask, value)
    run.pop_over()
    danger.high(run, "media_case", "media", (), ("پیام بی‌متن",))
    run.ask_again()


def _which_language(run: "Run") -> None:
    asked = run.bundle.always.step("which_language")
    if isinstance(asked, Ask) and len(asked.options) > 1:
        run.put_over("which_language")
        return
    if run.bundle.always.step("one_language") is not None:
        run.say_always("one_language")
    run.ask_again()


def _language(run: "Run", language: str) -> None:
    run.session.language = language
    run.emit(LanguageChanged, language=language)
    run.pop_over()
    run.ask_again(short=False)


def _erase(run: "Run") -> None:
    count_open(run)
    run.pop_interrupts()
    run.emit(ErasureRequested)
    run.say_always("erased", urgent=True)
    moves.end_session(run, "erased")


def _say_own(run: "Run", name: str) -> None:
    """Say a handler's text. It has no discreet form: while covert, help is the bare lines and the rest is nothing."""
    if run.session.covert:
        if name == "help":
            run.say_always("danger_again")
        return
    handler = run.bundle.always.handler(name)
    if handler is not None and handler.say:
        run.say(Texts(text=handler.say))
