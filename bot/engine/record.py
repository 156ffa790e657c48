"""Writing an answer down: its value, its risk, its consent, and the way back to it.

The one place where a tag of an option acts, so that number, label, button and guess all count the same.
"""

import hashlib
from typing import TYPE_CHECKING, cast

from bot.core.events import AnswerRecorded, ConsentRecorded, OwnWordWritten, SafeContactRecorded
from bot.core.phones import mobile_e164
from bot.core.text import display, squash
from bot.engine.model import DANGER_TIER, Ask, Date, FreeText, Media, Option, Phone, Place
from bot.engine.places import PROVINCES
from bot.engine.session import BACK_MAX, Answer

if TYPE_CHECKING:
    from bot.engine.run import Run

_PERSONAL = (Phone, FreeText, Media)


def record(run: "Run", ask: Ask, value: Answer) -> tuple[Option, ...]:
    """Write an answer of the running frame and act by its tags; give the options it chose."""
    frame = run.session.stack[-1]
    keys = _keys(ask, value)
    options = tuple(ask.by_key[key] for key in keys if key in ask.by_key)
    frame.answers[ask.id] = value
    if ask.screen:
        points = f"{ask.screen}.points"
        frame.answers[points] = cast("int", frame.answers.get(points, 0)) + sum(option.points for option in options)
    run.emit(AnswerRecorded, keys=keys, label=_label(ask, value, options), sensitive=ask.sensitive)
    if ask.consent:
        _consent(run, ask, value)
    if ask.once and value != "skip":  # a refusal is asked again where it matters: there the script says why
        run.session.given[ask.once] = value
    if ask.safe:
        _safe(run, ask, value, options)
    if isinstance(ask.spec, Place) and value in PROVINCES:
        run.session.province = PROVINCES[str(value)][1]
    for option in options:
        raise_by(run, option)
    if ask.consent or any(option.danger for option in options):
        frame.back = ()
    elif frame.flow != "always":
        pass_by(run, ask)
    return options


def pass_by(run: "Run", ask: Ask) -> None:
    """Let `back` lead to a question of the running frame that is left."""
    frame = run.session.stack[-1]
    frame.back = (*frame.back, ask.id)[-BACK_MAX:]


def take_given(run: "Run", ask: Ask) -> bool:
    """Take over what she answered before under the same `once`; `back` still leads to the question. Give whether."""
    frame = run.session.stack[-1]
    if not ask.once or ask.once not in run.session.given or ask.id in frame.answers:
        return False
    frame.answers[ask.id] = run.session.given[ask.once]
    pass_by(run, ask)
    return True


def _safe(run: "Run", ask: Ask, value: Answer, options: tuple[Option, ...]) -> None:
    """Keep what she says of reaching her: the code word folded, the rest in words for staff."""
    part = ask.id.rsplit(".", 1)[-1]
    if part in {"word", "duress"} and value == "given":
        run.emit(OwnWordWritten)
    if value == "skip":
        run.session.safe_contact.pop(part, None)
    elif part == "word":
        run.session.code_word = run.folded
        run.session.safe_contact[part] = display(run.text)  # whoever calls her says it first
    elif part == "duress":
        run.session.duress_word = squash(run.text)
        run.session.safe_contact[part] = display(run.text)
    elif isinstance(ask.spec, Phone):
        run.session.safe_contact[part] = mobile_e164(run.text) or ""
    else:
        run.session.safe_contact[part] = options[0].label if options else str(value)


def keep_safe_so_far(run: "Run", ask: Ask) -> None:
    """Keep what she said of a safe way when she falls silent before its last question; too little opens no gate."""
    if ask.safe and run.session.safe_contact.get("way") and run.session.safe == "unset":
        run.session.safe = "set"
        run.emit(SafeContactRecorded, state="set")


def raise_by(run: "Run", option: Option, *, kinds: tuple[str, ...] = ()) -> None:
    """Act by an option's tags: risk, debt, kinds, covert."""
    if option.covert:
        run.session.covert = True
    if option.danger is not None:
        tier = DANGER_TIER[option.danger]
        run.raise_risk(tier, (*option.kinds, *kinds), (f"پاسخ «{option.label}»",))
        if tier in {"T1", "T2"}:
            run.owe(tier)
    elif option.kinds:
        run.session.kinds += tuple(kind for kind in option.kinds if kind not in run.session.kinds)


def unwrite(run: "Run", ask: Ask) -> None:
    """Take an answer back, with the points it gave."""
    frame = run.session.stack[-1]
    value = frame.answers.pop(ask.id, None)
    run.session.given.pop(ask.once, None)
    if value is not None and ask.screen:
        points = f"{ask.screen}.points"
        taken = sum(ask.by_key[key].points for key in _keys(ask, value) if key in ask.by_key)
        frame.answers[points] = cast("int", frame.answers.get(points, 0)) - taken


def _keys(ask: Ask, value: Answer) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    if value == 0 and "none" in ask.by_key:
        return ("none",)
    return (str(value),)


def _label(ask: Ask, value: Answer, options: tuple[Option, ...]) -> str:
    """Give what staff read; personal answers show no more than that they were given."""
    if options:
        return "، ".join(option.label for option in options)
    if isinstance(ask.spec, _PERSONAL):
        return ""
    if isinstance(ask.spec, Place):
        return PROVINCES[str(value)][0] if value in PROVINCES else ""
    return "" if isinstance(ask.spec, Date) and ask.sensitive else str(value)


def _consent(run: "Run", ask: Ask, value: Answer) -> None:
    given = value == "yes"
    run.session.consents[ask.consent] = given
    shown = "\n".join(ask.texts.variant(run.facts.mode, covert=run.session.covert))
    digest = hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    run.emit(ConsentRecorded, purpose=ask.consent, given=given, text_hash=digest)
