"""In which order a crowd of arrivals is taken. Pure: it sees arrivals and a clock's moment, never a database.

While everything fits in one batch the order is that of arrival. In a flood: whoever seems in danger first, then who
wrote just now, oldest first, then what is late, newest first; a share of each batch is kept for the late ones, so that
they move too. One person's messages stay in their order (I4) and together.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from bot.core.messages import InboundMsg

#: One in so many of a batch is kept for what is late.
_LATE_SHARE = 4


class Waits(Protocol):
    """The part of an arrival that its order depends on."""

    message: InboundMsg
    contact_id: str
    urgent: bool
    more_waits: bool


def lane(arrival: Waits) -> tuple[str, str]:
    """Name whose message it is: her address, or the contact of a timer or an act."""
    if arrival.contact_id:
        return "", arrival.contact_id
    return arrival.message.channel, arrival.message.external_id


W = TypeVar("W", bound="Waits")


def choose(waiting: Sequence[W], most: int, now: datetime) -> tuple[list[W], list[W]]:
    """Give the arrivals to take now, in order, and those that go on waiting, as they came."""
    lanes: dict[tuple[str, str], list[W]] = {}
    for arrival in waiting:
        lanes.setdefault(lane(arrival), []).append(arrival)
    late = [one for one in lanes.values() if _is_late(one, now)]
    timely = [one for one in lanes.values() if not _is_late(one, now)]
    timely.sort(key=lambda one: not any(arrival.urgent for arrival in one))  # stable: who came first stays first
    late.sort(key=lambda one: one[-1].message.written_at(), reverse=True)
    kept = min(most // _LATE_SHARE, sum(len(one) for one in late))
    first = [arrival for one in timely for arrival in one]
    then = [arrival for one in late for arrival in one]
    taken = first[: most - kept] + then[: max(kept, most - len(first))]
    chosen = {id(arrival) for arrival in taken}
    return taken, [arrival for arrival in waiting if id(arrival) not in chosen]


def mark_followed(arrivals: Sequence[Waits], now: datetime) -> None:
    """Tell each late arrival whether its writer's next message is run right after it."""
    late = [arrival for arrival in arrivals if arrival.message.is_late(now)]
    if not late:
        return
    followed: set[tuple[str, str]] = set()
    for arrival in reversed(arrivals):
        arrival.more_waits = lane(arrival) in followed
        followed.add(lane(arrival))


def _is_late(one: Sequence[Waits], now: datetime) -> bool:
    """True for a person whose newest message is late and who does not seem in danger."""
    return one[-1].message.is_late(now) and not any(arrival.urgent for arrival in one)
