"""Dates and times for people in Iran: the Jalali calendar, Tehran time, Persian digits; and reading them back.

Storage is UTC and ISO; Gregorian is never shown to users. The leap rule is persiantools'.
"""

import re
from datetime import date, datetime, timedelta
from typing import Any

from persiantools.jdatetime import JalaliDate

from bot.core.clock import TEHRAN
from bot.core.text import ascii_digits, fold, persian_digits

#: datetime.weekday() order, Monday first.
_WEEKDAYS = ("دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه", "شنبه", "یکشنبه")
MONTHS = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
_DAYS_AGO = {
    "امروز": 0, "امشب": 0, "الان": 0, "دیروز": 1, "دیشب": 1, "پریروز": 2, "پریشب": 2, "پریروزها": 2,
    "فردا": -1, "فرداشب": -1, "پسفردا": -2,
}  # fmt: skip
_NUMERIC = re.compile(r"(?<!\d)(1[34]\d\d|\d\d)[/\-.](\d{1,2})[/\-.](\d{1,2})(?!\d)")
_MONTH_OF = {fold(name): number for number, name in enumerate(MONTHS, 1)}
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


def long_date(moment: datetime) -> str:
    """Write «یکشنبه ۱ آذر ۱۴۰۵» for a moment, as it is in Tehran."""
    day = _tehran_day(moment)
    jalali = _jalali(day)
    return f"{_WEEKDAYS[day.weekday()]} {persian_digits(jalali.day)} {MONTHS[jalali.month - 1]} {persian_digits(jalali.year)}"


def short_date(moment: datetime) -> str:
    """Write «۱۴۰۵/۰۹/۰۱» for a moment, as it is in Tehran."""
    return persian_digits(sortable_date(moment))


def sortable_date(moment: datetime) -> str:
    """Write 1405/09/01 in ASCII, for file names and exports."""
    jalali = _jalali(_tehran_day(moment))
    return f"{jalali.year:04d}/{jalali.month:02d}/{jalali.day:02d}"


def clock_time(moment: datetime) -> str:
    """Write «ساعت ۱۴:۳۰» in Tehran time."""
    return f"ساعت {persian_digits(moment.astimezone(TEHRAN).strftime('%H:%M'))}"


def long_moment(moment: datetime) -> str:
    """Write «یکشنبه ۱ آذر ۱۴۰۵، ساعت ۱۴:۳۰»."""
    return f"{long_date(moment)}، {clock_time(moment)}"


def relative(moment: datetime, now: datetime) -> str:
    """Write how long ago a moment was: «همین حالا», «۳ دقیقه پیش», «دیروز», «۵ روز پیش»; older ones as a date.

    A moment ahead reads «فردا», «پس‌فردا», «۳ ساعت دیگر».
    """
    seconds = (now - moment).total_seconds()
    days = (_tehran_day(now) - _tehran_day(moment)).days
    if days in _NAMED_DAYS and abs(seconds) >= 6 * _HOUR_S:
        return _NAMED_DAYS[days]
    size, ending = abs(seconds), "پیش" if seconds >= 0 else "دیگر"
    if size < _MINUTE_S:
        return "همین حالا"
    if size < _HOUR_S:
        return f"{persian_digits(int(size // _MINUTE_S))} دقیقه {ending}"
    if size < _DAY_S:
        return f"{persian_digits(int(size // _HOUR_S))} ساعت {ending}"
    if size < 30 * _DAY_S:
        return f"{persian_digits(abs(days))} روز {ending}"
    return long_date(moment)


_NAMED_DAYS = {1: "دیروز", 2: "پریروز", -1: "فردا", -2: "پس‌فردا"}


def parse_date(text: str, today: date) -> date | None:
    """Read a Jalali date a person wrote: «۱۴۰۵/۹/۱», «۱ آذر ۱۴۰۵», «۱ آذر», «دیروز», «امروز».

    `today` is the day in Tehran. A two-digit year is of 1300-1399 above 50, else 14xx. Gives a Gregorian date, or
    None for what is no date of the calendar.
    """
    found = _NUMERIC.search(ascii_digits(text[:200]))
    if found:
        year, month, day = map(int, found.groups())
        return _gregorian(_full_year(year), month, day)
    tokens = fold(text[:200]).split()
    for at, token in enumerate(tokens):
        if token in _DAYS_AGO:
            return today - timedelta(days=_DAYS_AGO[token])
        if token in _MONTH_OF and at and tokens[at - 1].isdecimal():
            following = tokens[at + 1] if at + 1 < len(tokens) else ""
            year = _full_year(int(following)) if following.isdecimal() and len(following) in (2, 4) else 0
            return _gregorian(year or _jalali(today).year, _MONTH_OF[token], int(tokens[at - 1][:3]))
    return None


def _full_year(year: int) -> int:
    if year >= 100:
        return year
    return 1300 + year if year > 50 else 1400 + year


def _gregorian(year: int, month: int, day: int) -> date | None:
    try:
        return _jalali(year, month, day).to_gregorian()  # type: ignore[no-any-return]
    except ValueError:
        return None


def tehran_today(now: datetime) -> date:
    """Give the day it is in Tehran."""
    return _tehran_day(now)


def _tehran_day(moment: datetime) -> date:
    return moment.astimezone(TEHRAN).date()


def _jalali(*parts: Any) -> Any:
    """Make a JalaliDate; persiantools' constructor carries no types."""
    return JalaliDate(*parts)  # type: ignore[no-untyped-call]
