"""The rows of staff: accounts, sign-ins, one-time codes, shifts. It sees hashes only, never a password or a token."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from bot.store import schema
from bot.store.database import Tx
from escalation.policy import Actor

_staff = schema.staff.c
_sessions = schema.staff_sessions.c
_codes = schema.staff_codes.c
_shifts = schema.shifts.c
_SHIFT = (
    "INSERT INTO shifts (staff_id, started_at, seen_at) VALUES (?, ?, ?)"
    " ON CONFLICT (staff_id) DO UPDATE SET seen_at = excluded.seen_at"
)
#: A shift whose console has not been heard of for this long does not count.
SHIFT_FRESH_MS = 90_000
#: So much of a sign-in's hash names it to its owner.
SESSION_NAME_CHARS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRow:
    """One account as the staff page shows it."""

    id: str
    username: str
    name: str
    roles: tuple[str, ...]
    province: str
    has_password: bool
    has_staffbot: bool
    created_at: int
    disabled_at: int | None


def to_actor(row: RowMapping) -> Actor:
    """Make the Actor of a row of `staff`."""
    return Actor(
        staff_id=row["id"], name=row["name"], roles=frozenset(json.loads(row["roles"])), province=row["province"]
    )


def list_staff(connection: Connection) -> list[StaffRow]:
    """Give every account, by user name."""
    rows = connection.execute(select(schema.staff).order_by(_staff.username)).mappings()
    return [
        StaffRow(
            id=row["id"],
            username=row["username"],
            name=row["name"],
            roles=tuple(json.loads(row["roles"])),
            province=row["province"],
            has_password=bool(row["password_hash"]),
            has_staffbot=row["staffbot_chat"] is not None,
            created_at=row["created_at"],
            disabled_at=row["disabled_at"],
        )
        for row in rows
    ]


def by_username(connection: Connection, username: str) -> RowMapping | None:
    """Give the enabled account of a user name."""
    query = select(schema.staff).where(_staff.username == username, _staff.disabled_at.is_(None))
    return connection.execute(query).mappings().one_or_none()


def by_id(connection: Connection, staff_id: str) -> RowMapping | None:
    """Give the enabled account of an id."""
    query = select(schema.staff).where(_staff.id == staff_id, _staff.disabled_at.is_(None))
    return connection.execute(query).mappings().one_or_none()


def username_taken(connection: Connection, username: str) -> bool:
    """True when an account, also a disabled one, has this user name."""
    return connection.execute(select(_staff.id).where(_staff.username == username)).first() is not None


def has_admin(connection: Connection) -> bool:
    """True when somebody with a password can manage accounts."""
    query = select(_staff.roles).where(_staff.disabled_at.is_(None), _staff.password_hash != "")
    return any("admin" in json.loads(roles) for roles in connection.execute(query).scalars())


def add_staff(
    tx: Tx,
    *,
    staff_id: str,
    username: str,
    name: str,
    roles: Sequence[str],
    province: str,
    password_hash: str,
    now_ms: int,
) -> None:
    """Add an account."""
    row = {"id": staff_id, "username": username, "name": name, "roles": json.dumps(sorted(roles))}
    tx.execute(insert(schema.staff).values(**row, province=province, password_hash=password_hash, created_at=now_ms))


def change_staff(tx: Tx, staff_id: str, **columns: str | int | None) -> bool:
    """Change columns of an account; False when there is none."""
    return tx.execute(update(schema.staff).where(_staff.id == staff_id).values(**columns)).rowcount == 1


def reopen(tx: Tx, staff_id: str) -> bool:
    """Let a disabled account count again; it has no password. False when there is none, or it is not disabled."""
    query = update(schema.staff).where(_staff.id == staff_id, _staff.disabled_at.is_not(None))
    return tx.execute(query.values(disabled_at=None)).rowcount == 1


def change_profile(tx: Tx, staff_id: str, *, name: str, roles: Sequence[str], province: str) -> bool:
    """Change who a person is to us; False when there is no such account."""
    return change_staff(tx, staff_id, name=name.strip(), roles=json.dumps(sorted(roles)), province=province)


def add_session(tx: Tx, row: Mapping[str, str | int]) -> None:
    """Open a sign-in and drop those that are over; `row` holds the columns of `staff_sessions` but `seen_at`."""
    tx.execute(delete(schema.staff_sessions).where(_sessions.expires_at <= row["created_at"]))
    tx.execute(insert(schema.staff_sessions).values(**row, seen_at=row["created_at"]))


def session_of(connection: Connection, token_hash: str) -> RowMapping | None:
    """Give a sign-in with its enabled account."""
    query = (
        select(
            schema.staff,
            _sessions.csrf,
            _sessions.stage,
            _sessions.agent,
            _sessions.seen_at,
            _sessions.expires_at,
            schema.staff_factors.c.confirmed_at,
        )
        .join(schema.staff_sessions, _sessions.staff_id == _staff.id)
        .join(schema.staff_factors, schema.staff_factors.c.staff_id == _staff.id, isouter=True)
        .where(_sessions.token_hash == token_hash, _staff.disabled_at.is_(None))
    )
    return connection.execute(query).mappings().one_or_none()


def seen_at(connection: Connection, token_hash: str) -> int:
    """Give when a sign-in was last used, 0 when it is gone."""
    query = select(_sessions.seen_at).where(_sessions.token_hash == token_hash)
    return connection.execute(query).scalar_one_or_none() or 0


def touch_session(tx: Tx, token_hash: str, now_ms: int) -> None:
    """Note that a sign-in was used."""
    tx.execute(update(schema.staff_sessions).where(_sessions.token_hash == token_hash).values(seen_at=now_ms))


def lock_session(tx: Tx, token_hash: str) -> bool:
    """Let a sign-in rest until its owner gives the password; False when it is no full one."""
    change = update(schema.staff_sessions).where(_sessions.token_hash == token_hash, _sessions.stage == "full")
    return tx.execute(change.values(stage="locked")).rowcount == 1


def sessions_of(connection: Connection, staff_id: str, now_ms: int) -> Sequence[RowMapping]:
    """Give a person's sign-ins that are not over, the last used first."""
    query = select(schema.staff_sessions).where(_sessions.staff_id == staff_id, _sessions.expires_at > now_ms)
    return connection.execute(query.order_by(_sessions.seen_at.desc())).mappings().all()


