"""The rows behind entrusting a case to a colleague: who works now, and which waiting cases are meant for whom.

Part of escalation's SQL beside repo.
"""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot.store import schema
from escalation.case import MEANT_MS
from escalation.policy import Actor
from escalation.repo_read import staff_names
from escalation.repo_staff import SHIFT_FRESH_MS, to_actor

_staff = schema.staff.c
_shifts = schema.shifts.c
_cases = schema.cases.c
_events = schema.case_events.c


@dataclass(frozen=True, slots=True, kw_only=True)
class MeantFor:
    """The colleague whom a waiting case was entrusted to; her name stands beside it until `until` (ms)."""

    name: str
    me: bool  #: it is who asks
    until: int


def actors_on_shift(connection: Connection, now_ms: int) -> list[Actor]:
    """Give who works now, by name."""
    query = (
        select(_staff.id, _staff.name, _staff.roles, _staff.province)
        .join(schema.shifts, _shifts.staff_id == _staff.id)
        .where(_shifts.seen_at > now_ms - SHIFT_FRESH_MS, _staff.disabled_at.is_(None))
        .order_by(_staff.name, _staff.id)
    )
    return [to_actor(row) for row in connection.execute(query).mappings()]


def meant_for(connection: Connection, *, actor: Actor, now_ms: int) -> dict[str, MeantFor]:
    """Give, by case, the colleague whom it was just entrusted to, while nobody has taken it since."""
    query = (
        select(_events.case_id, _events.data, _events.at, _cases.token)
        .join(schema.cases, _cases.id == _events.case_id)
        .where(_cases.state == "queued", _events.kind == "entrusted", _events.at > now_ms - MEANT_MS)
        .order_by(_events.id)
    )
    names = staff_names(connection)
    found = [(row, json.loads(row.data)) for row in connection.execute(query)]
    return {
        row.case_id: MeantFor(name=names.get(data["to"], ""), me=data["to"] == actor.staff_id, until=row.at + MEANT_MS)
        for row, data in found
        if data["token"] == row.token  # a claim since would have made a new one
    }
