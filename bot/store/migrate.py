"""Bringing a database to the schema of this release, and refusing one from the future.

Alembic is imported only when there is something to do, so that an ordinary start does not pay for it.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect

#: The newest revision in migrations/versions; a test keeps it true.
HEAD = "0001"
_SCRIPTS = Path(__file__).with_name("migrations")


class FromTheFutureError(Exception):
    """This database was written by a newer Panah; install that release or restore an older backup."""


def current(connection: Connection) -> str | None:
    """Give the database's revision, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def upgrade(connection: Connection) -> None:
    """Bring the database to HEAD in one transaction; does nothing when it is there.

    Raises:
        FromTheFutureError: the database is newer than this code.
    """
    found = current(connection)
    if found == HEAD:
        return
    if found is not None and not list((_SCRIPTS / "versions").glob(f"{found}_*.py")):
        raise FromTheFutureError("this database was written by a newer Panah; install that release")
    from alembic import command  # noqa: PLC0415 - 0.3 s, wanted only here
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    is_shared = connection.dialect.name == "postgresql"
    connection.exec_driver_sql("BEGIN" if is_shared else "BEGIN IMMEDIATE")
    try:
        if is_shared:  # several processes may start at once: one makes the tables, the others find them
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(8451)")
        command.upgrade(config, "head")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
