"""The queries behind the queue, the feed and a case's page. Reading only; sealed bytes are opened by the caller.

Every query of the queue and the feed carries the desks it may show; None stands for the national desk, which sees all.
"""

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, func, or_, select, true

from bot.store import schema
from bot.store.settled import settled

_cases = schema.cases.c
_events = schema.case_events.c
_messages = schema.messages.c


def _within(desks: Sequence[str] | None, staff_id: str) -> ColumnElement[bool]:
    if desks is None:
        return true()
    return or_(_cases.desk.in_(desks), and_(_cases.holder == staff_id, _cases.state == "claimed"))


def open_cases(connection: Connection, *, desks: Sequence[str] | None, staff_id: str) -> Sequence[RowMapping]:
    """Give the open cases of some desks and those the person holds, these with what was written since staff last wrote."""
    last = (
        select(func.coalesce(func.max(_messages.id), 0))
        .where(_messages.contact_id == _cases.contact_id, _messages.author == "staff")
        .scalar_subquery()
    )
    inner = schema.messages.alias("heard").c
    unread = (
        select(func.count())
        .where(inner.contact_id == _cases.contact_id, inner.author == "contact", inner.id > last)
        .correlate(schema.cases)
        .scalar_subquery()
    )
    mine = and_(_cases.holder == staff_id, _cases.state == "claimed")
    counted = case((mine, unread), else_=0)  # only on her own cases is it shown
    query = select(schema.cases, counted.label("unread")).where(_cases.state != "closed", _within(desks, staff_id))
    return connection.execute(query).mappings().all()


def feed_rows(
    connection: Connection, *, desks: Sequence[str] | None, staff_id: str, last_id: int, most: int
) -> Sequence[RowMapping]:
    """Give the case events after a number, oldest first, with the present row of each case."""
    left = func.json_extract(_events.data, "$.left")
    scope = _within(desks, staff_id)
    query = (
        select(
            _events.id,
            _events.case_id,
            _events.kind,
            _events.actor,
            _events.data,
            _events.at,
            *(_cases[name] for name in ("code", "tier", "desk", "state", "holder", "queued_at", "opened_at")),
        )
        .join(schema.cases, _cases.id == _events.case_id)
        .where(
            _events.id > last_id,
            settled(connection, "case_events"),
            scope if desks is None else or_(scope, left.in_(desks)),
        )
        .order_by(_events.id)
        .limit(most)
    )
    return connection.execute(query).mappings().all()


def urgent_and_held(connection: Connection) -> tuple[Sequence[RowMapping], Sequence[RowMapping]]:
    """Give the immediate cases that wait for anybody, and the claimed ones, of all desks: what an alarm is made from."""
    wanted = [_cases[name] for name in ("id", "tier", "desk", "state", "holder", "queued_at")]
    urgent = select(*wanted).where(_cases.state == "queued", _cases.tier == "T1").order_by(_cases.queued_at, _cases.id)
    held = select(_cases.id, _cases.holder).where(_cases.state == "claimed")
    return connection.execute(urgent).mappings().all(), connection.execute(held).mappings().all()


def newest_event(connection: Connection) -> int:
    """Give the number of the newest case event."""
    query = select(func.coalesce(func.max(_events.id), 0)).where(settled(connection, "case_events"))
    return int(connection.execute(query).scalar_one())


def alert_rows(connection: Connection, *, after: int, kinds: Sequence[str], most: int) -> Sequence[RowMapping]:
    """Give the events that put a case, which is still in the queue, before people."""
    query = (
        select(_events.id, _events.case_id, _events.kind, _events.at, _cases.code, _cases.tier, _cases.desk)
        .join(schema.cases, _cases.id == _events.case_id)
        .where(
            _events.id > after,
            settled(connection, "case_events"),
            _events.kind.in_(kinds),
            _cases.state == "queued",
        )
        .order_by(_events.id)
        .limit(most)
    )
    return connection.execute(query).mappings().all()


def case_row(connection: Connection, case_id: str) -> RowMapping:
    """Give the whole row of a case that was found within scope before."""
    return connection.execute(select(schema.cases).where(_cases.id == case_id)).mappings().one()


def contact_row(connection: Connection, contact_id: str) -> RowMapping | None:
    """Give the row of a contact."""
    query = select(schema.contacts).where(schema.contacts.c.id == contact_id)
    return connection.execute(query).mappings().one_or_none()


def is_erased(connection: Connection, contact_id: str, *, soon: bool = False) -> bool:
    """True when a contact's key is gone; with `soon` also when she has asked for it and it only waits."""
    contact = contact_row(connection, contact_id)
    return contact is not None and (contact["wrapped_key"] is None or (soon and contact["erase_due_at"] is not None))


def history(connection: Connection, case_id: str) -> Sequence[RowMapping]:
    """Give what happened to a case, oldest first."""
    query = select(schema.case_events).where(_events.case_id == case_id).order_by(_events.id)
    return connection.execute(query).mappings().all()


def messages_after(connection: Connection, contact_id: str, *, since: int, most: int) -> Sequence[RowMapping]:
    """Give the newest messages after a number, in order, with what became of the outgoing ones."""
    outbox = schema.outbox.c
    query = (
        select(schema.messages, outbox.state, outbox.receipt)
        .outerjoin(schema.outbox, outbox.key == _messages.outbox_key)
        .where(_messages.contact_id == contact_id, _messages.id > since)
        .order_by(_messages.id.desc())
        .limit(most)
    )
    return list(reversed(connection.execute(query).mappings().all()))


def turns_of(connection: Connection, contact_id: str, *, most: int) -> Sequence[RowMapping]:
    """Give the newest turns of a contact, in order."""
    turns = schema.turns.c
    query = select(turns.sealed_events, turns.at).where(turns.contact_id == contact_id).order_by(turns.id.desc())
    return list(reversed(connection.execute(query.limit(most)).mappings().all()))


def of_contact(connection: Connection, table: str, contact_id: str) -> Sequence[RowMapping]:
    """Give a contact's consents, assessments or referrals, oldest first."""
    found = schema.metadata.tables[table]
    query = select(found).where(found.c.contact_id == contact_id).order_by(found.c.at, found.c.id)
    return connection.execute(query).mappings().all()


def notes_of(connection: Connection, contact_id: str) -> Sequence[RowMapping]:
    """Give the notes of all of a contact's cases, oldest first."""
    notes = schema.case_notes.c
    query = (
        select(schema.case_notes)
        .join(schema.cases, _cases.id == notes.case_id)
        .where(_cases.contact_id == contact_id)
        .order_by(notes.at, notes.id)
    )
    return connection.execute(query).mappings().all()


def earlier_cases(connection: Connection, contact_id: str, *, but: str) -> Sequence[RowMapping]:
    """Give the contact's other cases, newest first."""
    query = select(schema.cases).where(_cases.contact_id == contact_id, _cases.id != but)
    return connection.execute(query.order_by(_cases.opened_at.desc(), _cases.id)).mappings().all()


def staff_names(connection: Connection) -> dict[str, str]:
    """Give the name of each member of staff, also of those who left."""
    rows = connection.execute(select(schema.staff.c.id, schema.staff.c.name))
    return {row.id: row.name for row in rows}


def gap_rows(connection: Connection) -> list[tuple[str, dict[str, int]]]:
    """Give each channel's last long silence of its provider, as bot.handlers.gaps keeps it: from and until."""
    query = select(schema.meta).where(schema.meta.c.key.startswith("gap:", autoescape=True)).order_by(schema.meta.c.key)
    return [(row.key.removeprefix("gap:"), json.loads(row.value)) for row in connection.execute(query)]
