"""The Dari words of the scripts: whole, the same numbers, no longer than a channel carries, no more telling.

When a script's words change, run `panah flows extract bot/flows` and bring the changed messages into
locales/fa_AF/LC_MESSAGES/flows.po, in the order of locales/fa. Tone is for a native speaker; this holds the rest.
"""

import re
from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po

from bot.commands.flows_extract import CATALOGUE
from bot.core.preview import telling, telling_word
from bot.core.text import fold
from bot.engine.checks_texts import DISCREET_MAX, HARD_WORDS, LABEL_MAX, SMS_T1_MAX
from bot.engine.model import Ask, Bundle, Escalate, Option, Step
from bot.handlers.sms import economical, fit
from bot.i18n import catalogue_path, load_translations, reviewer_of

DARI = catalogue_path("fa-AF")
SMS_ROOM, SENTENCE_WORDS = 1.05, 12
#: Numbers, placeholders and the words she may write; what they are called in Dari does not help her.
KEPT = re.compile(r"[0-9]+|[۰-۹]+|\{[a-z0-9_.]+\}|«تکرار»|«مددکار»|«راهنما [^»]+»|کلانتری|بهزیستی|اورژانس اجتماعی")
#: What Dari has for the words that `bot.core.preview` holds to be telling in Persian.
TELLING_DARI = ("پولیس", "محکمه", "دوسیه", "لت و کوب", "لت می", "زوری")
STIGMA = ("بی‌سرپرست", "بدسرپرست", "فراری", "معتاد", "زن خیابانی", "قربانی", "خواهرم", "دخترم", "خانم")


def messages_of(path) -> list[tuple[str, str, str]]:
    """Give (where it is said, Persian, translation) of a catalogue, in its order."""
    with path.open("rb") as file:
        return [(one.context, one.id, one.string) for one in read_po(file) if one.id]


@pytest.fixture(scope="module")
def messages() -> list[tuple[str, str, str]]:
    """Give the Dari catalogue as gettext reads it."""
    return messages_of(DARI)


@pytest.fixture(scope="module")
def dari() -> dict[str, str]:
    """Give what the program reads: Persian → Dari."""
    return load_translations()["fa-AF"]


def asks(bundle: Bundle) -> Iterator[tuple[str, Ask]]:
    """Give every question with answers to choose from."""
    for flow in bundle.flows.values():
        yield from ((f"{flow.id}.{step.id}", step) for step in flow.steps if isinstance(step, Ask) and step.options)


def as_sent(step: Step, dari: dict[str, str], *, covert: bool) -> list[str]:
    """Give a step's Dari messages in sms mode, its answers under the last, as bot.engine.render does."""
    texts = [dari[text] for text in step.texts.variant("sms", covert=covert)]
    if texts and isinstance(step, Ask) and step.options and not (covert and step.texts.discreet):
        labels = [dari[option.label] for option in step.options]
        lines = "\n".join(f"{number} {label}" for number, label in enumerate(labels, 1))
        texts[-1] += "\n" + (lines if step.numbered else "یا بنویسید: " + " / ".join(labels))
    return texts


def longest_sentence(text: str) -> int:
    return max(len(part.split()) for part in re.split(r"[.!?؟؛:\n]+", text))


def test_every_message_has_a_dari_text(messages):
    said_in_dari = {(context, text) for context, text, _ in messages}

    assert [(where, text) for where, text, _ in messages_of(CATALOGUE) if (where, text) not in said_in_dari] == []
    assert [context for context, _, said in messages if not said.strip()] == []


def test_the_program_reads_what_gettext_reads(messages, dari):
    assert dari == {text: said for _, text, said in messages}


def test_equal_persian_has_equal_dari(messages):
    found: dict[str, set[str]] = {}
    for _, text, said in messages:
        found.setdefault(text, set()).add(said)

    assert {text: said for text, said in found.items() if len(said) > 1} == {}


def test_the_catalogue_calls_itself_a_draft_until_a_reviewer_is_named():
    head = DARI.read_text(encoding="utf-8").split("\n\n", 1)[0]

    assert ("پیش‌نویس تا بازبینی" in head) == (reviewer_of("fa-AF") == "")
    assert '"Language: fa_AF\\n"' in head


def test_numbers_placeholders_and_names_to_ask_for_are_those_of_the_source(messages):
    other = [(where, text, said) for where, text, said in messages if KEPT.findall(text) != KEPT.findall(said)]

    assert other == []


def test_a_text_for_sms_is_hardly_longer_than_its_source(messages):
    sms = [(text, said) for where, text, said in messages if where.endswith(".sms")]

    assert len(sms) > 30
    assert [pair for pair in sms if len(pair[1]) > len(pair[0]) * SMS_ROOM] == []


def test_no_dari_text_is_cut_by_sms(bundle, dari):
    steps = [step for flow in bundle.flows.values() for step in flow.steps if hasattr(step, "texts")]
    texts = [text for step in steps for covert in (False, True) for text in as_sent(step, dari, covert=covert)]

    assert len(texts) > 300
    assert [text for text in texts if fit(text) != economical(text)] == []


def test_the_first_words_in_danger_are_one_sms(bundle, dari):
    steps = [step for flow in bundle.flows.values() for step in flow.steps if isinstance(step, Escalate)]
    texts = [dari[text] for step in steps if step.tier == "T1" for text in step.texts.sms]

    assert texts
    assert [text for text in texts if len(text) > SMS_T1_MAX] == []


def test_a_discreet_text_is_short_and_tells_no_more_than_its_source(messages):
    discreet = [(text, said) for where, text, said in messages if where.endswith(".discreet")]

    assert len(discreet) > 300
    assert [said for _, said in discreet if len(said) > DISCREET_MAX] == []
    assert [said for _, said in discreet if any(fold(word) in fold(said) for word in TELLING_DARI)] == []
    assert [said for text, said in discreet if telling_word(said) and not telling_word(text)] == []


def test_no_text_tells_by_its_first_words_where_its_source_does_not(messages):
    assert [said for _, text, said in messages if telling(said) and not telling(text)] == []


def test_labels_fit_a_button_and_name_one_answer_each(bundle, dari):
    for where, ask in asks(bundle):
        labels = [dari[option.label] for option in ask.options]

        assert max(map(len, labels)) <= LABEL_MAX, where
        assert len({fold(label) for label in labels}) == len(labels), where


def test_no_dari_label_reads_as_another_answer_of_its_question(bundle, dari):
    def read_as(ask: Ask, option: Option) -> str:
        return ask.keys_by_text.get(fold(dari[option.label]), option.key)

    mistaken = [(where, one.key) for where, ask in asks(bundle) for one in ask.options if read_as(ask, one) != one.key]

    assert mistaken == []


def test_sentences_are_short(messages):
    hard = [(text, said) for _, text, said in messages if longest_sentence(said) > SENTENCE_WORDS]

    assert [said for text, said in hard if longest_sentence(said) > longest_sentence(text)] == []


def test_no_word_blames_or_stigmatises(messages):
    words = [f" {fold(word)} " for word in (*STIGMA, *HARD_WORDS)]

    assert [said for _, _, said in messages if any(word in f" {fold(said)} " for word in words)] == []
