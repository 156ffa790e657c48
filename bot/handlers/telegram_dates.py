"""When an update was written, by the provider's own dates. Pure.

A message carries its date, a press none: it was pressed no later than the next dated update of its batch was written.
Our clock may be wrong while the provider's is right, so dates are read against the hour the provider names in its
answer; otherwise everything would look late on a machine whose clock runs ahead.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from bot.core.messages import PressInput
from bot.handlers.telegram_decode import Arrival

#: A smaller difference is the way the answer took.
_SAME = timedelta(minutes=1)


def clock_ahead(header: str, now: datetime) -> timedelta:
    """Give how far our clock runs ahead of the provider's, by its Date header; nothing when that cannot be read."""
    try:
        theirs = parsedate_to_datetime(header)
    except ValueError:
        return timedelta()
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    ahead = now - theirs
    return ahead if abs(ahead) > _SAME else timedelta()


def dated(arrivals: Sequence[Arrival], *, ahead: timedelta, more_follow: bool) -> list[Arrival]:
    """Give a batch with dates by our clock, the presses' too.

    `more_follow`: the batch is full, so a press at its end is as old as what came before it.
    """
    dates: list[datetime | None] = [_by_our_clock(one, ahead) for one in arrivals]
    after: datetime | None = None
    if more_follow:
        after = next((date for date in reversed(dates) if date is not None), None)
    for at in reversed(range(len(arrivals))):
        if dates[at] is None and isinstance(arrivals[at].message.input, PressInput):
            dates[at] = after
        after = dates[at] or after
    return [
        replace(one, message=replace(one.message, sent_at=date)) if date != one.message.sent_at else one
        for one, date in zip(arrivals, dates, strict=True)
    ]


def _by_our_clock(arrival: Arrival, ahead: timedelta) -> datetime | None:
    sent_at = arrival.message.sent_at
    return None if sent_at is None else sent_at + ahead
