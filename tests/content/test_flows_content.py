"""What the published words must keep: no stigma, no blame, short enough for SMS, true numbers, exact scoring.

The expectations are written out by hand from the sources (docs/content.md), never computed from the files under test.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import bot
from bot.content import load_screener
from bot.engine.checks import CheckOptions, check_bundle
from bot.engine.explore import explore
from bot.engine.issues import errors
from bot.engine.loader import load_bundle
from bot.engine.model import Ask, Bundle, Escalate, Flow, Option, Texts

FLOWS = Path(bot.__file__).parent / "flows"
SMS_CHARS, T1_SMS_CHARS, DISCREET_CHARS, LABEL_CHARS, SENTENCE_WORDS = 134, 70, 40, 24, 12
STIGMA = ("بی‌سرپرست", "بدسرپرست", "فراری", "معتاد", "زن خیابانی", "قربانی", "خواهرم", "دخترم", "خانم")
BLAME = ("چرا", "تقصیر خودتان", "مقصر", "کوتاهی کرده", "می‌خواستید نکنید", "تحمل کنید", "ببخشیدش", "آشتی")
PROMISES = ("حتماً درست می‌شود", "قول می‌دهم", "راز می‌ماند", "تومان", "ریال")
#: Words that say «thou». What she is to tell a child herself stands after a colon.
FAMILIAR = re.compile(
    r"(?<![\w\u200c])(تو|خودت|برایت|بهت|حرفت|بگو|بنویس|بگیر|بزن|بمان|نمان|نترس|هستی|می‌توانی|نوشتی|خواستی)(?![\w\u200c])"
)
CASE_WORDS = ("خشونت", "خودکشی", "مددکار", "اورژانس", "آزار", "بهزیستی", "123", "110", "خطر")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Load what the repository publishes."""
    loaded, _ = load_bundle(FLOWS)
    assert loaded is not None
    return loaded


def spoken_texts(bundle: Bundle) -> Iterator[tuple[str, Texts]]:
    """Give every set of texts the bot may say, with a name for the failure message."""
    for flow in bundle.flows.values():
        for step in flow.steps:
            yield f"{flow.id}.{step.id}", step.texts
            if isinstance(step, Escalate) and step.if_not_taken:
                yield f"{flow.id}.{step.id}.if_not_taken", step.if_not_taken.texts
            if isinstance(step, Ask):
                yield f"{flow.id}.{step.id}.short", Texts(text=(*step.short, *step.unclear.text))
        for handler in flow.always:
            yield f"{flow.id}.{handler.name}", Texts(text=handler.say)
    for card in bundle.cards.values():
        for number, texts in enumerate(card.messages, 1):
            yield f"{card.id}.{number}", texts


