"""One open write transaction, as turns and acts see it: the same surface on SQLite and on PostgreSQL.

What the two do differently has a name here. On SQLite, with its one writer, most of these names do nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable


class Tx:
    """An open transaction. Used only on the writer's thread, only until the function that got it returns."""

    __slots__ = ("_after", "_overwriting", "audit_key", "connection", "held", "raw")

    #: Appended to a SELECT whose rows are then taken: who else takes rows now passes over them.
    claiming = ""
    #: True when other processes may write beside this one.
    is_shared = False

    def __init__(self, connection: Connection, audit_key: bytes = b"") -> None:
        self.connection = connection
        self.audit_key = audit_key  #: digests of the audit are made with it; empty: rows without
        self.raw: Any = connection.connection.driver_connection
        self.held: dict[str, int] = {}  #: contacts that are ours until the commit, with the number of their last change
        self._after: list[Callable[[], None]] = []
        self._overwriting = 0

    @property
    def is_open(self) -> bool:
        """False when the database ended the transaction by itself, as SQLite does on a full disk."""
        return bool(self.raw.in_transaction)

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a SQLAlchemy Core statement (staff acts, rare writes)."""
        return self.connection.execute(statement, parameters)

    def many(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run one SQL text for many rows of named parameters (the turn's hot path)."""
        self.raw.executemany(sql, rows)

    def insert(self, text: str, values: Sequence[Any]) -> None:
        """Run an INSERT whose values go to columns as they are."""
        self.raw.execute(text, values)

    def next_ids(self, table: str, count: int) -> Sequence[int]:
        """Give numbers for so many new rows of a table."""
        last: int = self.raw.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
        return range(last + 1, last + 1 + count)

    def hold(self, contact_ids: Iterable[str]) -> dict[str, int]:
        """Keep everybody else off these contacts until the commit; give the change numbers of those newly held.

        One writer needs no lock: nothing is held, nothing is given.
        """
        del contact_ids
        return {}

    def hold_addresses(self, names: Iterable[str]) -> None:
        """Keep everybody else from making a contact of these addresses until the commit."""

    @contextmanager
    def part(self) -> Iterator[None]:
        """Do a part that may fail while the rest goes on."""
        yield

    @contextmanager
    def overwriting(self) -> Iterator[None]:
        """Overwrite in the file what is deleted meanwhile, not only unlink it."""
        self.raw.execute("PRAGMA secure_delete=ON")
        self._overwriting += 1
        try:
            yield
        finally:
            self._overwriting -= 1
            if not self._overwriting:
                with suppress(Exception):  # what broke the part itself is what must be heard
                    self.raw.execute("PRAGMA secure_delete=OFF")

    def after_commit(self, act: Callable[[], None]) -> None:
        """Do something (a wake-up) once this transaction is durable; must not raise."""
        self._after.append(act)

    def take_after(self) -> list[Callable[[], None]]:
        """Give and forget what is to be done after the commit."""
        acts, self._after = self._after, []
        return acts
