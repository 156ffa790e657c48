"""When a contact may be written to unasked: what she said of reaching her, read strictly (I17).

The script asks for a way and for hours; a counsellor may write both down in her own words. What is not understood to
the last word is no permission: an unknown way or unknown hours mean never. Weekdays and hours are Asia/Tehran.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.clock import TEHRAN
from bot.core.text import ascii_digits, fold

_DAY_MINUTES = 24 * 60
_ALL_DAYS = frozenset(range(7))

#: «Here» is the channel on which she said it.
_HERE = frozenset(["همینجا", "اینجا", "پیام", "نوشتن", "here"])
_CHANNELS = {"تلگرام": "telegram", "پیامک": "sms", "اسمس": "sms", "sms": "sms", "سایت": "web"}
#: Words round a way or an hour that change nothing.
_IDLE = frozenset(
    [
        "از",
        "با",
        "در",
        "به",
        "بنویسید",
        "بدهید",
        "بفرستید",
        "دادن",
        "فقط",
        "ساعت",
        "ساعتهای",
        "بین",
        "روز",
        "روزها",
        "روزهای",
    ]
)

#: Parts of the day by their names, in minutes since midnight. Narrow on purpose: dusk in Tehran can be at five.
_PARTS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("هر وقت", "همیشه", "هر ساعتی", "هر زمان", "any"), (0, _DAY_MINUTES)),
    **dict.fromkeys(("صبح تا ظهر", "صبح", "صبحها", "morning"), (8 * 60, 12 * 60)),
    **dict.fromkeys(("ظهر تا غروب", "بعدازظهر", "بعدازظهرها", "عصر", "عصرها", "evening"), (12 * 60, 17 * 60)),
    **dict.fromkeys(("شب", "شبها", "night"), (20 * 60, 23 * 60)),
}
#: The week as people say it: it begins on Saturday.
_WEEK = ("شنبه", "یکشنبه", "دوشنبه", "سهشنبه", "چهارشنبه", "پنجشنبه", "جمعه")

_TIME = re.compile(r"(?<!\d)(\d{1,2})(?: ?[:٫] ?(\d{2}))?(?!\d)")
_DASH = re.compile(r" ?(?:[-–—]|الی) ?")
_SPLIT_DAY = re.compile(r"\b(یک|دو|سه|چهار|پنج) شنبه")
_SPLIT_WORDS = (("بعد از ظهر", "بعدازظهر"), ("هر روز", "هرروز"), ("همین جا", "همینجا"))
_RANGE = re.compile(r"t(\d+)(?: (صبح|ظهر|بعدازظهر|عصر|شب))? تا t(\d+)(?: (صبح|ظهر|بعدازظهر|عصر|شب))?")
_AFTERNOON = frozenset({"بعدازظهر", "عصر", "شب"})
#: A bare «۲ تا ۴» may be night or afternoon.
_EARLIEST_BARE = 7 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When she may be written to: on these weekdays (Monday is 0), between these minutes of the day in Tehran."""

    days: frozenset[int]
    from_minute: int
    to_minute: int

    def opens_at(self, now: datetime) -> datetime:
        """Give `now` when it lies inside, else the moment at which the window next opens."""
        local = now.astimezone(TEHRAN)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        for ahead in range(8):
            day = midnight + timedelta(days=ahead)
            if day.weekday() not in self.days or local >= day + timedelta(minutes=self.to_minute):
                continue
            return max(now, (day + timedelta(minutes=self.from_minute)).astimezone(now.tzinfo))
        raise AssertionError("a window has at least one day")


def window_of(safe: Mapping[str, str], channel: str) -> Window | None:
    """Give when she may be written to on a channel; None means never."""
    here = safe.get("channel") or channel
    return hours_of(safe.get("hours", "")) if allows_channel(safe.get("way", ""), channel, here=here) else None


def allows_channel(way: str, channel: str, *, here: str) -> bool:
    """Tell whether the way she named is a text on this channel; `here` is where she named it. A call is no text."""
    named = [word for word in _plain(way).split() if word not in _IDLE]
    return bool(named) and all((here if word in _HERE else _CHANNELS.get(word)) == channel for word in named)


def hours_of(hours: str) -> Window | None:
    """Read hours and weekdays, such as «هر وقت», «شنبه تا چهارشنبه ۹ تا ۱۲»; None for what is not wholly understood."""
    days, rest = _days(_plain(hours).split())
    text = " ".join(word for word in rest if word not in _IDLE)
    span = _PARTS.get(text) or _range(text)
    if span is None or not days:
        return None
    return Window(days=days, from_minute=span[0], to_minute=span[1])


def _plain(text: str) -> str:
    """Fold a text; a time of day becomes one word, `t` and its minutes."""
    timed = _TIME.sub(_minutes, _DASH.sub(" تا ", ascii_digits(text[:200])))
    plain = _SPLIT_DAY.sub(r"\1شنبه", fold(timed))
    for apart, joined in _SPLIT_WORDS:
        plain = plain.replace(apart, joined)
    return plain


def _minutes(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2] or 0)
    return f" t{hour * 60 + minute} " if hour <= 24 and minute < 60 else " t? "


def _days(words: list[str]) -> tuple[frozenset[int], list[str]]:
    """Give the weekdays that are named, all when none is, and the other words; no day at all for a broken range."""
    found: set[int] = set()
    rest: list[str] = []
    at = 0
    while at < len(words):
        day = _day(words[at])
        last = (
            _day(words[at + 2])
            if day is not None and words[at + 1 : at + 2] == ["تا"] and at + 2 < len(words)
            else None
        )
        if last is not None and day is not None:
            if last < day:
                return frozenset(), rest
            found.update(range(day, last + 1))
            at += 3
        elif day is not None:
            found.add(day)
            at += 1
        else:
            if words[at] not in {"هرروز", "و"} or (words[at] == "و" and not found):
                rest.append(words[at])
            at += 1
    return (frozenset((day + 5) % 7 for day in found) if found else _ALL_DAYS), rest


def _day(word: str) -> int | None:
    name = word.removesuffix("ها")
    return _WEEK.index(name) if name in _WEEK else None


def _range(text: str) -> tuple[int, int] | None:
    found = _RANGE.fullmatch(text)
    if found is None:
        return None
    first, last = _on_the_day(int(found[1]), found[2]), _on_the_day(int(found[3]), found[4])
    if found[2] is None and first < _EARLIEST_BARE:
        return None
    return (first, last) if first < last <= _DAY_MINUTES else None


def _on_the_day(minutes: int, part: str | None) -> int:
    return minutes + 12 * 60 if part in _AFTERNOON and minutes < 12 * 60 else minutes
