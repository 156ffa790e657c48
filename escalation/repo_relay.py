"""The rows of the relay: the line to a contact, a counsellor's message, notes, referrals, safe contact.

Part of escalation's SQL beside repo; it stores and gives sealed bytes and knows no plain text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from bot.store import schema
from bot.store.database import Tx
from escalation.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How the contact can be reached now, and what decides whether it is safe. Times in milliseconds."""

    address_id: str
    channel: str
    session_id: str
    heard_at: int | None
    left_at: int | None
    opted_out: bool
    do_not_contact: bool
    safe_contact: bool
    locked: bool = False

    @property
    def has_left(self) -> bool:
        """True when she left in a hurry and has not come back: whoever writes from a locked talk has not said her word."""
        left = self.left_at is not None and (self.heard_at is None or self.left_at >= self.heard_at)
        return left or self.locked


def line_to(connection: Connection, contact_id: str) -> Line | None:
    """Give the line of her newest session; None when there is none or the address stopped working.

    An address from which she has written since it stopped working is tried again.
    """
    heard_at = _heard_at(connection, contact_id)
    row = connection.execute(_newest_line(contact_id, heard_at or 0)).one_or_none()
    if row is None:
        return None
    return Line(
        address_id=row.address_id,
        channel=row.channel,
        session_id=row.session_id,
        heard_at=heard_at,
        left_at=row.left_at,
        opted_out=row.opted_out_at is not None,
        do_not_contact=_do_not_contact(connection, contact_id),
        safe_contact=bool(row.safe),
        locked=bool(row.locked),
    )


def _newest_line(contact_id: str, heard_at: int) -> Select[Any]:
    sessions, addresses, contacts = schema.sessions.c, schema.addresses.c, schema.contacts.c
    return (
        select(
            sessions.id.label("session_id"),
            addresses.id.label("address_id"),
            addresses.channel,
            contacts.left_at,
            contacts.opted_out_at,
            contacts.sealed_safe_contact.is_not(None).label("safe"),
            (sessions.status == "locked").label("locked"),
        )
        .select_from(schema.sessions)
        .join(schema.addresses, addresses.id == sessions.address_id)
        .join(schema.contacts, contacts.id == sessions.contact_id)
        .where(
            sessions.contact_id == contact_id,
            or_(addresses.unreachable_at.is_(None), addresses.unreachable_at < heard_at),
        )
        .order_by(sessions.started_at.desc(), sessions.id)
        .limit(1)
    )


def _heard_at(connection: Connection, contact_id: str) -> int | None:
    messages = schema.messages.c
    query = select(func.max(messages.at)).where(messages.contact_id == contact_id, messages.author == "contact")
    found: int | None = connection.execute(query).scalar_one()
    return found


def _do_not_contact(connection: Connection, contact_id: str) -> bool:
    cases = schema.cases.c
    query = select(cases.do_not_contact).where(cases.contact_id == contact_id, cases.state != "closed")
    return bool(connection.execute(query).scalar_one_or_none())


def message_of(connection: Connection, contact_id: str, outbox_key: str) -> int | None:
    """Give the number of the message that was said under this key, if it was."""
    messages = schema.messages.c
    query = select(messages.id).where(messages.contact_id == contact_id, messages.outbox_key == outbox_key)
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found


def reads_farewell(connection: Connection, contact_id: str, *, since: int) -> bool:
    """True when what the flow says to a close since then has left or still will: it waits, or its words did not fail."""
    inbox, outbox = schema.inbox.c, schema.outbox.c
    query = (
        select(inbox.id, inbox.state)
        .where(inbox.contact_id == contact_id, inbox.channel == "desk", inbox.kind == "closed")
        .where(inbox.received_at >= since)
        .order_by(inbox.id.desc())
        .limit(1)
    )
    act = connection.execute(query).one_or_none()
    if act is None or act.state == "waiting":
        return act is not None
    said = select(outbox.id).where(outbox.contact_id == contact_id, outbox.key.startswith(f"{act.id}."))
    return connection.execute(said.where(outbox.state.not_in(("expired", "failed"))).limit(1)).first() is not None


def add_message(tx: Tx, *, case: Case, session_id: str, staff_id: str, body: bytes, key: str, now_ms: int) -> int:
    """Append a counsellor's message to the transcript; give its number."""
    row = {
        "contact_id": case.contact_id,
        "session_id": session_id,
        "author": "staff",
        "staff_id": staff_id,
        "sealed_body": body,
        "outbox_key": key,
        "at": now_ms,
    }
    return int(tx.execute(insert(schema.messages).values(**row).returning(schema.messages.c.id)).scalar_one())


def add_note(tx: Tx, *, note_id: str, case_id: str, staff_id: str, body: bytes, now_ms: int) -> None:
    """Append a sealed note."""
    row = {"id": note_id, "case_id": case_id, "staff_id": staff_id, "sealed_body": body, "at": now_ms}
    tx.execute(insert(schema.case_notes).values(**row))


def add_referral(tx: Tx, *, referral_id: str, case: Case, to_type: str, near: str, now_ms: int) -> None:
    """Append a referral made by staff."""
    row = {"id": referral_id, "contact_id": case.contact_id, "session_id": case.session_id, "to_type": to_type}
    tx.execute(insert(schema.referrals).values(**row, near=near, state="made", at=now_ms))


def set_safe_contact(tx: Tx, contact_id: str, sealed: bytes) -> None:
    """Keep how she may be reached safely."""
    contacts = schema.contacts
    tx.execute(update(contacts).where(contacts.c.id == contact_id).values(sealed_safe_contact=sealed))


def add_assessment(tx: Tx, *, case: Case, row: Mapping[str, str], sealed: bytes, now_ms: int) -> None:
    """Append what a person's questionnaire came to; `row` holds id, name and version."""
    whose = {"contact_id": case.contact_id, "session_id": case.session_id}
    tx.execute(insert(schema.assessments).values(**row, **whose, sealed_result=sealed, at=now_ms))
