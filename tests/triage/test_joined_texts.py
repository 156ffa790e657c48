"""Texts of the last 90 seconds are read together; what was heard once is not heard again with every next word."""

from functools import cache

import pytest

from bot.triage import Screener, load_lexicon

CRY = "شوهرم داره منو می‌زنه"


@cache
def screener() -> Screener:
    return Screener(load_lexicon())


@pytest.mark.parametrize("answer", ["رفتم", "باشه", "نمی‌توانم", "سلام", "تهران", "ممنون", "۲"])
def test_an_answer_soon_after_a_cry_is_not_a_cry(answer: str) -> None:
    screening = screener().screen(answer, (CRY,))

    assert (None, (), False) == (screening.tier, screening.kinds, screening.soft)


@pytest.mark.parametrize(
    "parts",
    [
        ("شوهرم داره منو", "می‌زنه"),
        ("شوهرم", "داره منو", "می‌زنه"),
        ("همین الان می‌خوام", "خودمو بکشم"),
        ("چاقو گذاشته", "زیر گلوم"),
        ("قرص خوردم", "که بمیرم"),
    ],
)
def test_a_cry_in_pieces_is_heard_at_its_last_piece(parts: tuple[str, ...]) -> None:
    assert "T1" == screener().screen(parts[-1], parts[:-1]).tier


def test_a_second_cry_of_another_kind_is_heard_beside_the_first() -> None:
    screening = screener().screen("قرص خوردم بمیرم", (CRY,))

    assert "T1" == screening.tier
    assert "suicide" in screening.kinds
