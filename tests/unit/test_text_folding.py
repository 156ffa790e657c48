"""Folding, display, numbers and answers: the ways one thing is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.numbers import number_in
from bot.core.text import ascii_digits, close, display, edit_distance, fold, persian_digits, same_answer, squash, words

ZWNJ = "\u200c"
PERSIAN = "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی "


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("می\u200cخواهم", "میخواهم"),
        ("مي\u200cخواهم", "میخواهم"),
        ("كمك", "کمک"),
        ("کمکککککک!!", "کمک"),
        ("خانۀ ما", "خانه ما"),
        ("آقا، مسأله", "اقا مساله"),
        ("سؤال", "سوال"),
        ("۱۲٣4", "1234"),
        ("ﻻ", "لا"),
        ("نـــه", "نه"),
        ("مُرَدّد", "مردد"),
        ("«سلام»…\u00a0خوبید؟", "سلام خوبید"),
        ("کمک😭کنید", "کمک کنید"),
        ("KOMAK’am", "komakam"),
        ("می¬خوام", "میخوام"),
        ("", ""),
        ("\ud800\x00", ""),
    ],
)
def test_folding_gives_one_key(typed, key):

    assert fold(typed) == key


def test_the_seeds_without_half_spaces_fold_like_careful_text():
    # The news texts came without half-spaces, with no-break spaces and mixed Arabic letters.
    careful = "اورژانس اجتماعی کشور از پیشرفته\u200cترین و قوی\u200cترین شبکه\u200cهای مقابله با آسیب\u200cهای اجتماعی"
    as_stored = "اورژانس اجتماعي كشور از پیشرفتهترین و\u00a0قویترین شبکههای مقابله با آسیبهای اجتماعی"

    assert fold(as_stored) == fold(careful)


@given(st.text(max_size=80))
def test_folding_is_idempotent(text):

    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=PERSIAN + ZWNJ, max_size=60))
def test_folding_is_blind_to_half_spaces_and_arabic_letters(text):

    assert fold(text.replace("ی", "ي").replace("ک", "ك").replace(ZWNJ, "")) == fold(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_folding_is_blind_to_the_script_of_digits(number):

    assert fold(persian_digits(number)) == str(number) == ascii_digits(persian_digits(number))


@given(st.text(alphabet="ابتسم", min_size=1, max_size=8), st.integers(min_value=3, max_value=9))
def test_a_letter_held_down_is_one_letter(word, times):
    once = fold("ن" + word + "ه")

    assert fold("ن" + word + "ه" * times) == once


@given(st.text(max_size=60))
def test_words_point_at_their_places_in_the_source(text):
    for word in words(text):
        assert squash(word.text) in squash(text[word.start : word.end])


def test_a_mark_is_told_by_the_word_after_it():

    assert [word.after_break for word in words("سلام. خوبی؟ بله ممنون")] == [False, True, True, False]


def test_a_megabyte_is_folded():

    assert fold("ا" * 1_000_000) == "ا"


def test_display_cleans_gently():

    assert display("  مي\u200cخوام\x00  كمك \r\n بله ") == "می\u200cخوام کمک\nبله"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("سه", 3),
        ("۳ تا", 3),
        ("بیست و دو سال", 22),
        ("دوازده", 12),
        ("نه", None),
        ("نه سالشه", 9),
        ("دو هزار و پانصد", 2500),
        ("سیصد هزار تومن", 300_000),
        ("۵۰۰٬۰۰۰ تومان", 500_000),
        ("گزینه دوم", 2),
        ("هیچی", 0),
        ("سلام", None),
        ("9" * 40, None),
    ],
)
def test_numbers_are_read_in_digits_and_words(text, number):

    assert number_in(text) == number


def test_answers_are_the_same_however_spaced():

    assert same_answer("می خوام", "می\u200cخوام")
    assert not same_answer("بله", "نه")


def test_close_answers_forgive_a_slip_but_never_a_number():

    assert close("خیابون", "خیابن")
    assert close("صلام", "سلام")
    assert not close("بله", "نله")
    assert not close("گزینه 1", "گزینه 2")


def test_edit_distance_counts_a_swap_as_one_slip():

    assert edit_distance("سلام", "سالم") == 1
    assert edit_distance("", "ab") == 2
