"""Texts as she sees them: the variant for her channel and her safety, placeholders filled, answers numbered.

While covert, a question shows bare numbers on its buttons: a label would tell what was asked. A text without a discreet
form is never shown then: a neutral word stands for it, and she sees it when she asks («تکرار»). A person's own words
are never inserted anywhere.
"""

import re
from typing import TYPE_CHECKING

from bot.core.events import RESUME_MARK
from bot.core.messages import Button
from bot.engine.model import Ask, Multi, Scale, Texts

if TYPE_CHECKING:
    from bot.engine.run import Run

#: Said where a published version is older than the step `hidden`.
_HIDDEN = "«تکرار» = دیدن"
_BARE_LINES = "110 / 123"
_PLACEHOLDER = re.compile(r"\{([a-z0-9_.]+)\}")


def variant(run: "Run", texts: Texts) -> tuple[str, ...]:
    """Choose and fill the messages of a step."""
    chosen = texts.variant(run.facts.mode, covert=run.session.covert)
    return tuple(fill(run, text) for text in chosen)


def is_hidden(run: "Run", texts: Texts) -> bool:
    """True for what may not be shown now: no discreet form, and somebody may be reading with her."""
    return run.session.covert and texts.tells and not run.reveals


def instead(run: "Run", withheld: tuple[str, ...] = ()) -> str:
    """Give what stands for a hidden text: the numbers when it named any, else a neutral word."""
    if any(number in text for text in withheld for number in ("110", "123")):
        return _BARE_LINES
    step = run.bundle.always.step("hidden")
    texts = step.texts.discreet or step.texts.text if step is not None else ()
    return fill(run, texts[0]) if texts else _HIDDEN


def translated(run: "Run", text: str) -> str:
    """Give a Persian text in the session's language, where the bundle has it."""
    catalogue = run.bundle.translations.get(run.session.language)
    return text if catalogue is None else catalogue.get(text, text)


def fill(run: "Run", text: str) -> str:
    """Translate, then fill the declared placeholders; one without a value becomes nothing rather than braces."""
    text = translated(run, text)
    if "{" not in text:
        return text
    return _PLACEHOLDER.sub(lambda found: _value(run, found.group(1)), text)


def question(run: "Run", ask: Ask, *, short: bool) -> tuple[str, ...]:
    """Give the messages of a question; by SMS its answers are numbered in the text. Never empty."""
    hidden = run.session.covert and ask.texts.discreet
    if is_hidden(run, ask.texts):
        numbers = [str(number) for number, _ in enumerate(ask.options, 1)] if ask.numbered else []
        head = " ".join((translated(run, "عدد؟"), *numbers, "")) if numbers else ""
        return (head + instead(run),)
    if short and ask.short and not hidden:
        texts: tuple[str, ...] = tuple(fill(run, text) for text in ask.short)
    else:
        texts = variant(run, ask.texts)
    if not texts:
        raise LookupError("a question without a text")
    if hidden:
        return texts
    last = texts[-1]
    if isinstance(ask.spec, Scale) and len(ask.spec.ends) == 2:
        low, high = (translated(run, end) for end in ask.spec.ends)
        last = f"{last}\n{ask.spec.low} = {low}، {ask.spec.high} = {high}"
    if run.facts.mode == "sms" and ask.options:
        last = f"{last}\n{_numbered(run, ask)}"
    return texts if last is texts[-1] else (*texts[:-1], last)


def _numbered(run: "Run", ask: Ask) -> str:
    """List the answers: with their numbers where digits choose, by their words where digits are the answer."""
    labels = [translated(run, option.label) for option in ask.options]
    if ask.numbered:
        return "\n".join(f"{number} {label}" for number, label in enumerate(labels, 1))
    return translated(run, "یا بنویسید:") + " " + " / ".join(labels)


def buttons(run: "Run", ask: Ask) -> tuple[Button, ...]:
    """Offer the answers as buttons; a scale offers its numbers, and so does what someone else may read."""
    frame = run.session.stack[-1]
    head = f"p|{frame.flow}|{ask.id}|{run.session.visit}|"
    offered = [(translated(run, option.label), option.key) for option in ask.options]
    if isinstance(ask.spec, Scale):
        offered = [(str(number), str(number)) for number in range(ask.spec.low, ask.spec.high + 1)] + offered
    elif run.session.covert and ask.numbered and not (run.reveals and ask.texts.tells):
        offered = [(str(number), key) for number, (_, key) in enumerate(offered, 1)]
    return tuple(Button(label, head + key) for label, key in offered)


def _value(run: "Run", name: str) -> str:
    match name:
        case "resume_code":
            return RESUME_MARK
        case "case_code":
            return run.facts.case_code
        case "wait_minutes":
            return "چند" if run.facts.wait_minutes is None else str(run.facts.wait_minutes)
        case "place_name" | "place_phone" | "place_hours":
            return run.place.get(name.removeprefix("place_"), "")
    if name.startswith("line."):
        key = name.removeprefix("line.")
        line = run.bundle.lines.get(key)
        return run.facts.lines.get(key) or (line.number if line else key)
    return _label(run, name)


def _label(run: "Run", name: str) -> str:
    """Give the label of a choice answer of the running flow; nothing for answers in her own words."""
    frame = run.session.stack[-1]
    step = run.flow.step(name)
    value = frame.answers.get(name)
    if not isinstance(step, Ask) or value is None:
        return ""
    keys = value if isinstance(step.spec, Multi) and isinstance(value, tuple) else (value,)
    return "، ".join(
        translated(run, step.by_key[key].label) for key in keys if isinstance(key, str) and key in step.by_key
    )
