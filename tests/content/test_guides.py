"""The self-help cards: enough of them, each sourced, dated, of a stated reading level, and found by its own name."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import bot
from bot.core.contact import Facts
from bot.core.messages import TextInput
from bot.core.screening import NOTHING_FOUND
from bot.core.text import fold
from bot.engine.guides import find
from bot.engine.loader import load_bundle
from bot.engine.run import Run
from bot.engine.session import Session

FLOWS = Path(bot.__file__).parent / "flows"
LAW = {
    "custody_basics", "nafaqah_basics", "mahrieh_basics", "fear_at_home_law", "legal_aid_how", "women_bill", "child_law", "forensic",
    "legal_basics", "birth_certificate", "school_no_papers", "health_insurance", "behzisti_or_emdad", "enrol_papers",
    "enrol_behzisti", "women_head_rights",
}  # fmt: skip
#: domain.md §4: never to confront, to forgive, to leave without a plan; no method; no promise; no photographs asked for.
NEVER = ("با او روبه‌رو", "ببخش", "همین امشب بروید", "حتماً می‌دهند", "عکس زخم را بفرستید", "بچه را می‌گیرند", "قرص را")


@pytest.fixture(scope="module")
def bundle():
    loaded, _ = load_bundle(FLOWS)
    assert loaded is not None
    return loaded


@pytest.fixture
def run(bundle):
    """Give a turn in which somebody looks for a card."""
    facts = Facts(now=datetime(2026, 11, 22, 8, tzinfo=UTC), channel="web", mode="rich")
    return Run(Session(bundle.version), TextInput("راهنما"), NOTHING_FOUND, facts, bundle)


def texts(card) -> list[str]:
    return [line for message in card.messages for line in (*message.text, *message.sms)]


def test_there_are_forty_cards_and_each_states_its_sources_and_reading_level(bundle):
    assert len(bundle.cards) >= 40
    for card in bundle.cards.values():
        assert card.sources, card.id
        assert card.reviewed_on, card.id
        assert card.reading in {"easy", "medium"}, card.id
        assert card.words, card.id


def test_no_card_rests_on_a_source_that_nobody_could_read(bundle):
    assert [card.id for card in bundle.cards.values() if "[K]" in " ".join(card.sources)] == []


def test_a_card_of_law_states_whether_it_is_in_force(bundle):
    assert {card.id for card in bundle.cards.values() if card.legal_status} == LAW
    assert [card.id for card in bundle.cards.values() if card.legal_status == "bill"] == ["women_bill"]
    judged = [card for card in bundle.cards.values() if card.id.endswith("_basics") or card.id == "fear_at_home_law"]
    assert [card.id for card in judged if "نه مشاورهٔ حقوقی" not in texts(card)[0]] == []


def test_a_card_of_family_law_says_for_whom_it_may_differ(bundle):
    """Personal status follows nationality (Civil Code, Articles 6 and 7) and faith (Articles 12 and 13; law of 1312)."""
    family = ("custody_basics", "nafaqah_basics", "mahrieh_basics", "fear_at_home_law", "legal_basics")
    whom = "برای مهاجران، اهل سنت و اقلیت‌های دینی شاید فرق کند"

    assert [name for name in family if whom not in texts(bundle.cards[name])[0]] == []
    rest_on_it = {card.id for card in bundle.cards.values() if any("قانون مدنی" in one for one in card.sources)}
    assert rest_on_it == set(family)


def test_an_easy_card_has_short_sentences_and_short_words(bundle):
    hard = []
    for card in bundle.cards.values():
        sentences = [part.split() for line in texts(card) for part in re.split(r"[.؟!؛:]", line) if part.split()]
        mean = sum(map(len, sentences)) / len(sentences)
        longest = max(len(fold(word)) for words in sentences for word in words)
        if card.reading == "easy" and (mean > 8.5 or longest > 14):
            hard.append((card.id, round(mean, 1), longest))

    assert hard == []


@pytest.mark.parametrize("word", NEVER)
def test_no_card_gives_advice_that_endangers(bundle, word):
    assert [card.id for card in bundle.cards.values() if word in " ".join(texts(card))] == []


def test_a_card_for_a_couple_is_tagged_so(bundle):
    assert {card.id for card in bundle.cards.values() if "joint" in card.tags} == {
        "family_talk",
        "pause_conflict",
        "family_night",
    }


def test_every_card_is_found_by_its_title(bundle, run):
    lost = []
    for card in bundle.cards.values():
        query = tuple(word for word in fold(card.title).split() if len(word) > 1)[:6]
        if card.id not in [found.id for found in find(run, query)[:3]]:
            lost.append(card.id)

    assert lost == []


@pytest.mark.parametrize(
    ("asked", "card"),
    [("خواب", "sleep"), ("بدهی", "debts"), ("نوزاد", "crying_baby"), ("شناسنامه", "birth_certificate"), ("مهریه", "mahrieh_basics"),
     ("بخاری", "winter_heating"), ("سوگ", "grief"), ("اوردوز", "overdose_first_aid"), ("کبودی", "forensic"), ("اخاذی", "online_blackmail"), ("خودکشی", "dark_thoughts"), ("بچه‌هام طلاق", "separation_children")],
)  # fmt: skip
def test_what_people_look_for_finds_its_card(run, asked, card):
    assert find(run, tuple(fold(asked).split()))[0].id == card
