"""Lints of what is said: length, previews that disclose, words that blame or stigmatise, sentences that are hard.

Linted, not proved (flow-language §6): tone is a person's judgement, these only point.
"""

import re
from collections.abc import Iterator

from bot.core.preview import telling, telling_word
from bot.core.text import fold
from bot.engine.checks_context import Context, at_step
from bot.engine.issues import Issue
from bot.engine.model import Ask, Escalate, Flow, FollowUp, Step
from bot.engine.run import REPLY_S

TEXT_MAX = 600
LABEL_MAX = 24
SMS_MAX = 134
SMS_T1_MAX = 70
DISCREET_MAX = 40
SENTENCE_WORDS_MAX = 25
_ONE_DIGIT = re.compile(r"(?<!\d)\d(?!\d)")
_ENDS = re.compile(r"[.!?؟؛:\n]+")

#: What flow `always` says although she may have been away for long: after an act of the desk, or a plan's step.
_SAID_LATE = frozenset({"remind", "still_queued", "handed_back", "closed", "reopened"})
#: word → (rule, a better way to say it)
HARD_WORDS: dict[str, tuple[str, str]] = {
    "تقصیر خودتان": ("blame_word", "تقصیر شما نیست"),
    "چرا نرفتید": ("blame_word", "چه چیزی رفتن را سخت می‌کند؟"),
    "چرا ماندید": ("blame_word", "ماندن دلیل‌های خودش را دارد"),
    "چرا نگفتید": ("blame_word", "خوب کردید که گفتید"),
    "تحمل کنید": ("blame_word", "لازم نیست تنها بمانید"),
    "معتاد": ("stigma_word", "درگیر مصرف مواد"),
    "دیوانه": ("stigma_word", "حال روحی دشوار"),
    "بیمار روانی": ("stigma_word", "درگیر مشکل روان"),
    "بدسرپرست": ("stigma_word", "بی‌مراقبت کافی"),
    "مطلقه": ("stigma_word", "جداشده"),
    "بیوه": ("stigma_word", "همسرازدست‌داده"),
    "عقب‌مانده": ("stigma_word", "کم‌توان ذهنی"),
    "بزهکار": ("stigma_word", "درگیر قانون"),
    "زن بدسرپرست": ("stigma_word", "زن در خانوادهٔ ناامن"),
    "خانم محترم": ("gender_guess", "شما"),
    "آقای محترم": ("gender_guess", "شما"),
    "خواهر گرامی": ("gender_guess", "شما"),
    "برادر گرامی": ("gender_guess", "شما"),
    "خانم عزیز": ("gender_guess", "شما"),
}
_HARD_FOLDED = {f" {fold(word)} ": (word, rule, better) for word, (rule, better) in HARD_WORDS.items()}
_ARABIC = "يكىة"


def too_long(context: Context) -> Iterator[Issue]:
    """Texts fit their channel (P15)."""
    for flow, step in context.steps():
        sms_max = SMS_T1_MAX if isinstance(step, Escalate) and step.tier == "T1" else SMS_MAX
        limits = ((step.texts.text, TEXT_MAX, ""), (step.texts.sms, sms_max, ".sms"))
        for texts, most, suffix in (*limits, (step.texts.discreet, DISCREET_MAX, ".discreet")):
            for text in texts:
                if len(text) > most:
                    yield at_step("too_long", flow, step, name=step.id + suffix, size=len(text), most=most)
        for option in step.options if isinstance(step, Ask) else ():
            if len(option.label) > LABEL_MAX:
                name = f"{step.id}.{option.key}"
                yield at_step("too_long", flow, step, name=name, size=len(option.label), most=LABEL_MAX)


