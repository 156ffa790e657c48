"""PostgreSQL: the same writer thread and group commit as on SQLite, beside any number of other processes.

psycopg, synchronous, on the writer's own thread: turns read and write inside the batch's transaction. A group that met
a deadlock or lost its connection is rolled back and run again; a COMMIT whose answer was lost is asked after by its
transaction's number, so nothing is done twice and nothing is given up that was kept. While the server is away each group
is refused; the first one after it is back opens a new connection. A connection that says nothing for long is lost too,
and what a lost one had begun is ended at the server, or its locks would keep everybody waiting.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import psycopg
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import BytesBinaryDumper
from sqlalchemy import Connection, Engine, create_engine, event, pool
from sqlalchemy.exc import DBAPIError

from bot.core.fault import fault
from bot.patience import Patience, PatientConnection
from bot.store.database import GROUP_MAX, Job, Store, StoreUnwritableError, run_one
from bot.store.dialect import formatted, numbered
from bot.store.trouble import UnansweredError, is_again, is_gone
from bot.store.tx import Tx

__all__ = ["GROUP_MAX", "PostgresStore"]

T = TypeVar("T")

#: How often a group is run again after a deadlock, a serialisation failure or a lost connection.
_TRIES = 5
#: For how long a connection that was lost is looked for before the group is refused; whoever brought it tries again.
_RECONNECT_S = 8.0
#: A statement that is not answered for so long is on a connection that nobody serves any more. Longer than any lock is
#: waited for (lock_timeout); nothing in a group and no page of staff takes a tenth of it.
_WRITE_S = 25.0
_READ_S = 20.0
_READERS = 8
UNREACHABLE = "PostgreSQL cannot be reached; see PANAH_DATABASE, and that it runs"
_FATE = "SELECT pg_xact_status(CAST(CAST(? AS text) AS xid8))"
#: What the server says of a transaction's number that it has not given yet: it took over without that transaction.
_NEVER_GIVEN = "22023"
#: A change of nothing: its own COMMIT waits for the standbys, and what was written before it has reached them then.
_HAVE_ALL = "SELECT pg_logical_emit_message(true, CAST('panah' AS text), CAST('' AS text))"
#: The process at the server of a connection that was lost; a number alone may be another's by now.
_WHO = "SELECT pid, CAST(backend_start AS text) FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = CAST(? AS integer) AND backend_start = CAST(CAST(? AS text) AS timestamptz)"
)
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_HOLD = (
    "INSERT INTO lanes (contact_id, changes) SELECT one, 1 FROM unnest($1::text[]) AS one ORDER BY one"
    " ON CONFLICT (contact_id) DO UPDATE SET changes = lanes.changes + 1 RETURNING contact_id, changes"
)
_ADDRESS = "address:"  #: among what is held, beside contacts
_HOLD_ADDRESSES = (
    "SELECT pg_advisory_xact_lock(one) FROM (SELECT DISTINCT hashtextextended(name, 7) AS one"
    " FROM unnest($1::text[]) AS name ORDER BY 1) AS ordered"
)


class _AnyBytes(BytesBinaryDumper):
    """Bytes of no declared type: the column says what they are, and null beside them needs no other plan."""

    oid = 0


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


def _engine(url: str, *, read_only: bool, schema: str = "", patience: Patience | None = None) -> Engine:
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


class PostgresStore(Store):
    """The database of an installation on PostgreSQL. `schema`: the tables are in that one, not where they usually are."""

    is_shared = True
    transaction = PostgresTx

    def __init__(
        self,
        url: str,
        *,
        threaded: bool = True,
        schema: str = "",
        reconnect_s: float = _RECONNECT_S,
        patience_s: float = _WRITE_S,
    ) -> None:
        self._url = url
        self._reconnect_s = reconnect_s
        self._lock_file = None
        self._write_s = patience_s
        self._patience = Patience()
        self._engine = _engine(url, read_only=False, schema=schema, patience=self._patience if threaded else None)
        reads = Patience(min(patience_s, _READ_S)) if threaded else None  # a verb's table may be long
        self._reader = _engine(url, read_only=True, schema=schema, patience=reads)
        try:
            self._connection = self._engine.connect()
            self._who = self._ask_who()
        except (DBAPIError, psycopg.Error) as error:
            raise StoreUnwritableError(UNREACHABLE) from error
        self._start(threaded=threaded)

    def read_now(self, fn: Callable[[Connection], T]) -> T:
        """Run a query in one read-only snapshot; a connection that went stale meanwhile is replaced once."""
        try:
            return self._read(fn)
        except (DBAPIError, psycopg.Error) as error:
            if not is_gone(error):
                raise
            return self._read(fn)

    def _read(self, fn: Callable[[Connection], T]) -> T:
        with self._reader.connect() as connection:
            connection.exec_driver_sql(_SNAPSHOT)
            try:
                return fn(connection)
            finally:
                with contextlib.suppress(DBAPIError):
                    connection.exec_driver_sql("ROLLBACK")

    def _commit_group(self, group: list[Job]) -> None:
        with self._patience.of(self._write_s):  # only here: making tables may take as long as it takes
            self._commit_now(group)

    def _commit_now(self, group: list[Job]) -> None:
        group = [job for job in group if job[1].set_running_or_notify_cancel()]
        try:
            self._open_again()
        except (DBAPIError, psycopg.Error) as error:  # still away: refused at once, whoever brought it tries again
            self._refuse(group, error)
            return
        for left in reversed(range(_TRIES)):
            group = [job for job in group if not job[1].done()]
            try:
                tx, answers = self._run_group(group)
            except BaseException as error:  # noqa: BLE001 - whatever broke the commit, every caller must hear of it
                if self._recover(error) and left:
                    continue
                self._refuse(group, error)
                return
            break
        for act in tx.take_after():
            with contextlib.suppress(RuntimeError):
                act()
        fault("E6")
        for future, answer in answers:
            future.set_result(answer)

    def _run_group(self, group: list[Job]) -> tuple[PostgresTx, list[tuple["Future[Any]", Any]]]:
        tx = self.transaction(self._connection, self.audit_key)
        answers: list[tuple[Future[Any], Any]] = []
        tx.raw.execute("BEGIN")
        for fn, future in group:
            answers.extend(run_one(tx, fn, future, again=is_again))
        number: str = tx.raw.execute("SELECT CAST(pg_current_xact_id() AS text)").fetchone()[0]
        fault("E4")
        try:
            self._commit(tx)
        except psycopg.Error as error:
            if not is_gone(error) or not self._was_kept(number):
                raise
        fault("E5")
        return tx, answers

    def _commit(self, tx: PostgresTx) -> None:
        tx.raw.execute("COMMIT")

    def _was_kept(self, number: str) -> bool:
        """Ask whether a transaction whose COMMIT was not answered is durable.

        Raises:
            UnansweredError: nobody says so in time; what may be there must not be done again.
        """
        until = time.monotonic() + self._reconnect_s
        while self._reconnect(until):
            try:
                found = Raw(self._driver).execute(_FATE, (number,)).fetchone()
            except psycopg.Error as error:
                if error.sqlstate == _NEVER_GIVEN:
                    return False
                found = None
            if found is not None and found[0] in {"committed", "aborted"}:
                return bool(found[0] == "committed") and self._is_everywhere()
            if time.monotonic() > until:
                break
            time.sleep(0.05)  # its server process has not noticed yet that we are gone
        raise UnansweredError

    def _is_everywhere(self) -> bool:
        """Wait until the standbys have what this server has; a COMMIT that was cut off did not wait for them.

        Raises:
            UnansweredError: they do not answer. If this server were lost now, what was written would be, too.
        """
        try:
            with self._patience.of(self._reconnect_s):
                Raw(self._driver).execute(_HAVE_ALL)
        except psycopg.Error as error:
            self._drop()
            raise UnansweredError from error
        return True

    def _drop(self) -> None:
        for end in (self._connection.invalidate, self._connection.close):
            with contextlib.suppress(Exception):
                end()

    @property
    def _driver(self) -> "psycopg.Connection[Any]":
        return self._connection.connection.driver_connection  # type: ignore[return-value]

    def _ask_who(self) -> tuple[Any, ...]:
        return tuple(Raw(self._driver).execute(_WHO).fetchone() or ())

    def _end_lost(self) -> None:
        """End what the connection before this one had begun: its server process may not know that nobody is there."""
        if self._who:
            Raw(self._driver).execute(_END, self._who)
        self._who = self._ask_who()

    def _open_again(self) -> None:
        if self._connection.closed:
            self._connection = self._engine.connect()
            self._end_lost()

    def _recover(self, error: BaseException) -> bool:
        """Make the connection usable again; True when the group may be run once more."""
        if isinstance(error, UnansweredError):
            return False
        if is_gone(error) or self._connection.closed or self._driver.closed:
            return self._reconnect(time.monotonic() + self._reconnect_s)
        try:
            Raw(self._driver).execute("ROLLBACK")
        except psycopg.Error:
            return self._reconnect(time.monotonic() + self._reconnect_s) and is_again(error)
        return is_again(error)

    def _reconnect(self, until: float) -> bool:
        wait_s = 0.05
        while True:
            self._engine.dispose()
            self._drop()
            try:
                self._connection = self._engine.connect()
                self._end_lost()
            except (DBAPIError, psycopg.Error):
                if time.monotonic() + wait_s > until:
                    return False
                time.sleep(wait_s)
                wait_s = min(wait_s * 2, 1.0)
            else:
                return True


@contextlib.contextmanager
def reading_postgres(url: str) -> Iterator[Connection]:
    """Open a database only to look at it, in one snapshot.

    Raises:
        StoreUnwritableError: it does not answer.
    """
    engine = _engine(url, read_only=True)
    try:
        try:
            connection = engine.connect()
        except DBAPIError as error:
            raise StoreUnwritableError(UNREACHABLE) from error
        with connection:
            connection.exec_driver_sql(_SNAPSHOT)
            yield connection
            connection.exec_driver_sql("ROLLBACK")
    finally:
        engine.dispose()
