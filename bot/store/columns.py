"""What every table is built from: the one MetaData and the few column shapes that recur."""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, text

metadata = MetaData()

#: SQLite numbers rows only in an INTEGER primary key; PostgreSQL wants BIGINT there.
Serial = BigInteger().with_variant(Integer, "sqlite")


def at(name: str, *, required: bool = False) -> Column[int]:
    """A moment: milliseconds since 1970 in UTC."""
    return Column(name, BigInteger, nullable=not required)


def only(condition: str) -> dict[str, Any]:
    """Give the condition of an index over a part of its table.

    PostgreSQL's is told to Alembic alone (migrations/env.py): naming it here would load that dialect into every start.
    """
    return {"sqlite_where": text(condition), "info": {"only": condition}}


def count(name: str) -> Column[int]:
    """A number that begins at 0; also a flag, 0 or 1."""
    return Column(name, Integer, nullable=False, server_default=text("0"))
