"""Opening the installation's database, wherever PANAH_DATABASE says it is. PostgreSQL's driver loads only for it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from bot.store import sqlite_file
from bot.store.database import Store


def is_url(database: str | Path) -> bool:
    """True for an address of PostgreSQL, false for SQLite's file."""
    return isinstance(database, str) and database.startswith(("postgresql://", "postgres://"))


def open_store(database: str | Path, *, threaded: bool = True) -> Store:
    """Open the database for writing.

    Raises:
        StoreBusyError, StoreUnwritableError: it is in use, or cannot be used.
    """
    if not is_url(database):
        return Store(Path(database), threaded=threaded)
    from bot.store.postgres import PostgresStore  # noqa: PLC0415 - only where it is configured

    return PostgresStore(str(database), threaded=threaded)


@contextlib.contextmanager
def reading(database: str | Path) -> Iterator[Connection]:
    """Open a database only to look at it, beside whoever writes: one snapshot, no lock.

    Raises:
        StoreUnwritableError: it is none, is damaged, or does not answer.
    """
    if not is_url(database):
        with sqlite_file.reading(Path(database)) as connection:
            yield connection
        return
    from bot.store.postgres_engine import reading_postgres  # noqa: PLC0415 - only where it is configured

    with reading_postgres(str(database)) as connection:
        yield connection
