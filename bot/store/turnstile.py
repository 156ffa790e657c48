"""One process at a time through the start: keys, tables and the first version are made by exactly one, the others wait.

An advisory lock of PostgreSQL on a connection of its own; who is killed inside lets the next one in. SQLite has one
writing process, and its file lock is the same.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bot.store.opening import is_url
from bot.store.trouble import StoreUnwritableError

_NUMBER = 8452


@contextlib.contextmanager
def one_at_a_time(database: str | Path) -> Iterator[None]:
    """Wait for whoever starts on this database, then keep the others waiting.

    Raises:
        StoreUnwritableError: PostgreSQL does not answer.
    """
    if not is_url(database):
        yield
        return
    import psycopg  # noqa: PLC0415 - only where it is configured

    from bot.store.postgres_engine import UNREACHABLE  # noqa: PLC0415

    try:
        waiting = psycopg.connect(
            str(database),
            autocommit=True,
            connect_timeout=5,
            application_name="panah-start",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
    except psycopg.OperationalError as error:
        raise StoreUnwritableError(UNREACHABLE) from error
    with waiting:
        waiting.execute("SELECT pg_advisory_lock(%s)", (_NUMBER,))
        yield