def discloses(context: Context) -> Iterator[Issue]:
    """No discreet text tells by its first words, and nothing that comes unasked by its words or numbers (P16)."""
    for flow, step in context.steps():
        for text in step.texts.discreet:
            word = telling_word(text)
            if word is not None:
                yield at_step("discloses", flow, step, word=word)
    told: set[tuple[str, str, str]] = set()
    for flow, step, text in _unasked(context):
        word = telling(text)
        if word is not None and (flow.id, step.id, word) not in told:
            told.add((flow.id, step.id, word))
            yield at_step("discloses", flow, step, word=word)


def _unasked(context: Context) -> Iterator[tuple[Flow, Step, str]]:
    """Give each text that may come although she did not just write: reminders, late words, what begins a follow-up."""
    begun = {step.flow for flow in context.bundle.flows.values() for step in flow.steps if isinstance(step, FollowUp)}
    for flow, step in context.steps():
        said = flow.id == "always" and step.id in _SAID_LATE
        for text in (*step.texts.text, *step.texts.sms) if said else ():
            yield flow, step, text
        silence = (step.silence or flow.silence) if isinstance(step, Ask) else None
        if silence is not None:
            yield from ((flow, step, text) for text in silence.remind_text)
            after = flow.step(silence.then) if silence.after_s >= REPLY_S else None
            if after is not None:
                yield from ((flow, after, text) for text in (*after.texts.text, *after.texts.sms))
    for flow in context.flows:
        yield from _opening(flow) if flow.id in begun else ()


def _opening(flow: Flow) -> Iterator[tuple[Flow, Step, str]]:
    for step in flow.steps:
        labels = tuple(option.label for option in step.options) if isinstance(step, Ask) else ()
        yield from ((flow, step, text) for text in (*step.texts.text, *step.texts.sms, *labels))
        if isinstance(step, Ask):
            return


def no_discreet(context: Context) -> Iterator[Issue]:
    """Every text has a form for someone looking over her shoulder; without one she must ask to see it."""
    for flow in context.flows:
        telling = [step for mine, step in context.steps() if mine is flow and step.texts.tells]
        if telling:
            first = min(telling, key=lambda step: step.at)
            names = "، ".join(step.id for step in telling[:3]) + (" …" if len(telling) > 3 else "")
            yield at_step("no_discreet", flow, first, name=names, count=len(telling))


def discreet_numbers(context: Context) -> Iterator[Issue]:
    """A discreet question that says what 1 and 2 mean says it of every number: an unnamed button is pressed blindly."""
    for flow, step in context.asks():
        named = set(_ONE_DIGIT.findall(" ".join(step.texts.discreet)))
        missing = {str(number) for number in range(1, len(step.options) + 1)} - named
        if step.numbered and {"1", "2"} <= named and missing:
            yield at_step("discreet_numbers", flow, step, word="، ".join(sorted(missing)))


def hard_words(context: Context) -> Iterator[Issue]:
    """Words that blame, stigmatise or guess a gender get a kinder one suggested."""
    for flow, step, text in _spoken(context):
        padded = f" {fold(text)} "
        for folded, (word, rule, better) in _HARD_FOLDED.items():
            if folded in padded:
                yield at_step(rule, flow, step, word=word, better=better)


def hard_reading(context: Context) -> Iterator[Issue]:
    """A sentence of more than 25 words is hard at night."""
    for flow, step, text in _spoken(context):
        size = max(len(sentence.split()) for sentence in _ENDS.split(text))
        if size > SENTENCE_WORDS_MAX:
            yield at_step("hard_reading", flow, step, size=size)


def mixed_script(context: Context) -> Iterator[Issue]:
    """Arabic letters where Persian ones belong."""
    for flow, step, text in _spoken(context):
        word = next((char for char in text if char in _ARABIC), None)
        if word is not None:
            yield at_step("mixed_script", flow, step, word=word)


def _spoken(context: Context) -> Iterator[tuple[Flow, Step, str]]:
    for flow, step in context.steps():
        labels = tuple(option.label for option in step.options) if isinstance(step, Ask) else ()
        for text in (*step.texts.text, *step.texts.sms, *step.texts.discreet, *labels):
            yield flow, step, text
