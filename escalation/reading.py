"""What staff may see: the queue, the feed of changes, the alerts, the counts. No content is opened here.

A case's page with what she wrote is escalation.page, where no audit row means no read. Lists carry codes, places and
times only.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, RowMapping

from bot.core.screening import Tier
from escalation import repo_read
from escalation.policy import Actor, require
from escalation.repo_entrusting import MeantFor, meant_for
from escalation.routing import NATIONAL, near_desks, order, overflows, sees

#: Events that put a case before people who could take it.
ALERT_KINDS = ("opened", "raised", "woken", "lease_lost", "released", "transferred", "due", "overflowed")
_FEED_MAX = 200
_DAY_MS = 86_400_000
_GAP_SHOWN_MS = _DAY_MS // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One open case as a line of the queue. `overflow`: another desk's T1 that nobody took in time."""

    id: str
    code: str
    tier: Tier
    kinds: tuple[str, ...]
    cause: str
    child: bool
    covert: bool
    do_not_contact: bool
    province: str
    desk: str
    state: str
    holder: str | None
    holder_name: str
    mine: bool
    overflow: bool
    channel: str
    language: str
    unread: int
    opened_at: int
    queued_at: int
    lease_until: int | None
    next_action_at: int | None
    unreachable_at: int | None
    first_claimed_at: int | None
    meant_for: MeantFor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One change of one case. `data` holds codes only."""

    id: int
    case_id: str
    code: str
    tier: Tier
    desk: str
    state: str
    kind: str
    actor: str
    data: dict[str, Any]
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Changes after a number. Ask again from `last_id`; `more` when there is more to fetch at once."""

    events: tuple[FeedEvent, ...]
    last_id: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one read found for every listener who had heard up to the same number; not yet anybody's to see."""

    rows: Sequence[RowMapping]
    last_id: int
    more: bool
    urgent: Sequence[RowMapping]
    held: Sequence[RowMapping]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What sounds: `urgent` cases that wait for anybody, and which are `mine`, for a knock when she writes."""

    urgent: tuple[str, ...]
    mine: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What may leave this installation about a case: its code and tier."""

    event_id: int
    case_id: str
    code: str
    tier: Tier
    kind: str
    desk: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A provider could not be heard for long; what was written meanwhile has come late."""

    channel: str
    began_at: int
    ended_at: int


#: What a line of the queue takes over from its row as it is.
_SAME = tuple(name for name in QueueRow.__dataclass_fields__ if name not in {"holder_name", "mine", "overflow"})


def queue(connection: Connection, *, actor: Actor, now_ms: int) -> list[QueueRow]:
    """Give every open case the actor may see, in the order in which they are to be taken (routing.order).

    Raises:
        NotAllowedError: the role works no queue.
    """
    require(actor, "queue", "view")
    names = repo_read.staff_names(connection)
    desks = _desks(actor)
    meant = meant_for(connection, actor=actor, now_ms=now_ms)
    rows = [
        _queue_row({**row, "meant_for": meant.get(row["id"])}, actor, names, now_ms)
        for row in repo_read.open_cases(connection, desks=desks, staff_id=actor.staff_id)
        if _visible(row, actor, now_ms)
    ]
    return sorted(rows, key=lambda one: order(tier=one.tier, child=one.child, queued_at=one.queued_at, case_id=one.id))


def feed_since(connection: Connection, *, actor: Actor, last_id: int, now_ms: int, most: int = _FEED_MAX) -> Feed:
    """Give the changes after `last_id` that the actor may see, in order; a reconnect misses none (I12).

    Raises:
        NotAllowedError: the role works no queue.
    """
    require(actor, "queue", "view")
    newest = repo_read.newest_event(connection)
    rows = repo_read.feed_rows(connection, desks=_desks(actor), staff_id=actor.staff_id, last_id=last_id, most=most)
    more = len(rows) == most
    events = tuple(_feed_event(row) for row in rows if _visible(row, actor, now_ms) or _left_us(row, actor))
    return Feed(events=events, last_id=rows[-1]["id"] if more else max(newest, last_id), more=more)


def look_after(connection: Connection, last_id: int, *, most: int = _FEED_MAX) -> Changes:
    """Read what happened after a number, and what an alarm is made from, once for every listener who heard that far."""
    newest = repo_read.newest_event(connection)
    rows: Sequence[RowMapping] = ()
    if newest > last_id:
        rows = repo_read.feed_rows(connection, desks=None, staff_id="", last_id=last_id, most=most)
    more = len(rows) == most
    urgent, held = repo_read.urgent_and_held(connection)
    return Changes(
        rows=rows, last_id=rows[-1]["id"] if more else max(newest, last_id), more=more, urgent=urgent, held=held
    )


def feed_of(changes: Changes, *, actor: Actor, now_ms: int) -> Feed:
    """Give of what was read for all what this actor may see: the same as `feed_since` for her alone.

    Raises:
        NotAllowedError: the role works no queue.
    """
    require(actor, "queue", "view")
    events = tuple(_feed_event(row) for row in changes.rows if _visible(row, actor, now_ms) or _left_us(row, actor))
    return Feed(events=events, last_id=changes.last_id, more=changes.more)


def alarm_of(changes: Changes, *, actor: Actor, now_ms: int) -> Alarm:
    """Give what sounds for this actor."""
    return Alarm(
        urgent=tuple(row["id"] for row in changes.urgent if _visible(row, actor, now_ms)),
        mine=tuple(row["id"] for row in changes.held if row["holder"] == actor.staff_id),
    )


def newest_event(connection: Connection) -> int:
    """Give the number to begin the feed at, read before the first queue is shown."""
    return repo_read.newest_event(connection)


def alerts(connection: Connection, after_event_id: int, most: int = _FEED_MAX) -> list[Alert]:
    """Give the newly waiting cases after an event, by code and tier only (staff bot, alert loop)."""
    rows = repo_read.alert_rows(connection, after=after_event_id, kinds=ALERT_KINDS, most=most)
    return [
        Alert(
            event_id=row["id"],
            case_id=row["case_id"],
            code=row["code"],
            tier=cast("Tier", row["tier"]),
            kind=row["kind"],
            desk=row["desk"],
            at=row["at"],
        )
        for row in rows
    ]


def gaps(connection: Connection, now_ms: int) -> list[Gap]:
    """Give the long silences of providers that ended within the last twelve hours."""
    return [
        Gap(channel=channel, began_at=found["from"], ended_at=found["until"])
        for channel, found in repo_read.gap_rows(connection)
        if now_ms - found["until"] < _GAP_SHOWN_MS
    ]


def _desks(actor: Actor) -> tuple[str, ...] | None:
    return (*near_desks(actor.province), actor.province) if actor.province else None


def _visible(row: Mapping[str, Any] | RowMapping, actor: Actor, now_ms: int) -> bool:
    if row["holder"] == actor.staff_id and row["state"] == "claimed":
        return True
    late = overflows(tier=row["tier"], state=row["state"], queued_at=row["queued_at"], now_ms=now_ms)
    return sees(province=actor.province, desk=row["desk"], overflow=late)


def _left_us(row: RowMapping, actor: Actor) -> bool:
    """Tell a desk that a case it could see was moved away."""
    return bool(json.loads(row["data"]).get("left") == (actor.province or NATIONAL))


def _queue_row(row: Mapping[str, Any], actor: Actor, names: dict[str, str], now_ms: int) -> QueueRow:
    late = overflows(tier=row["tier"], state=row["state"], queued_at=row["queued_at"], now_ms=now_ms)
    same = {name: row[name] for name in _SAME}
    return QueueRow(
        **{
            **same,
            "kinds": tuple(json.loads(row["kinds"])),
            "child": bool(row["child"]),
            "covert": bool(row["covert"]),
            "do_not_contact": bool(row["do_not_contact"]),
        },
        holder_name=names.get(row["holder"] or "", ""),
        mine=row["state"] == "claimed" and row["holder"] == actor.staff_id,
        overflow=late and bool(actor.province) and row["desk"] != actor.province,
    )


def _feed_event(row: RowMapping) -> FeedEvent:
    same = {name: row[name] for name in FeedEvent.__dataclass_fields__}
    return FeedEvent(**{**same, "data": json.loads(row["data"])})
