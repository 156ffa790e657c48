"""The model beside the patterns: it belongs to its corpus, gives the same twice, may only raise, and hears."""

import argparse
import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.model import model as command
from bot.core.screening import Screening
from bot.core.text import words
from bot.triage.combine import Ear, combined
from bot.triage.corpus import ORDINARY, CorpusError, everyday_words, mirror_lines, situations, training_lines
from bot.triage.invented import invented
from bot.triage.lexicon import EVERYDAY_FILE, LEXICON_DIR, load_lexicon
from bot.triage.model import Gates, Hearing, Model, OtherModelError, from_bytes, load_model, to_bytes
from bot.triage.reading import Reader
from bot.triage.training import BUDGETS, train, version_of, with_gates

GATES = Gates(
    glance=-0.6, floor=-0.3, soon=0.2, ask=0.0, high=0.5, now=0.4, high_with_cue=0.1
)  # fmt: skip
SCORES = st.floats(-1, 1)


@pytest.fixture(scope="module")
def corpus():
    return training_lines()


@pytest.fixture(scope="module")
def reader():
    return Reader(load_lexicon())


@pytest.fixture(scope="module")
def mirror(screener):
    return [(line, screener.screen(line.text)) for line in mirror_lines()]


def test_the_weights_and_the_everyday_words_are_those_of_the_corpus(corpus):
    assert load_model().version.split("-")[0] == version_of(corpus)
    assert (LEXICON_DIR / EVERYDAY_FILE).read_text(encoding="utf-8").split() == everyday_words(corpus)


def test_the_same_corpus_gives_the_same_weights_byte_for_byte(corpus):
    some = corpus[::40]
    assert to_bytes(train(some, count=60)) == to_bytes(train(some, count=60))


def test_weights_are_read_as_they_were_written(corpus):
    weights = train(corpus[::60], count=60)
    again = from_bytes(to_bytes(weights))
    assert again == weights
    text = words("شوهرم در را قفل کرده و رفته")
    assert Model(again).hear(text) == Model(weights).hear(text)


def test_no_more_ordinary_texts_pass_the_gates_than_was_allowed(corpus, reader):
    texts = [line.text for line in corpus if line.register == ORDINARY][::12]
    weights = with_gates(train(corpus[::25], count=200), texts, reader)
    ear = Ear(Model(weights), reader)
    nothing = Screening()
    found = [combined(nothing, ear.hear(words(text)), weights.facts.gates) for text in texts]
    assert sum(one.tier == "T1" for one in found) <= BUDGETS["now"] * len(texts)
    assert sum(one.tier in {"T1", "T2"} for one in found) <= BUDGETS["high"] * len(texts)


def test_finglish_is_also_read_as_the_persian_words_it_spells(reader):
    assert [word.text for word in reader.in_persian(words("shoharam ba chaghoo poshte dare"))][:3] == [
        "شوهرم",
        "با",
        "چاقو",
    ]
    assert reader.in_persian(words("شوهرم با چاقو پشت در است")) == []
    assert reader.in_persian(words("the cat is on the mat")) == []


@pytest.mark.parametrize("cry", ["mikham khodamo bokosham", "shoharam dare mano mizane", "chaghoo dastesh posht dare"])
@pytest.mark.parametrize("tail", [" the is", " please help me", " i am here"])
def test_english_beside_a_cry_in_finglish_takes_nothing_from_it(screener, cry, tail):
    assert screener.screen(cry + tail).tier == screener.screen(cry).tier == "T1"


def test_a_flood_of_latin_letters_spells_nothing(reader):
    assert reader.in_persian(words("a b c " * 680)) == []
    assert len(reader.in_persian(words("xab yab zab " * 300))) <= 150


def test_weights_that_were_cut_off_are_refused_at_the_start(corpus):
    packed = to_bytes(train(corpus[::90], count=20))
    for other in (packed[:-1], packed + b"x", b"", b"no line"):
        with pytest.raises(OtherModelError):
            from_bytes(other)


def test_of_two_ways_to_read_finglish_the_graver_one_counts(reader):
    ear, model = Ear(load_model(), reader), load_model()
    for line in mirror_lines():
        if line.register == "finglish":
            found = words(line.text)
            plain, both = model.hear(found), ear.hear(found)
            assert plain is None or (both.high >= plain.high and both.now >= plain.now)


def test_the_corpus_was_written_by_five_hands_or_more_and_none_of_them_is_a_mirror(corpus):
    hands = sorted((LEXICON_DIR.parents[1] / "triage" / "corpus").glob("hand*.tsv"))
    danger = {line.text for file in hands for line in situations(file) if line.tier != "none"}
    harmless = {line.text for file in hands for line in situations(file) if line.tier == "none"}
    assert len(hands) >= 5
    assert len(danger) >= 3_000
    assert len(harmless) >= 1_000
    assert sum(line.is_implicit for line in corpus) >= len(danger) / 3
    assert not (danger | harmless) & {line.text for line in mirror_lines() if len(line.text) > 30}