def end_session(tx: Tx, token_hash: str) -> None:
    """Forget a sign-in."""
    tx.execute(delete(schema.staff_sessions).where(_sessions.token_hash == token_hash))


def end_other_sessions(tx: Tx, staff_id: str, kept_hash: str) -> int:
    """Forget a person's sign-ins but one; give how many."""
    gone = delete(schema.staff_sessions).where(_sessions.staff_id == staff_id, _sessions.token_hash != kept_hash)
    return tx.execute(gone).rowcount


def end_named_session(tx: Tx, staff_id: str, name: str) -> bool:
    """Forget one of a person's sign-ins by the beginning of its hash; False when it is none of hers."""
    begins = func.substr(_sessions.token_hash, 1, len(name)) == name
    gone = delete(schema.staff_sessions).where(_sessions.staff_id == staff_id, begins)
    return len(name) == SESSION_NAME_CHARS and tx.execute(gone).rowcount == 1


def end_sessions_of(tx: Tx, staff_id: str) -> int:
    """Forget all of a person's sign-ins; give how many."""
    return tx.execute(delete(schema.staff_sessions).where(_sessions.staff_id == staff_id)).rowcount


def add_code(tx: Tx, *, code_hash: str, purpose: str, staff_id: str | None, now_ms: int, expires_at: int) -> None:
    """Keep a one-time code; older unused ones for the same purpose and person end."""
    tx.execute(
        delete(schema.staff_codes).where(_codes.purpose == purpose, _codes.staff_id.is_not_distinct_from(staff_id))
    )
    tx.execute(delete(schema.staff_codes).where(_codes.expires_at <= now_ms))
    row = {"code_hash": code_hash, "purpose": purpose, "staff_id": staff_id, "expires_at": expires_at}
    tx.execute(insert(schema.staff_codes).values(**row))


