"""A person we can answer, and the facts about the moment that a turn may read."""

from dataclasses import field
from datetime import datetime
from typing import Literal

from bot.core.clock import TEHRAN
from bot.core.messages import Mode
from bot.core.screening import Tier
from bot.core.values import value


@value(kw_only=True)
class ClosedLately:
    """Her case that a person closed within the last day: at which tier and desk her writing again is told, if at all."""

    tier: Tier | None
    desk: str
    covert: bool = False


@value(kw_only=True)
class Facts:
    """What a turn is told about the world. Everything the pure engine may know beyond the session and the input.

    `first_visit` is one more than the contact's last visit number; `lines` maps a phone line's key («123») to its
    number from today's helplines; `case_code` is the open case's code, or the one a new case would get;
    `wait_minutes` is a measured wait, None while nobody has measured one: a text then says no number. `closed` is
    set when she begins anew soon after a person closed her case. `written_at` is set only for what reached us late; `more_waits` says that she wrote more, which is read right after. `silent_s`: so long she was not heard of before
    this, to the minute. `moved`: this is a code of hers, and she goes on at another address. `opened_anew`: this is the
    first message of a page that shows nothing of before.
    """

    now: datetime
    channel: str
    mode: Mode
    language: str = "fa"
    staff: Literal["on", "none"] = "on"
    returning: Literal["no", "recent", "yes"] = "no"
    first_visit: int = 1
    case_code: str = ""
    case_open: bool = False
    wait_minutes: int | None = None
    closed: ClosedLately | None = None
    written_at: datetime | None = None
    more_waits: bool = False
    silent_s: int = 0
    moved: bool = False
    opened_anew: bool = False
    lines: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def hour(self) -> int:
        """The hour of the day in Tehran, 0-23."""
        return self.now.astimezone(TEHRAN).hour
