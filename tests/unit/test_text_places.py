"""Jalali dates, phone numbers, provinces and Finglish."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core import jalali
from bot.core.finglish import english_places, is_english, latin_cost, latin_skeleton, latin_yes_no, persian_skeleton
from bot.core.phones import mobile_e164
from bot.core.provinces import PROVINCES, find_province

NOW = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def test_a_moment_is_written_in_tehran_time():

    assert jalali.long_moment(NOW) == "یکشنبه ۱ آذر ۱۴۰۵، ساعت ۱۴:۳۰"
    assert jalali.short_date(NOW) == "۱۴۰۵/۰۹/۰۱"
    assert jalali.sortable_date(NOW) == "1405/09/01"


@pytest.mark.parametrize(
    ("ago", "written"),
    [
        (timedelta(seconds=5), "همین حالا"),
        (timedelta(minutes=3), "۳ دقیقه پیش"),
        (timedelta(hours=3), "۳ ساعت پیش"),
        (timedelta(hours=20), "دیروز"),
        (timedelta(days=5), "۵ روز پیش"),
        (timedelta(days=90), "دوشنبه ۲ شهریور ۱۴۰۵"),
        (timedelta(hours=-2), "۲ ساعت دیگر"),
        (timedelta(days=-1), "فردا"),
    ],
)
def test_relative_time_reads_as_people_say_it(ago, written):

    assert jalali.relative(NOW - ago, NOW) == written


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("۱۴۰۵/۹/۱", TODAY),
        ("1 آذر", TODAY),
        ("۱ آذر ۱۴۰۵", TODAY),
        ("دیروز", date(2026, 11, 21)),
        ("امروز", TODAY),
        ("99/1/1", date(2020, 3, 20)),
        ("۱۴۰۵/۱۳/۱", None),
        ("سلام", None),
    ],
)
def test_dates_are_read(text, day):

    assert jalali.parse_date(text, TODAY) == day


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("۰۹۱۲ ۳۴۵ ۶۷۸۹", "+989123456789"),
        ("+98 (912) 345-6789", "+989123456789"),
        ("00989123456789", "+989123456789"),
        ("٩١٢٣٤٥٦٧٨٩", "+989123456789"),
        ("0912345678", None),
        ("02112345678", None),
        ("شماره ندارم", None),
        ("0" * 5000, None),
    ],
)
def test_only_iranian_mobiles_become_e164(typed, phone):

    assert mobile_e164(typed) == phone


def test_provinces_are_31_and_neighbours_are_mutual():

    assert len(PROVINCES) == 31
    for province in PROVINCES.values():
        assert all(province.code in PROVINCES[other].neighbours for other in province.neighbours)


@pytest.mark.parametrize("province", PROVINCES.values(), ids=lambda one: one.code)
def test_a_province_is_found_by_each_of_its_names(province):
    for name in (province.name, province.english, province.cities[0], f"استان {province.name}"):
        assert find_province(name) == province


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("تهرانم", "IR-23"),
        ("از بندر عباس پیام می‌دم", "IR-22"),
        ("خراسان شمالی", "IR-28"),
        ("كرمانشاه", "IR-05"),
        ("mashhad", "IR-09"),
        ("اسفهان", "IR-10"),
        ("فردوس برین", None),
        ("سلام خوبی", None),
    ],
)
def test_places_are_found_in_what_people_write(text, code):
    found = find_province(text)

    assert (found.code if found else None) == code


@pytest.mark.parametrize("latin", ["mikham", "mixam", "mikhaam", "mykham"])
def test_finglish_spellings_of_one_word_share_bones(latin):

    assert latin_skeleton(latin) == persian_skeleton("میخوام")
    assert latin_cost(latin, "میخوام") is not None


def test_finglish_does_not_spell_another_word():

    assert latin_cost("mizane", "میبینه") is None


def test_english_is_told_from_finglish():

    assert is_english(["my", "man", "is", "so", "good", "to", "me"])
    assert not is_english(["shoharam", "mano", "mizane"])


def test_latin_yes_and_no():

    assert [latin_yes_no(word) for word in ("bale", "na", "salam")] == [True, False, None]


def test_three_words_of_finglish_in_a_row_are_no_english_whatever_stands_beside_them():
    assert english_places(["mikham", "khodamo", "bokosham", "please", "help", "me"]) == {3, 4, 5}
    assert english_places(["the", "cat", "is", "on", "the", "mat"]) == {0, 1, 2, 3, 4, 5}
    assert english_places(["shoharam", "dare", "mano", "mizane"]) == frozenset()
    assert english_places(["سلام", "please", "help", "me"]) == {1, 2, 3}
