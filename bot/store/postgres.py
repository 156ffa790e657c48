"""PostgreSQL: the same writer thread and group commit as on SQLite, beside any number of other processes.

psycopg, synchronous, on the writer's own thread: turns read and write inside the batch's transaction. A group that met
a deadlock or lost its connection is rolled back and run again; a COMMIT whose answer was lost is asked after by its
transaction's number, so nothing is done twice and nothing is given up that was kept. While the server is away each group
is refused; the first one after it is back opens a new connection. A connection that says nothing for long is lost too,
and what a lost one had begun is ended at the server, or its locks would keep everybody waiting.
"""

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.core.fault import fault
from bot.patience import Patience
from bot.store.database import GROUP_MAX, Job, Store, run_one
from bot.store.postgres_engine import SNAPSHOT, UNREACHABLE, make_engine
from bot.store.postgres_tx import PostgresTx, Raw
from bot.store.trouble import StoreUnwritableError, UnansweredError, is_again, is_gone

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
        self._engine = make_engine(url, read_only=False, schema=schema, patience=self._patience if threaded else None)
        reads = Patience(min(patience_s, _READ_S)) if threaded else None  # a verb's table may be long
        self._reader = make_engine(url, read_only=True, schema=schema, patience=reads)
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
            connection.exec_driver_sql(SNAPSHOT)
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
