"""A sentence leads to the line of the script that says it."""

import pytest

from bot.web.studio_finding import find

SOURCES = {
    "a.yaml": "flow: a\nsteps:\n- say: hello\n  text: خوب کردید که نوشتید؛ تنها نیستید.\n",
    "b.yaml": "flow: b\nsteps:\n- say: bye\n  text: «@name» عزیز، هر وقت خواستید دوباره بنویسید.\n- say: b\n  text: هر وقت خواستید بروید.\n",
}


def places(sought):
    return [(place.name, place.line) for place in find(SOURCES, sought)]


@pytest.mark.parametrize(
    "sought",
    ["خوب کردید که نوشتید", "خوب كرديد كه نوشتيد", "تنها نیستید", "تنهانیستید", "خوب  کردید که نوشتید؛ تنها نیستید."],
)
def test_a_sentence_is_found_however_it_was_typed(sought):
    assert [("a.yaml", 4)] == places(sought)


def test_a_sentence_with_a_name_in_it_is_found_by_its_other_words():
    assert [("b.yaml", 4)] == places("مریم عزیز، هر وقت خواستید دوباره بنویسید.")


def test_who_finds_the_whole_sentence_is_not_shown_half_of_it():
    assert [("b.yaml", 6)] == places("هر وقت خواستید بروید")


def test_what_a_line_says_is_shown_without_its_key():
    assert ["هر وقت خواستید بروید."] == [place.text for place in find(SOURCES, "هر وقت خواستید بروید")]


@pytest.mark.parametrize("sought", ["", "   ", "هر", "سگ و گربه و اسب", "گربه"])
def test_what_is_nowhere_or_too_short_finds_nothing(sought):
    assert [] == places(sought)
