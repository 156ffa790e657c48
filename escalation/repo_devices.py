"""The rows of known devices: on which browsers an account was signed in to. It sees hashes only, never a token."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from bot.store import schema
from bot.store.database import Tx

_devices = schema.staff_devices.c
_staff = schema.staff.c
#: So many browsers are known of one account; the one not used for longest is forgotten first.
DEVICES_MOST = 8
#: So much of a device's hash names it to its owner.
DEVICE_NAME_CHARS = 16


def knows(connection: Connection, token_hash: str, username: str, now_ms: int) -> bool:
    """True when the enabled account of a user name was signed in to on this device."""
    query = (
        select(_devices.staff_id)
        .join(schema.staff, _staff.id == _devices.staff_id)
        .where(_devices.token_hash == token_hash, _devices.expires_at > now_ms)
        .where(_staff.username == username, _staff.disabled_at.is_(None))
    )
    return connection.execute(query).first() is not None


def is_anybodys(connection: Connection, token_hash: str, now_ms: int) -> bool:
    """True when any account was signed in to on this device."""
    query = select(_devices.staff_id).where(_devices.token_hash == token_hash, _devices.expires_at > now_ms)
    return connection.execute(query).first() is not None


def remember(tx: Tx, *, token_hash: str, staff_id: str, agent: str, now_ms: int, expires_at: int) -> None:
    """Note that an account was signed in to on a device; what is over and what is too many goes."""
    tx.execute(delete(schema.staff_devices).where(_devices.expires_at <= now_ms))
    hers = (_devices.staff_id == staff_id, _devices.token_hash == token_hash)
    seen = {"agent": agent[:80], "seen_at": now_ms, "expires_at": expires_at}
    if tx.execute(update(schema.staff_devices).where(*hers).values(**seen)).rowcount == 0:
        row = {"token_hash": token_hash, "staff_id": staff_id, "created_at": now_ms, **seen}
        tx.execute(insert(schema.staff_devices).values(**row))
    newest = [row["token_hash"] for row in devices_of(tx.connection, staff_id, now_ms)]
    for old in newest[DEVICES_MOST:]:
        tx.execute(delete(schema.staff_devices).where(_devices.staff_id == staff_id, _devices.token_hash == old))


def devices_of(connection: Connection, staff_id: str, now_ms: int) -> Sequence[RowMapping]:
    """Give the devices that are known of a person, the last used first."""
    query = select(schema.staff_devices).where(_devices.staff_id == staff_id, _devices.expires_at > now_ms)
    return connection.execute(query.order_by(_devices.seen_at.desc(), _devices.token_hash)).mappings().all()


def forget_named(tx: Tx, staff_id: str, name: str) -> bool:
    """Forget one of a person's devices by the beginning of its hash; False when it is none of hers."""
    begins = func.substr(_devices.token_hash, 1, len(name)) == name
    gone = delete(schema.staff_devices).where(_devices.staff_id == staff_id, begins)
    return len(name) == DEVICE_NAME_CHARS and tx.execute(gone).rowcount == 1


def forget_all(tx: Tx, staff_id: str, *, but: str = "") -> int:
    """Forget a person's devices, or all but one, named by its hash; give how many."""
    gone = delete(schema.staff_devices).where(_devices.staff_id == staff_id, _devices.token_hash != but)
    return tx.execute(gone).rowcount
