"""A backup of PostgreSQL, and its way back: the same file that a backup of SQLite is, so each restores into either.

All tables are read in one snapshot beside whoever writes, and the copy is compared with it row by row. A restore fills a
schema of its own, compares it too, and gives it the old one's name in one transaction: nobody ever sees half of it.
"""

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, inspect

from bot.commands.move import compare, copy_in, digest, read_rows
from bot.core.fault import fault
from bot.errors import CommandError
from bot.store import migrate
from bot.store.database import Store
from bot.store.opening import reading
from bot.store.postgres import PostgresStore
from bot.store.schema import metadata

_STAGED = "panah_restoring"
#: So long is waited for the others to be gone.
_QUIET_S = 3.0
_OTHERS = (
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'panah-write' AND pid <> pg_backend_pid())"
)
_NUMBERS = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value > 0"
_KEEP_NUMBER = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?"
_NEW_NUMBER = "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)"


def copy_postgres(url: str, target: Path) -> None:
    """Copy everything that is committed at one moment into a new SQLite database, and compare.

    Raises:
        CommandError: there is no installation in it, or the copy is not what was read.
        StoreUnwritableError: PostgreSQL does not answer.
    """
    with reading(url) as there:
        if migrate.current(there) != migrate.HEAD:
            raise CommandError("there is nothing to back up: no installation of this release in PostgreSQL")
        store = Store(target, threaded=False)
        try:
            migrate.upgrade(store.connection)
            store.write_now(lambda tx: _take_all(there, tx.connection))
        finally:
            store.close()
    fault("X1")


def _take_all(there: Connection, here: Connection) -> None:
    for name in metadata.tables:
        _take(there, here, name)
    _keep_numbers(there, here)


def _take(there: Connection, here: Connection, name: str) -> None:
    """Copy one table; what was read and what was written must be one."""
    table = metadata.tables[name]
    read, summed = 0, 0
    for rows in read_rows(there, table):
        here.execute(table.insert(), [row._asdict() for row in rows])
        read, summed = read + len(rows), (summed + sum(digest(row) for row in rows)) % 2**256
    if compare(here, table) != (read, summed):
        raise CommandError(f"table {name} was not copied as it is; nothing was written")


def _keep_numbers(there: Connection, here: Connection) -> None:
    """Remember how far rows are numbered: the newest may be deleted, and numbers never come round again."""
    for sequence, last in there.exec_driver_sql(_NUMBERS):
        name = sequence.removesuffix("_id_seq")
        here.exec_driver_sql(_KEEP_NUMBER, (last, name))
        here.exec_driver_sql(_NEW_NUMBER, (name, last, name))


def erased_in(url: str) -> list[str]:
    """Give who was erased in the installation that is there."""
    with reading(url) as there:
        if not inspect(there).has_table("contacts"):
            return []
        return list(there.exec_driver_sql("SELECT id FROM contacts WHERE erased_at IS NOT NULL").scalars())


def put_in_postgres(staged: Path, url: str, *, replace: bool) -> str | None:
    """Fill a schema of its own from a backup made ready, and put it in the place of the one in use; name the old one.

    Raises:
        CommandError: somebody serves from it, an installation is there, or we may not.
    """
    store = PostgresStore(url, threaded=False)
    try:
        old = str(store.connection.exec_driver_sql("SELECT current_schema()").scalar())
        _require_quiet(store)
        has_one = migrate.current(store.connection) is not None
        if has_one and not replace:
            raise CommandError("there is an installation in this PostgreSQL; --replace moves it aside")
        store.write_now(lambda tx: _fresh(tx.connection))
        _fill(staged, url)
        _require_quiet(store)
        aside = f"panah_{datetime.now(UTC):%Y%m%dt%H%M%Sz}"
        store.write_now(lambda tx: _swap(tx.connection, old, aside, keep=has_one))
    finally:
        store.close()
    return aside if has_one else None


def _require_quiet(store: Store) -> None:
    """Refuse while somebody may write; who has just stopped is listed by the server a moment longer."""
    until = time.monotonic() + _QUIET_S
    while store.connection.exec_driver_sql(_OTHERS).scalar():
        if time.monotonic() > until:
            raise CommandError("another Panah process is using this PostgreSQL; stop every role first")
        time.sleep(0.1)


def _fresh(connection: Connection) -> None:
    connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {_STAGED} CASCADE")  # of a restore that was killed
    connection.exec_driver_sql(f"CREATE SCHEMA {_STAGED}")


def _fill(staged: Path, url: str) -> None:
    new = PostgresStore(url, threaded=False, schema=_STAGED)
    try:
        migrate.upgrade(new.connection)
        with reading(staged) as backup:
            for table in metadata.sorted_tables:
                copy_in(backup, new, table)
    finally:
        new.close()


def _swap(connection: Connection, old: str, aside: str, *, keep: bool) -> None:
    """Rename both in one transaction; an empty schema is dropped instead, if nothing else lives in it."""
    quoted = connection.dialect.identifier_preparer.quote(old)
    connection.exec_driver_sql(f"ALTER SCHEMA {quoted} RENAME TO {aside}")
    connection.exec_driver_sql(f"ALTER SCHEMA {_STAGED} RENAME TO {quoted}")
    if not keep:
        with contextlib.suppress(Exception), connection.begin_nested():
            connection.exec_driver_sql(f"DROP SCHEMA {aside} RESTRICT")
