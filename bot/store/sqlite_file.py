"""The file of an SQLite database: how it is opened, who alone may write to it, a look at it from outside."""

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, create_engine, event, pool
from sqlalchemy.exc import DatabaseError

from bot.store.trouble import StoreBusyError, StoreUnwritableError

#: What SQLite keeps beside a database's file. A log that stays behind would be played into the next file of that name.
SIDE_FILES = ("-wal", "-shm")


def connect(url_path: str, *, read_only: bool) -> Engine:
    """Give what opens a database with the settings that all of this rests on: WAL, synchronous=FULL, no foreign keys."""

    def open_it() -> sqlite3.Connection:
        uri = f"file:{url_path}?mode=ro" if read_only else f"file:{url_path}"
        return sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10.0, cached_statements=512
        )

    engine = create_engine(
        "sqlite://",
        creator=open_it,
        poolclass=pool.QueuePool if read_only else pool.StaticPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,  # an error's text must not carry the values it was about
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: sqlite3.Connection, _record: object) -> None:
        raw.execute("PRAGMA foreign_keys=OFF")  # erasure and restore move rows; integrity is `panah doctor`'s
        raw.execute("PRAGMA busy_timeout=10000")
        if not read_only:
            raw.execute("PRAGMA page_size=8192")  # a turn's rows are a few KB: fewer, fuller pages a commit
            raw.execute("PRAGMA journal_mode=WAL")
            raw.execute("PRAGMA synchronous=FULL")
            raw.execute("PRAGMA wal_autocheckpoint=300")  # small and often: a large one holds a turn up for 50 ms
            raw.execute("PRAGMA cache_size=-32000")
            raw.execute("PRAGMA temp_store=MEMORY")  # what a savepoint keeps of a page is a few KB, and was a file

    return engine


def lock(path: Path) -> IO[str]:
    """Keep every other writer out while the file it gives is open.

    Raises:
        StoreBusyError, StoreUnwritableError: another process writes, or nobody can.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = open(path.with_suffix(".lock"), "a", encoding="ascii")  # noqa: SIM115, PTH123 - held until close()
    except OSError as error:
        raise StoreUnwritableError(f"cannot write to the data directory {path.parent}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise StoreBusyError("another Panah process is using this data directory; stop it first") from error
    return handle


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Connection]:
    """Open a database only to look at it, beside whoever writes: one snapshot, no lock.

    Raises:
        StoreUnwritableError: it is none, or damaged.
    """
    engine = connect(str(path), read_only=True)
    try:
        try:
            connection = engine.connect()
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
        except DatabaseError as error:
            raise StoreUnwritableError(unusable(path)) from error
        with connection:
            yield connection
            connection.exec_driver_sql("ROLLBACK")
    finally:
        engine.dispose()


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Keep every writer out while the database file itself is put in place.

    Raises:
        StoreBusyError, StoreUnwritableError: somebody writes, or nobody can.
    """
    handle = lock(path)
    try:
        yield
    finally:
        handle.close()


def fold(path: Path) -> None:
    """Bring what a killed process left in the log into the file itself; the caller holds it."""
    with contextlib.closing(sqlite3.connect(path, timeout=10.0, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def set_aside(path: Path, aside: Path) -> None:
    """Give a database another name, and with it all that lies beside it."""
    for suffix in ("", *SIDE_FILES):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.rename(aside.with_name(aside.name + suffix))


def unusable(path: Path | None) -> str:
    """Say what to do with a file that is no database."""
    return f"cannot use the database {path}: it is damaged or none; `panah restore FILE --replace` puts a backup there"
