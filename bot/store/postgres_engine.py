"""Connections to PostgreSQL: the writer's and the readers', what they may wait for, and a look from outside."""

import contextlib
from collections.abc import Iterator
from typing import Any

from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import BytesBinaryDumper
from sqlalchemy import Connection, Engine, create_engine, event, pool
from sqlalchemy.exc import DBAPIError

from bot.patience import Patience, PatientConnection
from bot.store.dialect import formatted
from bot.store.trouble import StoreUnwritableError

UNREACHABLE = "PostgreSQL cannot be reached; see PANAH_DATABASE, and that it runs"
#: How a read begins: all it asks is answered as of one moment.
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_READERS = 8


class _AnyBytes(BytesBinaryDumper):
    """Bytes of no declared type: the column says what they are, and null beside them needs no other plan."""

    oid = 0


def make_engine(url: str, *, read_only: bool, schema: str = "", patience: Patience | None = None) -> Engine:
    """Make what opens connections; the writer's is one, kept. Without `patience` a statement may take what it takes."""
    idle_ms = 60_000 if patience is None else 15_000  # sooner than somebody who waits for its locks gives up
    place = f" -c search_path={schema}" if schema else ""
    # what is written is found by key; of a young table the planner knows no size and would read it whole. Where there is
    # no other way, the price of a forbidden one would have PostgreSQL before 18 compile the statement for 300 ms
    by_key = "" if read_only else " -c enable_seqscan=off -c jit=off"

    def open_it() -> PatientConnection:
        connection = PatientConnection.connect(
            url,
            autocommit=True,
            connect_timeout=5,
            application_name="panah-read" if read_only else "panah-write",
            options=f"-c idle_in_transaction_session_timeout={idle_ms} -c lock_timeout=20000{place}{by_key}",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=20_000,
        )
        connection.patience = patience or connection.patience
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        connection.adapters.register_dumper(bytes, _AnyBytes)
        return connection

    engine = create_engine(
        "postgresql+psycopg://",
        creator=open_it,
        poolclass=pool.QueuePool if read_only else pool.StaticPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        **({"pool_size": _READERS, "max_overflow": _READERS} if read_only else {}),
    )

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def _translate(
        _connection: Connection, _cursor: object, sql: str, values: Any, context: Any, _many: bool
    ) -> tuple[str, Any]:
        return (sql if context.compiled is not None or context.dialect is None else formatted(sql)), values

    return engine


@contextlib.contextmanager
def reading_postgres(url: str) -> Iterator[Connection]:
    """Open a database only to look at it, in one snapshot.

    Raises:
        StoreUnwritableError: it does not answer.
    """
    engine = make_engine(url, read_only=True)
    try:
        try:
            connection = engine.connect()
        except DBAPIError as error:
            raise StoreUnwritableError(UNREACHABLE) from error
        with connection:
            connection.exec_driver_sql(SNAPSHOT)
            yield connection
            connection.exec_driver_sql("ROLLBACK")
    finally:
        engine.dispose()
