"""Case rows in and out of the database: find within scope, save by conditional UPDATE, events, audit.

With repo_read (what a page shows) and repo_staff (accounts, shifts) this is the only place in escalation with SQL.
Acts find a case only through `find_case`, which asks the actor's scope; the machine's own look-ups are the sweeper's.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from sqlalchemy import Connection, RowMapping, and_, func, insert, or_, select, update

from bot.core.promise import due_row
from bot.core.screening import Tier
from bot.due import plan
from bot.store import schema
from bot.store.audit import append
from bot.store.crypto import DataKey, UnreadableError
from bot.store.database import Tx
from bot.store.vault import seal, unseal
from bot.store.walls import keep_in_sight
from escalation.case import Case, NoSuchCaseError, StaleTokenError, State
from escalation.deadlines import plan_of
from escalation.policy import Actor, NotAllowedError, in_scope, may_read_content

_cases = schema.cases
_events = schema.case_events
_DAY_MS = 86_400_000
_ERASE_NOW = "UPDATE due SET due_at = min(due_at, ?) WHERE contact_id = ? AND kind = 'erase' AND state = 'planned'"
#: Columns that acts may change; `kinds`, flags and the summary grow through intake and `merge_into`.
_SAVED = (
    "tier",
    "desk",
    "state",
    "holder",
    "token",
    "lease_until",
    "queued_at",
    "first_claimed_at",
    "next_action_at",
    "closed_at",
    "outcome",
)


def to_case(row: RowMapping) -> Case:
    """Make a Case of a row of `cases`."""
    return Case(
        id=row["id"],
        code=row["code"],
        contact_id=row["contact_id"],
        session_id=row["session_id"],
        tier=cast("Tier", row["tier"]),
        child=bool(row["child"]),
        province=row["province"],
        desk=row["desk"],
        state=cast("State", row["state"]),
        holder=row["holder"],
        token=row["token"],
        lease_until=row["lease_until"],
        opened_at=row["opened_at"],
        queued_at=row["queued_at"],
        first_claimed_at=row["first_claimed_at"],
        next_action_at=row["next_action_at"],
        closed_at=row["closed_at"],
        outcome=row["outcome"],
    )


def find_case(connection: Connection, *, actor: Actor, case_id: str, now_ms: int) -> Case:
    """Give a case within the actor's scope.

    Raises:
        NoSuchCaseError: it does not exist, or another desk has it; the two look the same.
    """
    row = connection.execute(select(_cases).where(_cases.c.id == case_id)).mappings().one_or_none()
    case = None if row is None else to_case(row)
    if case is None or not in_scope(actor, case, now_ms):
        raise NoSuchCaseError
    keep_in_sight(connection, case_id)
    return case


def require_content(connection: Connection, actor: Actor, case: Case) -> None:
    """Let only those pass who may read what was written in a case.

    Raises:
        NotAllowedError: the case is not theirs and they do not oversee its desk.
    """
    if not content_allowed(connection, actor, case):
        raise NotAllowedError


def content_allowed(connection: Connection, actor: Actor, case: Case) -> bool:
    """True when the actor may read what was written in a case that is within scope."""
    held = last_event(connection, case.id, "claimed", "reopened")
    return may_read_content(actor, case, last_holder=held[0] if held else None)


def open_case_of(connection: Connection, contact_id: str) -> Case | None:
    """Give the contact's one open case."""
    query = select(_cases).where(_cases.c.contact_id == contact_id, _cases.c.state != "closed")
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else to_case(row)


def save(tx: Tx, before: Case, after: Case, *, now_ms: int) -> None:
    """Write what an act changed, if the row is still what the act saw.

    Raises:
        StaleTokenError: someone was quicker.
    """
    keep_in_sight(tx.connection, before.id)
    changes = {name: getattr(after, name) for name in _SAVED if getattr(after, name) != getattr(before, name)}
    statement = (
        update(_cases)
        .where(
            _cases.c.id == before.id,
            _cases.c.token == before.token,
            _cases.c.state == before.state,
            _cases.c.tier == before.tier,  # a turn may have raised it meanwhile: that must not be lowered unseen
            _cases.c.desk == before.desk,
            _cases.c.holder.is_(None) if before.holder is None else _cases.c.holder == before.holder,
        )
        .values(**changes, changed_at=now_ms)
    )
    if tx.execute(statement).rowcount != 1:
        raise StaleTokenError
    _plan(tx, before, after, now_ms)


def _plan(tx: Tx, before: Case, after: Case, now_ms: int) -> None:
    """Plan a case's stay in the queue with the change that brings it there; a close lets a waiting erasure go on."""
    if after.state == "closed":
        tx.raw.execute(_ERASE_NOW, (now_ms, after.contact_id))
        soon = now_ms + _DAY_MS  # then bot.retention, which knows the settings, says when
        row = due_row(
            "case_end", after.id, str(after.closed_at), due_at=soon, now_ms=now_ms, contact_id=after.contact_id
        )
        plan(tx, row)
    elif after.state == "queued" and (before.state, before.desk, before.tier) != ("queued", after.desk, after.tier):
        plan(
            tx,
            *plan_of(
                case_id=after.id,
                contact_id=after.contact_id,
                tier=after.tier,
                desk=after.desk,
                token=after.token,
                now_ms=now_ms,
            ),
        )


