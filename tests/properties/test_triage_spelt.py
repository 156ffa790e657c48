"""Words written letter by letter, with digits for letters or in two scripts are heard as the words they are."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.screening import Screening
from bot.core.text import words
from bot.triage import Screener, load_lexicon
from bot.triage.lexfile import read_sections
from bot.triage.lexicon import LEXICON_DIR
from bot.triage.spelt import respellings

LEXICON = load_lexicon()
SCREENER = Screener(LEXICON)
CRIES = [one for phrases in read_sections(LEXICON_DIR / "examples.yaml").values() for one in phrases]
SEPARATORS = (" ", ".", "-", "_", "*", "ـ ", " · ", "…")
ALPHABET = "ا ب پ ت ث ج چ ح خ د ذ ر ز ژ س ش ص ض ط ظ ع غ ف ق ک گ ل م ن و ه ی"


def rank(screening: Screening) -> int:
    if screening.tier:
        return 4 - int(screening.tier[1])
    return int(screening.soft) - 1


def spell(word: str, separator: str) -> str:
    return word if any(char.isdigit() for char in word) else separator.join(word)


def spelt(text: str, separator: str, rnd: random.Random) -> str:
    """Write the words letter by letter, from some word on; words stand wider apart than letters."""
    parts = [word.text for word in words(text)]
    first = rnd.randrange(len(parts))
    return "  ".join([" ".join(parts[:first]), *[spell(part, separator) for part in parts[first:]]]).strip()


def heard(text: str) -> list[str]:
    return [word.text for word in next(respellings(text, words(text), LEXICON.forms), [])]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CRIES), st.sampled_from(SEPARATORS), st.randoms(use_true_random=False))
def test_a_cry_written_letter_by_letter_is_heard_as_it_is(cry: str, separator: str, rnd: random.Random) -> None:
    plain = " ".join(word.text for word in words(cry))
    typed = spelt(cry, separator, rnd)

    assert rank(SCREENER.screen(plain)) <= rank(SCREENER.screen(typed)), typed


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CRIES), st.sampled_from([f" {ALPHABET}", " م ح م د ی", " A B C", " 5تا", " mp3", " الف ب جیم"]))
def test_letters_beside_a_cry_never_lower_it(cry: str, letters: str) -> None:
    assert rank(SCREENER.screen(cry)) <= rank(SCREENER.screen(cry + letters))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ابمنوهی5 0.-kom", max_size=60))
def test_whatever_is_spelt_places_stay_in_the_text_and_in_order(text: str) -> None:
    again = next(respellings(text, words(text), LEXICON.forms), [])

    assert all(0 <= word.start < word.end <= len(text) for word in again)
    assert all(left.end <= right.start for left, right in pairwise(again))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("م ن و  م ی ز ن ه", ["منو", "میزنه"]),
        ("م ن و م ی ز ن ه", ["منو", "میزنه"]),
        ("خ-و-د-ک-ش-ی", ["خودکشی"]),
        ("ک.م.ک", ["کمک"]),
        ("م.ن.و م.ی.ز.ن.ه", ["منو", "میزنه"]),
        ("5ودکشی", ["خودکشی"]),
        ("خ۰دکشی", ["خودکشی"]),
        ("kh0dkoshi", ["khodkoshi"]),
        ("خoدکشی", ["خودکشی"]),
        ("shوهرم", ["شوهرم"]),
        ("k h o d k o s h i", ["khodkoshi"]),
    ],
)
def test_hidden_words_are_found(text: str, expected: list[str]) -> None:
    assert expected == heard(text)


@pytest.mark.parametrize(
    "text",
    [
        "5تا نون",
        "۳ساله",
        "2روزه نخوابیده",
        "5شنبه",
        "mp3 پلیر",
        "آقای م. ح",
        "ساعت 10صبح",
        "wifiخونه",
        "سلام خوبی",
        "۱ ۲ ۳ ۴",
    ],
)
def test_ordinary_writing_is_not_read_a_second_time(text: str) -> None:
    assert heard(text) == []


@pytest.mark.parametrize(
    "text", [ALPHABET, "ا ب پ ت", "A B C D", "م. ح. ر", "گزینه های ا ب ج د", "تست ۱ الف ۲ ب ۳ ج", "پلاک ۱۲ ب ۳۴۵"]
)
def test_alphabets_initials_and_numbers_raise_nothing(text: str) -> None:
    assert rank(SCREENER.screen(text)) == -1


def test_one_long_word_at_the_end_is_heard_whole_and_cut() -> None:
    assert rank(SCREENER.screen("تو ماشین میخوابیم")) <= rank(SCREENER.screen("تو ماشین  م.ی.خ.و.ا.ب.ی.م"))
    assert rank(SCREENER.screen("م ن و م ی ز ن ه")) >= 1


def test_what_was_spelt_out_is_shown_where_it_stands() -> None:
    text = "ببخشید، م ی خ و ا م  خ و د م و  ب ک ش م"
    found = SCREENER.screen(text)

    assert found.tier in {"T1", "T2"}
    assert text[found.evidence[0].start : found.evidence[0].end].startswith("م ی خ")


def test_a_harmless_odd_word_long_before_hides_nothing() -> None:
    between = "امروز با بچه‌ها رفتیم پارک و بستنی خوردیم و برگشتیم خانه " * 9
    read = [
        word.text
        for word in next(
            respellings(f"h3llo {between} 5ودکشی کنم", words(f"h3llo {between} 5ودکشی کنم"), LEXICON.forms)
        )
    ]
    assert "خودکشی" in read
    assert "hello" in read


def test_four_thousand_letters_cost_no_more_than_a_few_are_worth() -> None:
    letters = "ا ب " * 1024
    assert len(next(respellings(letters, words(letters), LEXICON.forms))) <= 128
