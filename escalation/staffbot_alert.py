"""What passes between the staff bot and its desk: plain, and free of anything about a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

#: What became of a wish to take a case, or of having seen it.
Outcome = Literal["accepted", "seen", "taken", "closed", "not_yours", "not_linked"]


class DeskAwayError(Exception):
    """The process that holds the cases does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAlert:
    """One waiting case and the chats that are to hear of it. Code and tier are all that leaves the house."""

    event_id: int
    case_id: str
    code: str
    tier: str
    chats: tuple[str, ...]
    at: int = 0  #: when it came to wait (ms)
    again: bool = False  #: it came back to the queue: told once more, though the tier was told before


class Desk(Protocol):
    """What the staff bot asks of the process that holds the cases. Each may raise DeskAwayError."""

    async def link(self, code: str, chat_id: str) -> bool:
        """Link a chat to the account whose one-time code this is; False when the code is not good."""
        ...

    async def accept(self, chat_id: str, case_id: str) -> Outcome:
        """Take a case for the account of a chat."""
        ...

    async def see(self, chat_id: str, case_id: str) -> Outcome:
        """Note that the account of a chat has seen a case."""
        ...

    async def see_waiting(self, chat_id: str, until_ms: int) -> Outcome:
        """Note that the account of a chat has seen every urgent case that waited at a moment."""
        ...

    async def alerts(self, after: int | None) -> Sequence[StaffAlert]:
        """Give what waits since an event, oldest first; None goes on where the last process stopped."""
        ...

    async def told(self, event_id: int) -> None:
        """Remember that all up to this event were told."""
        ...


def alert_from_json(plain: Mapping[str, Any]) -> StaffAlert:
    """Read an alert that came over the control socket."""
    return StaffAlert(**{**plain, "chats": tuple(plain["chats"])})
