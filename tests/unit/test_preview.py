"""What a lock screen shows of a text, and by which of its words it would tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.preview import PREVIEW_CHARS, TELLING, TELLING_NUMBERS, preview, telling, telling_word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("سلام. یادآوری نوبت. برای ادامه، 1 را بفرستید.", None),
        ("هر وقت فرصت داشتید، ادامه می‌دهیم.", None),
        ("سلام، مددکار هستم.", "مددکار"),
        ("سلام، مدد‌کـار هستم.", "مددکار"),
        ("سلام. نوبت شما نزدیک است. منتظرتان ه مددکارتان هستم", "مددکار"),  # the word is cut on the screen
        ("سلام. نوبت شما نزدیک است. منتظرتان هستیم. مددکار", None),
        ("تلفن ۱۲۳ باز است", "123"),
        ("تلفن 1234 باز است", None),
        ("{line.110} باز است", "{line.110}"),
        ("در خطرید؟", "خطر"),
    ],
)
def test_the_first_words_tell_or_do_not(text, word):
    assert word == telling(text)


def test_an_answer_may_name_what_nothing_unasked_may():
    assert telling_word("خطر فوری، 110") is None
    assert "خطر" == telling("خطر فوری، 110")


@given(st.sampled_from(TELLING + TELLING_NUMBERS), st.text(alphabet="سلام نوبت.", max_size=20), st.text(max_size=30))
def test_a_telling_word_in_the_first_characters_is_always_found(word, before, after):
    text = f"{before} {word} {after}"

    assert len(f"{before} {word}") <= PREVIEW_CHARS
    assert telling(text) is not None


@given(st.text(max_size=200))
def test_a_preview_is_the_beginning_and_looking_at_any_text_ends(text):
    assert text.startswith(preview(text))
    telling(text)