def find_code(connection: Connection, *, code_hash: str, purpose: str, now_ms: int) -> tuple[bool, str | None]:
    """Look at a code without using it up: (it is good, whose it is)."""
    query = select(_codes.staff_id).where(
        _codes.code_hash == code_hash,
        _codes.purpose == purpose,
        _codes.used_at.is_(None),
        _codes.expires_at > now_ms,
    )
    row = connection.execute(query).one_or_none()
    return (False, None) if row is None else (True, row.staff_id)


def use_code(tx: Tx, *, code_hash: str, purpose: str, now_ms: int) -> tuple[bool, str | None]:
    """Use up a code: (it was good, whose it is). A code is good once."""
    statement = (
        update(schema.staff_codes)
        .where(
            _codes.code_hash == code_hash,
            _codes.purpose == purpose,
            _codes.used_at.is_(None),
            _codes.expires_at > now_ms,
        )
        .values(used_at=now_ms)
        .returning(_codes.staff_id)
    )
    row = tx.execute(statement).one_or_none()
    return (False, None) if row is None else (True, row.staff_id)


def end_codes_of(tx: Tx, staff_id: str) -> None:
    """Forget a person's unused codes."""
    tx.execute(delete(schema.staff_codes).where(_codes.staff_id == staff_id))


def by_chat(connection: Connection, chat_id: str) -> RowMapping | None:
    """Give the enabled account linked to a chat of the staff bot."""
    query = select(schema.staff).where(_staff.staffbot_chat == chat_id, _staff.disabled_at.is_(None))
    return connection.execute(query).mappings().one_or_none()


def link_chat(tx: Tx, *, staff_id: str, chat_id: str | None) -> None:
    """Link a chat to one account and to no other; None unlinks."""
    if chat_id is not None:
        tx.execute(update(schema.staff).where(_staff.staffbot_chat == chat_id).values(staffbot_chat=None))
    tx.execute(update(schema.staff).where(_staff.id == staff_id).values(staffbot_chat=chat_id))


def linked_chats(connection: Connection) -> list[tuple[str, Actor]]:
    """Give every linked chat with its enabled account."""
    query = select(schema.staff).where(_staff.staffbot_chat.is_not(None), _staff.disabled_at.is_(None))
    rows = connection.execute(query.order_by(_staff.id)).mappings()
    return [(row["staffbot_chat"], to_actor(row)) for row in rows]


def begin_shift(tx: Tx, staff_id: str, now_ms: int) -> None:
    """Note that a person works; a shift that runs goes on, one that fell silent begins anew."""
    tx.execute(delete(schema.shifts).where(_shifts.staff_id == staff_id, _shifts.seen_at <= now_ms - SHIFT_FRESH_MS))
    tx.raw.execute(_SHIFT, (staff_id, now_ms, now_ms))


def touch_shift(tx: Tx, staff_id: str, now_ms: int) -> bool:
    """Note that a shift's console is open; False when there is no shift."""
    return tx.execute(update(schema.shifts).where(_shifts.staff_id == staff_id).values(seen_at=now_ms)).rowcount == 1


def end_shift(tx: Tx, staff_id: str) -> bool:
    """End a shift; False when there was none."""
    return tx.execute(delete(schema.shifts).where(_shifts.staff_id == staff_id)).rowcount == 1


def shift_of(connection: Connection, staff_id: str, now_ms: int) -> int | None:
    """Give since when a person works; None when their shift ended or fell silent."""
    query = select(_shifts.started_at).where(_shifts.staff_id == staff_id, _shifts.seen_at > now_ms - SHIFT_FRESH_MS)
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found


def staff_on_shift_names(connection: Connection, now_ms: int) -> list[str]:
    """Give who works now, by name."""
    query = (
        select(_staff.name)
        .join(schema.shifts, _shifts.staff_id == _staff.id)
        .where(_shifts.seen_at > now_ms - SHIFT_FRESH_MS, _staff.disabled_at.is_(None))
        .order_by(_staff.name)
    )
    return list(connection.execute(query).scalars())


def count_on_shift(connection: Connection, now_ms: int) -> int:
    """Count who works now."""
    query = (
        select(func.count())
        .select_from(schema.shifts)
        .join(schema.staff, _staff.id == _shifts.staff_id)
        .where(_shifts.seen_at > now_ms - SHIFT_FRESH_MS, _staff.disabled_at.is_(None))
    )
    return int(connection.execute(query).scalar_one())
