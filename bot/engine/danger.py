"""What her words, or something sent without words, say about danger (flow-language §5.2, answers that are not exact).

Reads the verdict that triage made; decides whether the question is left, whether a case is opened and what she is
told. The same speech is not made twice in one session: news is told to the case, she gets a short word.
"""

from enum import Enum, auto
from typing import TYPE_CHECKING

from bot.core.events import Cause, FollowUpPlanned
from bot.core.messages import ContactInput, LocationInput, MediaInput, Press, PressInput, TextInput, UnreadableInput
from bot.core.screening import Tier
from bot.engine import moves, record, walk
from bot.engine.model import DANGER_TIER, Ask, Bundle, Escalate, FollowUp, FreeText, Option
from bot.engine.open_danger import UNANSWERED, kinds_asked, silence_counts
from bot.engine.session import Answer, Frame

if TYPE_CHECKING:
    from bot.engine.run import Run

#: How many gentle closed questions one session may hear (§2.5).
SOFT_MAX = 3
_WORDLESS = (MediaInput, LocationInput, ContactInput, UnreadableInput)


class Verdict(Enum):
    """What reading came to: nothing; said something, ask again; the turn is over."""

    NOTHING = auto()
    ANSWERED = auto()
    OVER = auto()


def read(run: "Run", ask: Ask, guess: Answer | None) -> Verdict:
    """Act by the screening of a text, or by media the question does not take.

    `guess`: the answer that the input is all the same (free text, accepted media, an option said in other words). What
    an option says of danger is said; it is not asked about once more.
    """
    answered = guess is not None
    if isinstance(run.input, _WORDLESS):
        return Verdict.NOTHING if answered else _wordless(run)
    if not isinstance(run.input, TextInput):
        return Verdict.NOTHING
    screening = run.screening
    if screening.covert:
        run.session.covert = True
    if screening.tier == "T1":
        return immediate(run, "words", screening.kinds, _whys(run), quiet=answered and _is_own(run))
    if screening.tier == "T2":
        said = high(run, "heard", "words", screening.kinds, _whys(run), quiet=answered)
        if not screening.soft:
            return said
    elif screening.tier is not None or screening.label in {"history", "third_party"}:
        run.raise_risk(screening.tier or "T3", screening.kinds, _whys(run))
    if screening.soft and not _says_danger(ask, guess) and _asks_softly(run):
        soft_check(run, screening.likely_first, free_text=isinstance(ask.spec, FreeText))
        return Verdict.OVER
    return Verdict.ANSWERED if screening.tier == "T2" else Verdict.NOTHING


def note_silently(run: "Run", *, do_not_contact: bool = False) -> None:
    """Raise the case without a word: while a person holds the session or it is locked."""
    screening = run.screening
    tier: Tier | None = screening.tier
    kinds, whys = screening.kinds, _whys(run)
    if tier is None and screening.label in {"history", "third_party"}:
        tier = "T3"
    if isinstance(run.input, PressInput):
        option = pressed_option(run)
        if option is not None and option.danger is not None:
            tier, kinds, whys = DANGER_TIER[option.danger], option.kinds, (f"پاسخ «{option.label}»",)
    if tier is None:
        return
    run.raise_risk(tier, kinds, whys)
    if tier in {"T1", "T2"}:
        run.request(
            tier, "words", kinds=kinds, **({"do_not_contact": True} if do_not_contact and _is_news(run, tier) else {})
        )


def immediate(
    run: "Run", cause: Cause, kinds: tuple[str, ...], why: tuple[str, ...], *, quiet: bool = False
) -> Verdict:
    """Act on T1: case, the lines, the waiting flow. Told already: news to the case, a short word to her."""
    session = run.session
    told = session.case and session.told_tier == "T1"
    run.raise_risk("T1", kinds, why)
    if told:
        run.request("T1", cause, kinds=kinds)
        if quiet:
            return Verdict.NOTHING
        run.say_always("danger_again", urgent=True)
        return Verdict.ANSWERED
    step = run.bundle.always.step("danger")
    if not isinstance(step, Escalate):
        raise KeyError("danger")
    session.stack[:] = [Frame("always", step.id)]
    run.steps = run.said = 0  # a wordy script must not cost her the lines to call
    target = moves.begin_escalation(run, step, cause)
    walk.go(run, target or "stay")
    return Verdict.OVER


def high(
    run: "Run", step_id: str, cause: Cause, kinds: tuple[str, ...], why: tuple[str, ...], *, quiet: bool = False
) -> Verdict:
    """Act on T2: case and one acknowledgement, then the question goes on."""
    session = run.session
    told = session.case and session.told_tier in {"T1", "T2"}
    run.raise_risk("T2", kinds, why)
    step = run.bundle.always.step(step_id)
    if not isinstance(step, Escalate):
        raise KeyError(step_id)
    run.request(step.tier, cause, kinds=(*kinds, *step.kinds), desk=step.desk, hand_over=step.hand_over)
    if not told:
        run.say(step.texts)
    elif not quiet:
        run.say_always("heard_again")
    return Verdict.ANSWERED


