"""The rows of second factors: sealed secrets, how far each was used, hashes of recovery codes."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from bot.store import schema
from bot.store.database import Tx
from escalation.passwords import hash_token

_factors = schema.staff_factors.c
_recovery = schema.staff_recovery.c


def factor_of(connection: Connection, staff_id: str) -> RowMapping | None:
    """Give an account's second factor, confirmed or not yet."""
    query = select(schema.staff_factors).where(_factors.staff_id == staff_id)
    return connection.execute(query).mappings().one_or_none()


def has_factor(connection: Connection, staff_id: str) -> bool:
    """True when an account's second factor was confirmed."""
    query = select(_factors.staff_id).where(_factors.staff_id == staff_id, _factors.confirmed_at.is_not(None))
    return connection.execute(query).first() is not None


def with_factor(connection: Connection) -> set[str]:
    """Give every account whose second factor was confirmed."""
    return set(connection.execute(select(_factors.staff_id).where(_factors.confirmed_at.is_not(None))).scalars())


def propose(tx: Tx, staff_id: str, *, sealed_secret: bytes, now_ms: int) -> bool:
    """Keep a secret that is not confirmed yet; False when a confirmed one stands."""
    if has_factor(tx.connection, staff_id):
        return False
    tx.execute(delete(schema.staff_factors).where(_factors.staff_id == staff_id))
    row = {"staff_id": staff_id, "sealed_secret": sealed_secret, "last_step": 0, "created_at": now_ms}
    tx.execute(insert(schema.staff_factors).values(**row))
    return True


def confirm(tx: Tx, staff_id: str, now_ms: int) -> None:
    """Note that her authenticator showed the right code."""
    tx.execute(update(schema.staff_factors).where(_factors.staff_id == staff_id).values(confirmed_at=now_ms))


def use_step(tx: Tx, staff_id: str, step: int) -> bool:
    """Use up a step and all before it; False when it was used already."""
    change = update(schema.staff_factors).where(_factors.staff_id == staff_id, _factors.last_step < step)
    return tx.execute(change.values(last_step=step)).rowcount == 1


def put_recovery(tx: Tx, staff_id: str, codes: Sequence[str], now_ms: int) -> None:
    """Keep the hashes of fresh recovery codes; the old ones are good no more."""
    tx.execute(delete(schema.staff_recovery).where(_recovery.staff_id == staff_id))
    rows = [{"code_hash": hash_token(code), "staff_id": staff_id, "created_at": now_ms} for code in codes]
    tx.execute(insert(schema.staff_recovery), rows)


def use_recovery(tx: Tx, staff_id: str, code: str, now_ms: int) -> bool:
    """Use up a recovery code; False when it is not hers or was used."""
    change = update(schema.staff_recovery).where(
        _recovery.code_hash == hash_token(code), _recovery.staff_id == staff_id, _recovery.used_at.is_(None)
    )
    return tx.execute(change.values(used_at=now_ms)).rowcount == 1


def recovery_left(connection: Connection, staff_id: str) -> int:
    """Count the recovery codes that are still good."""
    query = select(func.count()).where(_recovery.staff_id == staff_id, _recovery.used_at.is_(None))
    return int(connection.execute(query).scalar_one())


def drop_factor(tx: Tx, staff_id: str) -> bool:
    """Forget a second factor with its recovery codes; False when there was none."""
    tx.execute(delete(schema.staff_recovery).where(_recovery.staff_id == staff_id))
    return tx.execute(delete(schema.staff_factors).where(_factors.staff_id == staff_id)).rowcount == 1
