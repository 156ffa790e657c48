"""Opening the installation's database, wherever PANAH_DATABASE says it is. PostgreSQL's driver loads only for it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from bot.store import sqlite_file
from bot.store.database import Store
from bot.store.trouble import StoreUnwritableError


def is_url(database: str | Path) -> bool:
    """True for an address of PostgreSQL, false for SQLite's file."""
    return isinstance(database, str) and database.startswith(("postgresql://", "postgres://"))


def open_store(database: str | Path, *, threaded: bool = True) -> Store:
    """Open the database for writing.

    Raises:
        StoreBusyError, StoreUnwritableError: it is in use, or cannot be used.
    """
    if not is_url(database):
        require_not_moved(Path(database))
        return Store(Path(database), threaded=threaded)
    from bot.store.postgres import PostgresStore  # noqa: PLC0415 - only where it is configured

    return PostgresStore(str(database), threaded=threaded)


def moved(database: Path) -> Path:
    """Give the name that `panah move` leaves a database under."""
    return database.with_name(f"{database.name}.moved")


def require_not_moved(database: Path) -> None:
    """Refuse to begin an empty installation where one was that lives in PostgreSQL now.

    Raises:
        StoreUnwritableError: it was moved.
    """
    if moved(database).exists() and not database.exists():
        raise StoreUnwritableError(
            f"{moved(database)} is here: this installation was moved, or is being moved, to PostgreSQL; set PANAH_DATABASE"
            " to its address, or take that file away to begin an empty one"
        )


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
