"""A transaction on PostgreSQL beside other processes: our SQL texts for its driver, and whom it holds until the commit."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection

from bot.store.dialect import numbered
from bot.store.tx import Tx

_HOLD = (
    "INSERT INTO lanes (contact_id, changes) SELECT one, 1 FROM unnest($1::text[]) AS one ORDER BY one"
    " ON CONFLICT (contact_id) DO UPDATE SET changes = lanes.changes + 1 RETURNING contact_id, changes"
)
_ADDRESS = "address:"  #: among what is held, beside contacts
_HOLD_ADDRESSES = (
    "SELECT pg_advisory_xact_lock(one) FROM (SELECT DISTINCT hashtextextended(name, 7) AS one"
    " FROM unnest($1::text[]) AS name ORDER BY 1) AS ordered"
)


class Raw:
    """The driver's connection, reading our SQL texts; what sqlite3's connection is to SQLite's transactions."""

    __slots__ = ("_connection",)

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> "psycopg.RawCursor[Any]":
        """Run one text."""
        text, names = numbered(sql)
        cursor = psycopg.RawCursor(self._connection)
        cursor.execute(text, _ordered(names, values), binary=True)
        return cursor

    def executemany(self, sql: str, rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> None:
        """Run one text for many rows, without waiting for each."""
        text, names = numbered(sql)
        ordered = [_ordered(names, row) for row in rows]
        if ordered:
            psycopg.RawCursor(self._connection).executemany(text, ordered)


def _ordered(names: tuple[str, ...] | None, values: Sequence[Any] | Mapping[str, Any]) -> Sequence[Any]:
    if names is None or not isinstance(values, Mapping):
        return () if isinstance(values, Mapping) else values
    return [values[name] for name in names]


class PostgresTx(Tx):
    """A transaction beside others."""

    __slots__ = ()

    claiming = " FOR UPDATE SKIP LOCKED"
    is_shared = True
    #: The server keeps a failed transaction open until it is rolled back.
    is_open = True

    def __init__(self, connection: Connection, audit_key: bytes = b"") -> None:
        super().__init__(connection, audit_key)
        self.raw = Raw(self.raw)

    def insert(self, text: str, values: Sequence[Any]) -> None:
        """Run an INSERT; numbers go as text, so that one plan serves whatever is null."""
        self.raw.execute(text, [str(value) if type(value) is int else value for value in values])

    def next_ids(self, table: str, count: int) -> Sequence[int]:
        """Draw numbers from the table's sequence."""
        found = self.raw.execute("SELECT nextval(?::regclass) FROM generate_series(1, ?)", (f"{table}_id_seq", count))
        return sorted(row[0] for row in found)

    def hold(self, contact_ids: Iterable[str]) -> dict[str, int]:
        """Queue for these contacts, always in one order."""
        wanted = sorted({one for one in contact_ids if one not in self.held})
        if not wanted:
            return {}
        fresh = dict(self.raw.execute(_HOLD, (wanted,)).fetchall())
        self.held.update(fresh)
        return fresh

    def hold_addresses(self, names: Iterable[str]) -> None:
        """Queue for addresses of nobody."""
        wanted = [name for name in names if _ADDRESS + name not in self.held]
        if wanted:
            self.raw.execute(_HOLD_ADDRESSES, (wanted,))
            self.held.update((_ADDRESS + name, 0) for name in wanted)

    @contextlib.contextmanager
    def part(self) -> Iterator[None]:
        """Put a savepoint before the part: after a failed statement PostgreSQL does nothing more without one."""
        self.raw.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.raw.execute("ROLLBACK TO part")
            self.held.clear()
            raise
        self.raw.execute("RELEASE part")

    @contextlib.contextmanager
    def overwriting(self) -> Iterator[None]:
        """Leave it to VACUUM: PostgreSQL keeps old rows until then."""
        yield
