"""The table of word forms answers as a dict would."""

from collections import deque

import pytest

from bot.triage.forms import Forms
from bot.triage.lexfile import LexiconError


def test_a_form_has_the_tags_of_all_that_make_it():
    forms = Forms()
    forms.add("رفتم", 0b01)
    forms.add("رفتم", 0b10)
    forms.add("کتاب", 0)

    assert 0b11 == forms.get("رفتم") == forms["رفتم"]
    assert 0 == forms.get("کتاب")
    assert "کتاب" in forms
    assert "کتابی" not in forms
    assert forms.get("کتابی") is None
    with pytest.raises(KeyError):
        forms["کتابی"]


def test_a_form_becomes_common_once_and_stays_so():
    forms = Forms()

    assert not forms.add("شوهرم", 1)
    assert [] == forms.common_among(["شوهرم"])
    assert forms.add("شوهرم", 2, common=True)
    assert not forms.add("شوهرم", 4, common=True)
    assert ["شوهرم"] == forms.common_among(["شوهر", "شوهرم"])
    assert 7 == forms["شوهرم"]


def test_nothing_is_lost_until_the_table_is_full_and_then_it_says_so():
    forms = Forms()
    count = 150_000
    for number in range(count):
        forms.add(str(number), number % 300, common=number % 3 == 0)

    assert count == len(forms)
    assert all(forms[str(number)] == number % 300 for number in range(count))
    assert [str(number) for number in range(0, count, 3)] == forms.common_among(map(str, range(count + 5)))
    assert not any(str(number) in forms for number in range(count, 500_000))
    with pytest.raises(LexiconError):
        deque(forms.add(str(number), 0) for number in range(count, 200_000))
    assert str(count) in forms
