"""Triage never raises an exception, explains itself inside the text, and only rises."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.screening import KINDS, strongest
from bot.triage import LexiconError, Screener, load_lexicon, to_json
from bot.triage.lexicon import LEXICON_DIR

SCREENER = Screener(load_lexicon())
CRIES = (
    "شوهرم داره منو می‌زنه", "همه قرصامو خوردم", "چاقو گذاشت زیر گلوم", "دیشب کتکم زد", "دیگه نمی‌خوام زنده باشم", "بچه‌هام گرسنه‌ان",
    "babam katakam mizane", "نمی‌تونم حرف بزنم", "می‌خوام شوهرمو بکشم", "بهم تجاوز شده",
)  # fmt: skip
HARMLESS = (
    "سلام خوب هستید", "هوا امروز خوبه", "ممنون از شما", "من تهران زندگی می‌کنم", "دو تا بچه دارم", "دیشب یه فیلم خنده‌دار دیدم",
    "پارسال رفتیم مشهد", "از خنده مردم", "کلاس خیاطی می‌رم",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_screened_and_evidence_lies_inside_it(text):
    found = SCREENER.screen(text)

    assert set(found.kinds) <= set(KINDS)
    assert all(0 <= one.start <= one.end <= len(text) for one in found.evidence)
    assert found == SCREENER.screen(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2",
        "۱۲۳",
        "\ud800\udfff",
        "\x00",
        "😭🔪",
        "می" * 2000,
        "خ" * 4096,
        "؟!،." * 1000,
        "منو می‌زنه " * 90_000,
    ],
)
def test_odd_texts_are_survived(text):

    assert SCREENER.screen(text).lexicon


@pytest.mark.parametrize("cry", CRIES)
@pytest.mark.parametrize("harmless", HARMLESS)
def test_a_harmless_sentence_never_lowers(cry, harmless):
    alone = SCREENER.screen(cry)
    for text in (
        f"{harmless}. {cry}",
        f"{cry}. {harmless}",
        f"{cry}، {harmless}",
        f"{harmless}\n{cry}",
        f"{cry} ولی {harmless}",
    ):
        found = SCREENER.screen(text)
        assert strongest([found.tier, alone.tier]) == found.tier, text
        assert set(alone.kinds) <= set(found.kinds)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(CRIES + HARMLESS), max_size=3), st.sampled_from(CRIES + HARMLESS))
def test_earlier_texts_only_raise(earlier, text):
    alone, joined = SCREENER.screen(text), SCREENER.screen(text, earlier)

    assert strongest([alone.tier, joined.tier]) == joined.tier
    assert set(alone.kinds) <= set(joined.kinds)
    assert all(0 <= one.start <= one.end <= len(text) for one in joined.evidence)


def test_words_sent_one_by_one_are_heard_together():
    assert SCREENER.screen("می‌زنه", ["شوهرم داره", "منو"]).tier == "T1"
    assert SCREENER.screen("می‌زنه").tier is None


def test_a_verdict_prints_as_the_contract_says():
    text = "شوهرم منو می‌زنه"
    out = to_json(text, SCREENER.screen(text))

    assert list(out) == ["text", "tier", "kinds", "covert", "label", "soft", "evidence"]
    assert list(out["evidence"][0]) == ["start", "end", "pattern", "why"]
    assert json.loads(json.dumps(out, ensure_ascii=False)) == out


def test_the_version_is_the_content(tmp_path):
    shutil.copytree(LEXICON_DIR, tmp_path, dirs_exist_ok=True)
    assert load_lexicon(tmp_path).version == load_lexicon().version

    with (tmp_path / "words.yaml").open("a", encoding="utf-8") as words:
        words.write("NEWCLASS: چیزی نو\n")
    assert load_lexicon(tmp_path).version != load_lexicon().version


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("patterns", "Z.new:\n  tier: T9\n  kinds: suicide\n  why: x\n  when:\n    - HELP\n", "Z.new"),
        ("concepts", "NEW:\n  - NOSUCHCLASS\n", "NOSUCHCLASS"),
        ("words", "ME: من\n", "twice"),
        ("words", "just words\n", "expected"),
    ],
)
def test_a_wrong_lexicon_says_where_it_is_wrong(tmp_path, name, line, says):
    for file in LEXICON_DIR.glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / f"{name}.yaml").open("a", encoding="utf-8") as out:
        out.write(line)

    with pytest.raises(LexiconError, match=says):
        load_lexicon(tmp_path)