@given(
    heard=st.builds(
        Screening,
        tier=st.sampled_from([None, "T1", "T2", "T3"]),
        soft=st.booleans(),
        label=st.sampled_from(["danger", "third_party", "history", "info", "none"]),
        kinds=st.just(("mood",)),
    ),
    hearing=st.builds(Hearing, any=SCORES, high=SCORES, now=SCORES, kinds=st.just(("suicide",))),
)
def test_the_model_never_lowers_t1_and_never_lets_pass_what_a_pattern_heard(heard, hearing):
    heard = replace(heard, soft=heard.soft and heard.tier is None)
    tier, soft = heard.tier, heard.soft
    for guess in (hearing, None):
        found = combined(heard, guess, GATES)
        if tier == "T1":
            assert found == heard
        if tier is not None or soft:
            assert found.tier is not None or found.soft
        assert (found.tier or "T9") <= (tier or "T9")


def test_what_the_model_says_names_the_words_that_carried_it(screener):
    found = screener.screen("دیشب باز در رو روم قفل کرد، هنوز صدای قدم‌هاش پشت در میاد و بچه‌ها گریه می‌کنن")
    assert found.tier or found.soft
    assert all(0 <= one.start < one.end for one in found.evidence)
    assert found.kinds


@pytest.mark.parametrize("odd", ["", " ", "\0", "\ud800", "😀", "ا" * 5_000, "0", "12 34", "the cat is on the mat"])
def test_odd_texts_are_nothing_to_the_model(odd):
    heard = load_model().hear(words(odd))
    assert heard is None or heard.high < load_model().gates.high


def test_half_spaces_arabic_letters_digits_and_marks_change_nothing(screener):
    changes = (
        lambda text: text.replace("\u200c", ""),
        lambda text: text.replace("ی", "ي").replace("ک", "ك"),
        lambda text: text.replace("م ", "م\u200f "),
        lambda text: text + "!!! 😭😭",
        lambda text: text.translate({0x6F0 + n: str(n) for n in range(10)}),
    )
    for line in mirror_lines()[::7]:
        first = screener.screen(line.text)
        for change in changes:
            found = screener.screen(change(line.text))
            assert (found.tier or "T9", not found.soft) <= (first.tier or "T9", not first.soft), line.text


def test_the_mirror_hands_are_heard(mirror):
    bands = {
        tier: Counter(_band(found) for line, found in mirror if line.tier == tier) for tier in ("T1", "T2", "none")
    }
    share = {tier: {band: count / found.total() for band, count in found.items()} for tier, found in bands.items()}
    assert 1 - share["T1"]["-"] >= 0.95
    assert 1 - share["T2"]["-"] >= 0.90
    assert share["T1"]["T1"] >= 0.75
    assert share["T1"]["T1"] + share["T1"]["T2"] >= 0.85
    assert share["T2"]["T1"] + share["T2"]["T2"] >= 0.73
    assert share["none"].get("T1", 0) <= 0.12


def _band(found):
    return found.tier if found.tier in {"T1", "T2"} else "ask" if found.soft else found.tier or "-"


def test_the_tables_of_the_documents_come_from_one_command(capsys, tmp_path):
    ordinary = tmp_path / "ordinary.jsonl"
    ordinary.write_text(json.dumps({"text": "غذا سرد بود"}) + "\nهوا خوب است\n", encoding="utf-8")
    assert command(argparse.Namespace(act="measure", ordinary=str(ordinary))) == 0
    printed = capsys.readouterr().out
    assert "| immediate (T1) |" in printed
    assert "| 2 | 0.00 % |" in printed


def test_a_line_without_five_columns_is_named(tmp_path):
    (tmp_path / "hand1.tsv").write_text("# header\nT1\tsuicide\tsms\t1\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"hand1\.tsv:2"):
        training_lines(tmp_path)


def test_what_was_written_before_never_takes_the_gentle_question_away(screener, corpus):
    asked = 0
    for line in corpus[:1_500]:
        words = line.text.split()
        head, tail = " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])
        alone, joined = screener.screen(tail), screener.screen(tail, (head,))
        if alone.soft and joined.tier in {None, "T3"}:
            asked += 1
            assert joined.soft, line.text
    assert asked


def test_invented_texts_are_the_same_each_time_and_of_the_words_of_ordinary_ones_alone():
    texts = ["هوا امروز خیلی خوب بود", "نان را از سر کوچه می‌خرم", "دیر رسیدم سر کار"]

    made = invented(texts, 30)

    assert made == invented(texts, 30)
    assert len(made) == 90
    assert {word for text in made for word in text.split()} <= {word for text in texts for word in text.split()}
    assert all(3 <= len(text.split()) <= 24 for text in made)


def test_the_kind_that_a_danger_is_about_is_mostly_right_where_one_is_named(mirror):
    told = [(line, found) for line, found in mirror if line.tier != "none" and found.about]
    right = sum(line.kind == found.about for line, found in told)

    assert len(told) > 0.5 * sum(line.tier != "none" and found.tier is not None for line, found in mirror)
    assert right / len(told) > 0.8


def test_a_few_words_name_no_kind_that_nobody_told(screener):
    for text in ("داره بالا میاره", "در اتاق قفله", "nemitoonam", "میخوام با یکی حرف بزنم خیلی تنهام"):
        assert screener.screen(text).kinds == ()
    assert screener.screen("بچمو می‌زنه باباش").kinds == ("child_abuse",)