def soft_check(run: "Run", kinds: tuple[str, ...], *, free_text: bool) -> None:
    """Ask one closed question, the one for her kind when there is one. Yes is danger; for silence see `unanswered`."""
    session = run.session
    session.soft_count += 1
    session.soft_asked += tuple(kind for kind in kinds or ("",) if kind not in session.soft_asked)
    frame = run.put_over(_question_for(run, kinds))
    frame.vars["kinds"] = ",".join(kinds)
    if run.screening.has_sign:
        frame.vars["sign"] = 1
    if free_text:
        frame.vars["answered"] = 1


def unanswered(run: "Run", frame: Frame) -> Verdict:
    """Tell a person that a gentle question got no answer, at the tier this counts for; nothing pops up on her screen.

    Where the model alone had guessed, somebody asks again later, if a safe way is known.
    """
    tier, kinds = silence_counts(run, frame), kinds_asked(frame)
    if tier == "T1":
        return immediate(run, "words", kinds, (UNANSWERED,))
    if run.by_person and tier == "T2":
        return high(run, "heard", "words", kinds, (UNANSWERED,))
    run.raise_risk(tier, kinds, (UNANSWERED,))
    run.request(tier, "words", kinds=kinds)
    look_in = run.bundle.always.step("look_in")
    if tier == "T3" and isinstance(look_in, FollowUp) and run.session.safe == "set" and not run.session.silenced:
        run.emit(FollowUpPlanned, start_flow=look_in.flow, in_s=look_in.in_s, if_silent=look_in.if_silent)
    return Verdict.ANSWERED


def weight_unasked(run: "Run") -> Tier:
    """Give what soft words count for when the gentle question cannot be asked any more."""
    step = run.bundle.always.step(_question_for(run, run.screening.likely_first))
    signed = run.screening.has_sign or (isinstance(step, Ask) and step.id != "soft_check")
    return "T2" if signed else "T3"


def _question_for(run: "Run", kinds: tuple[str, ...]) -> str:
    always = run.bundle.always
    return next((name for kind in kinds if always.step(name := f"soft_check_{kind}")), "soft_check")


def stale_press(run: "Run") -> Verdict:
    """Let the danger tag of an old button count: T1 leaves the question, T2 opens the case."""
    option = pressed_option(run)
    if option is None or option.danger is None:
        return Verdict.NOTHING
    tier, why = DANGER_TIER[option.danger], (f"پاسخ «{option.label}»",)
    if option.covert:
        run.session.covert = True
    if tier == "T1":
        return immediate(run, "step", option.kinds, why)
    if tier == "T2":
        return high(run, "heard", "step", option.kinds, why)
    record.raise_by(run, option)
    return Verdict.NOTHING


def _wordless(run: "Run") -> Verdict:
    """Ask kindly once; then a person looks (T2)."""
    session = run.session
    if session.risk is None and not session.media_asked:
        session.media_asked = True
        run.put_over("media")
        return Verdict.OVER
    why = ("پیام بی‌متن",)
    return high(run, "media_case", "media", (), why)


def _says_danger(ask: Ask, guess: Answer | None) -> bool:
    option = ask.by_key.get(guess) if isinstance(guess, str) else None
    return option is not None and option.danger is not None


def _asks_softly(run: "Run") -> bool:
    session = run.session
    if session.told_tier == "T1" or session.soft_count >= SOFT_MAX or run.interrupted():
        return False
    return any(kind not in session.soft_asked for kind in run.screening.kinds or ("",))


def pressed_option(run: "Run") -> "Option | None":
    """Give the option a button stands for, also of a question long past."""
    return option_of(run.bundle, run.input.press) if isinstance(run.input, PressInput) else None


def option_of(bundle: Bundle, press: Press) -> "Option | None":
    """Give the option that a button was made for; None when no script of this version has it."""
    flow = bundle.flows.get(press.flow)
    step = flow.step(press.step) if flow else None
    return step.by_key.get(press.key) if isinstance(step, Ask) else None


def _is_own(run: "Run") -> bool:
    """True at a question of flow `always` itself, whose asking again is answer enough."""
    return run.session.stack[-1].flow == "always"


def _is_news(run: "Run", tier: Tier) -> bool:
    session = run.session
    return not session.case or session.told_tier is None or tier < session.told_tier


def _whys(run: "Run") -> tuple[str, ...]:
    return tuple(dict.fromkeys(evidence.why for evidence in run.screening.evidence if evidence.why))