def clear_do_not_contact(tx: Tx, case_id: str, *, now_ms: int) -> None:
    """Note that a person established how she may be reached safely."""
    tx.execute(update(_cases).where(_cases.c.id == case_id).values(do_not_contact=0, changed_at=now_ms))


def merge_into(tx: Tx, *, old: Case, target: Case, key: DataKey | None, now_ms: int) -> Case:
    """Give an open case everything that a closed one of the same contact knew; risk only rises."""
    rows = tx.execute(select(_cases).where(_cases.c.id.in_([old.id, target.id]))).mappings().all()
    by_id = {row["id"]: row for row in rows}
    first, second = by_id[target.id], by_id[old.id]
    kinds = dict.fromkeys((*json.loads(first["kinds"]), *json.loads(second["kinds"])))
    flags = {name: max(first[name], second[name]) for name in ("child", "covert", "do_not_contact")}
    tier = min(first["tier"], second["tier"])
    changes = {**flags, "tier": tier, "kinds": json.dumps(list(kinds)), "changed_at": now_ms}
    if key is not None:
        changes["sealed_summary"] = seal(key, "cases.summary", _join_summaries(key, first, second))
    tx.execute(update(_cases).where(_cases.c.id == target.id).values(**changes))
    merged = tx.execute(select(_cases).where(_cases.c.id == target.id)).mappings().one()
    return to_case(merged)


def _join_summaries(key: DataKey, *rows: RowMapping) -> dict[str, Any]:
    summaries = []
    for row in rows:
        with suppress(UnreadableError):  # a damaged summary gives nothing to join
            summaries.append(unseal(key, "cases.summary", row["sealed_summary"]) if row["sealed_summary"] else {})
    why = dict.fromkeys(line for summary in summaries for line in summary.get("why", ()))
    notes = dict.fromkeys(summary["note"] for summary in summaries if summary.get("note"))
    return {"why": list(why), "note": "\n".join(notes)}


def add_event(
    tx: Tx, *, case_id: str, kind: str, actor: str, now_ms: int, data: Mapping[str, Any] | None = None
) -> int:
    """Append to the case's history, which is also the console's feed; give its number. `data` never holds content."""
    row = {"case_id": case_id, "kind": kind, "actor": actor, "data": json.dumps(dict(data or {})), "at": now_ms}
    return int(tx.execute(insert(_events).values(**row).returning(_events.c.id)).scalar_one())


def add_audit(tx: Tx, *, actor: str, action: str, target: str, target_id: str, now_ms: int, reason: str = "") -> None:
    """Append to the audit. `reason` is a code, never a free text: what staff write about her is a sealed note."""
    append(tx, actor=actor, action=action, target=target, target_id=target_id, reason=reason, at=now_ms)


def audited_within(
    connection: Connection, *, actor: Actor, action: str, about: tuple[str, str], within: tuple[int, int]
) -> bool:
    """True when this person's act on a target with an id stands in the audit between two moments."""
    audit = schema.audit.c
    query = select(audit.id).where(
        audit.target == about[0],
        audit.target_id == about[1],
        audit.actor == actor.staff_id,
        audit.action == action,
        audit.at.between(*within),
    )
    return connection.execute(query.limit(1)).first() is not None


def last_event(connection: Connection, case_id: str, *kinds: str) -> tuple[str, int] | None:
    """Give who did the newest event of some kinds on a case, and when."""
    query = (
        select(_events.c.actor, _events.c.at)
        .where(_events.c.case_id == case_id, _events.c.kind.in_(kinds))
        .order_by(_events.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.actor, row.at)


def spoke_in_this_claim(connection: Connection, case_id: str) -> bool:
    """True when the holder wrote to her since the case was claimed last."""
    kinds = ("claimed", "reopened", "wrote")
    query = select(_events.c.kind).where(_events.c.case_id == case_id, _events.c.kind.in_(kinds))
    return connection.execute(query.order_by(_events.c.id.desc()).limit(1)).scalar() == "wrote"


def cases_due(connection: Connection, now_ms: int, *, most: int) -> list[Case]:
    """Give the cases that the sweeper must move, the most urgent first: leases that ran out and rests that are over."""
    query = select(_cases).where(
        or_(
            and_(_cases.c.state == "claimed", func.coalesce(_cases.c.lease_until, 0) <= now_ms),
            and_(_cases.c.state == "waiting", func.coalesce(_cases.c.next_action_at, 0) <= now_ms),
        )
    )
    return [
        to_case(row)
        for row in connection.execute(query.order_by(_cases.c.tier, _cases.c.queued_at).limit(most)).mappings()
    ]


def cases_held_by(connection: Connection, staff_id: str) -> list[Case]:
    """Give the cases a person holds."""
    query = select(_cases).where(_cases.c.state == "claimed", _cases.c.holder == staff_id).order_by(_cases.c.id)
    return [to_case(row) for row in connection.execute(query).mappings()]