def spoken_lines(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Give every message and every label, one string each."""
    for name, texts in spoken_texts(bundle):
        for line in (*texts.text, *texts.sms, *texts.discreet):
            yield name, line
    for name, option in labels(bundle):
        yield name, option.label


def labels(bundle: Bundle) -> Iterator[tuple[str, Option]]:
    """Give every option with the name of its question."""
    for flow in bundle.flows.values():
        for step in flow.steps:
            if isinstance(step, Ask):
                for option in step.options:
                    yield f"{flow.id}.{step.id}.{option.key}", option


def escalations(bundle: Bundle, tier: str) -> Iterator[tuple[str, Escalate]]:
    """Give every escalation of a tier."""
    for flow in bundle.flows.values():
        for step in flow.steps:
            if isinstance(step, Escalate) and step.tier == tier:
                yield f"{flow.id}.{step.id}", step


def test_the_published_bundle_loads_without_an_error() -> None:
    """Every file under bot/flows is readable as it stands."""
    loaded, issues = load_bundle(FLOWS)

    assert loaded is not None
    assert [found.render("en") for found in errors(issues)] == []


def test_the_checks_find_nothing_but_missing_signatures_and_long_menus(bundle: Bundle) -> None:
    """Labels are read by the real lexicon; drafts and menus of more than four wait for a named person's tick."""
    options = CheckOptions(today=date(2026, 11, 22), screen=load_screener().screen, is_explored=False)
    left = [
        found.render("en")
        for found in check_bundle(bundle, options)
        if found.severity != "N" and found.rule not in {"draft_card", "too_many_options", "no_discreet"}
    ]

    assert left == []


def test_every_reachable_state_of_the_scripts_keeps_the_claims(bundle: Bundle) -> None:
    """P1 to P14 hold from the entry and from every follow-up; the clock stands still, so that load decides nothing."""
    found = explore(bundle, now=lambda: 0.0)

    assert [problem.render("en") for problem in found.issues if problem.severity == "E"] == []
    assert found.states > 1000


@pytest.mark.parametrize("word", [*STIGMA, *BLAME, *PROMISES])
def test_no_text_carries_a_word_of_stigma_blame_or_empty_promise(bundle: Bundle, word: str) -> None:
    """What a person may write to us (accept) is not looked at; what we say is."""
    assert [(name, line) for name, line in spoken_lines(bundle) if word in line] == []


def test_everybody_is_addressed_with_respect_a_child_too(bundle: Bundle) -> None:
    """One voice from the first word to the counsellor's: a script that says «تو» is followed by others that do not."""
    ours = ((name, re.split(r"[:«]", line)[0]) for name, line in spoken_lines(bundle))
    assert [(name, line) for name, line in ours if FAMILIAR.search(line)] == []


def test_every_message_fits_two_parts_of_an_sms(bundle: Bundle) -> None:
    """The SMS variant, or the text where there is none, is at most 134 characters."""
    long = [
        (name, len(line))
        for name, texts in spoken_texts(bundle)
        for line in texts.variant("sms", covert=False)
        if len(line) > SMS_CHARS
    ]

    assert long == []


def test_every_immediate_reply_fits_one_sms(bundle: Bundle) -> None:
    """A T1 escalation and its repeated text stay within 70 characters."""
    long = [
        (name, len(line))
        for name, step in escalations(bundle, "T1")
        for texts in (step.texts, step.if_not_taken.texts if step.if_not_taken else Texts())
        for line in texts.variant("sms", covert=False)
        if len(line) > T1_SMS_CHARS
    ]

    assert long == []


def test_every_discreet_text_and_label_is_short(bundle: Bundle) -> None:
    """A discreet line is at most 40 characters, a label at most 24."""
    discreet = [
        (name, line) for name, texts in spoken_texts(bundle) for line in texts.discreet if len(line) > DISCREET_CHARS
    ]
    wide = [(name, option.label) for name, option in labels(bundle) if len(option.label) > LABEL_CHARS]

    assert (discreet, wide) == ([], [])


def test_no_sentence_is_longer_than_twelve_words(bundle: Bundle) -> None:
    """The items of instruments keep their published wording and are not counted."""
    items = {
        f"{flow.id}.{step.id}" for flow in bundle.flows.values() for step in flow.steps if getattr(step, "screen", "")
    }
    long = [
        (name, sentence.strip())
        for name, texts in spoken_texts(bundle)
        if name not in items
        for line in texts.text
        for sentence in re.split(r"[.؟!؛:]", line)
        if len(sentence.split()) > SENTENCE_WORDS
    ]

    assert long == []


def test_every_immediate_escalation_shows_a_number_in_every_variant(bundle: Bundle) -> None:
    """110, 115 or 123 is there for rich, SMS and covert readers, and while nobody has come yet."""
    silent = [
        (name, variant)
        for name, step in escalations(bundle, "T1")
        for texts in (step.texts, step.if_not_taken.texts if step.if_not_taken else Texts())
        for variant in (
            " ".join(texts.variant(mode, covert=covert)) for mode in ("rich", "sms") for covert in (False, True)
        )
        if not re.search(r"\b(110|115|123)\b", variant)
    ]

    assert silent == []


def test_every_number_that_is_said_is_a_verified_line(bundle: Bundle) -> None:
    """No invented, suspended or unconfirmed number reaches a person, and none is in Persian digits."""
    known = {line.number for line in bundle.lines.values() if line.status == "verified"}
    said = {
        (name, number) for name, line in spoken_lines(bundle) for number in re.findall(r"(?<!\d)\d{3,}(?!\d)", line)
    }
    named = {(name, key) for name, line in spoken_lines(bundle) for key in re.findall(r"\{line\.(\w+)\}", line)}

    assert sorted(pair for pair in said | named if pair[1] not in known) == []
    assert {"1819", "192", "129", "197"}.isdisjoint(bundle.lines)


def test_every_line_has_a_date_a_source_hours_and_a_cost(bundle: Bundle) -> None:
    """A number without a date is a danger: 09628 stopped and stands here as suspended."""
    assert {"123", "110", "115", "125", "112", "1480", "1570", "09628"} == set(bundle.lines)
    for line in bundle.lines.values():
        assert date(2026, 1, 1) <= date.fromisoformat(line.verified_on)
        assert all((line.name, line.source, line.hours, line.cost))
    assert bundle.lines["09628"].status == "suspended"


def test_every_flow_that_tags_a_danger_carries_a_conversation(bundle: Bundle) -> None:
    """Flow always is entered by the engine and has its own tests there."""
    untested = [
        flow.id for flow in bundle.flows.values() if flow.id != "always" and has_danger(flow) and not flow.tests
    ]

    assert untested == []


def has_danger(flow: Flow) -> bool:
    """Say whether an option of the flow is tagged high or immediate."""
    return any(
        option.danger in {"high", "immediate"}
        for step in flow.steps
        if isinstance(step, Ask)
        for option in step.options
    )


def test_the_decoy_and_the_first_words_of_a_follow_up_tell_nothing(bundle: Bundle) -> None:
    """Someone else may be reading over her shoulder, or the lock screen."""
    decoy, ready = bundle.always.step("decoy"), bundle.flows["check_in"].step("ready")
    assert decoy is not None
    assert ready is not None
    for texts in (decoy.texts, ready.texts):
        for line in (*texts.text, *texts.sms, *texts.discreet):
            assert [word for word in CASE_WORDS if word in line] == []


def test_the_directory_holds_examples_and_never_a_safe_house(bundle: Bundle) -> None:
    """Real places are an operator's data; a safe house is nobody's data."""
    for kind in bundle.directory.values():
        assert "امن" not in kind.title
        assert all(place["example"] == "yes" and "address" not in place for place in kind.places)


def test_every_card_is_dated_sourced_and_a_draft_until_someone_signs(bundle: Bundle) -> None:
    """No machine may call a card reviewed."""
    for card in bundle.cards.values():
        assert card.status == "draft"
        assert card.sources
        assert 1 <= len(card.messages) <= 4
