"""What turns know of the world outside the database, and what the engine is told of it in one turn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.commit import EventMappers, Rows
from bot.core.contact import ClosedLately, Facts
from bot.core.ids import IdSource, case_code
from bot.core.messages import InboundMsg, Mode
from bot.engine.model import Bundle
from bot.inbox import Arrival
from bot.known import Known
from bot.store.database import Tx
from bot.turn import Screener

_RECENT_MS = 72 * 3600_000


class Versions(Protocol):
    """Where compiled flows come from."""

    def current(self) -> Bundle:
        """Give the published version: what a new session runs on."""
        ...

    def get(self, version: str) -> Bundle:
        """Give a version by id; sessions stay on the one they began with."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What turns know of the world outside the database, wired by bot.app."""

    ids: IdSource
    screener: Screener
    versions: Versions
    mappers: EventMappers
    modes: Mapping[str, Mode]
    lines: Callable[[], dict[str, str]]
    staff_on: Callable[[Tx, int], bool]
    open_case: Callable[[Tx, Known], Any]
    closed_lately: Callable[[Tx, Known, int], ClosedLately | None]
    index: Callable[[str], str]
    redeem: Callable[[Tx, Known, InboundMsg, Rows, int], Known]

    def facts(self, tx: Tx, known: Known, arrival: Arrival, now: datetime, new_case_id: str) -> Facts:
        """Gather what the engine may know: the hour, the staff, her case, when she wrote, how long she was silent.

        `new_case_id`: of the case that this turn may open.
        """
        message = arrival.message
        now_ms = int(now.timestamp() * 1000)
        begins = _begins(known)
        open_case = self.open_case(tx, known) if begins else None  # a live session knows its own
        return Facts(
            now=now,
            channel=known.channel,
            mode=self.modes.get(known.channel, "rich"),
            language=known.language,
            staff="on" if self.staff_on(tx, now_ms) else "none",
            returning=_returning(known, now_ms),
            first_visit=known.last_visit + 1,
            case_code=open_case.code if open_case else case_code(new_case_id),
            case_open=open_case is not None,
            closed=self.closed_lately(tx, known, now_ms) if begins and open_case is None else None,
            written_at=message.written_at() if message.is_late(now) or _was_left_behind(known, arrival) else None,
            more_waits=arrival.more_waits,
            silent_s=max(now_ms - known.seen_at, 0) // 1000 if known.seen_at else 0,
            moved=known.moved,
            opened_anew=message.opened_anew,
            lines=self.lines(),
        )


def written_ms(facts: Facts) -> int:
    """Give when she wrote what is read now."""
    return int((facts.written_at or facts.now).timestamp() * 1000)


def _was_left_behind(known: Known, arrival: Arrival) -> bool:
    """True when she left or was forced before this had its turn: it is read as what is late, and nothing is shown."""
    return arrival.overtaken and known.session is not None and known.session.status == "locked"


def _begins(known: Known) -> bool:
    """True when her next turn begins a conversation: nothing is live, or what is live came to its end at a hand-back."""
    return known.ended_at is not None or known.session is None or known.session.status == "ended"


def _returning(known: Known, now_ms: int) -> Any:
    if known.ended_at is None:
        return "no"
    return "recent" if now_ms - known.ended_at < _RECENT_MS else "yes"
