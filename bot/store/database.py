"""SQLite: one writer thread with group commit, and read-only connections for everything else.

`write(fn)` runs `fn(tx)` on the writer thread and answers only after the commit that holds it: WAL with
synchronous=FULL, so an answer means «on disk». Writes that wait together share one commit; each stands behind a
savepoint of its own, so one that fails takes nobody with it. A second process cannot write (file lock): SQLite
before 3.51.3 may corrupt a WAL under two writers.
"""

import asyncio
import contextlib
import os
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, pool
from sqlalchemy.exc import DatabaseError

from bot.core.fault import fault
from bot.store.sqlite_file import connect, lock, unusable
from bot.store.trouble import StoreUnwritableError
from bot.store.tx import Tx

__all__ = ["GROUP_MAX", "Job", "Store", "Tx", "run_one"]

T = TypeVar("T")

#: A function to run in the transaction, and where its answer is waited for.
Job = tuple[Callable[[Tx], Any], "Future[Any]"]

#: How many waiting writes may share one commit.
GROUP_MAX = 128


#: What a process ends with whose writer thread met what nobody had thought of.
_NO_WRITER = 70
#: So long a stop waits for a read that was begun before it.
_LAST_READ_S = 5.0


class Store:
    """The database of one installation. `path` None is an in-memory database for replay and tests."""

    #: True when other processes may write to the same database.
    is_shared = False

    #: Digests of the audit are made with it (bot.store.audit); set once the key file was read.
    audit_key: bytes = b""

    def __init__(self, path: Path | None, *, threaded: bool = True) -> None:
        self._lock_file = lock(path) if path is not None else None
        self._engine = connect(str(path) if path else ":memory:", read_only=False)
        self._reader = connect(str(path), read_only=True) if path else self._engine
        self._connection = self._open(path)
        self._start(threaded=threaded)

    def _start(self, *, threaded: bool) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        if threaded:
            self._thread = threading.Thread(target=self._write_or_end, name="store-writer", daemon=True)
            self._thread.start()

    def _open(self, path: Path | None) -> Connection:
        try:
            return self._engine.connect()
        except DatabaseError as error:
            if self._lock_file is not None:
                self._lock_file.close()
            raise StoreUnwritableError(unusable(path)) from error

    @property
    def connection(self) -> Connection:
        """The writer's connection, for migrations before the first write."""
        return self._connection

    def submit(self, fn: Callable[[Tx], T]) -> "Future[T]":
        """Queue a write; the future is answered after its commit."""
        future: Future[T] = Future()
        if self._thread is None:
            self._commit_group([(fn, future)])
        else:
            self._jobs.put((fn, future))
        return future

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run a write and wait until it is durable; what `fn` raises is raised here and nothing of it is kept."""
        return await asyncio.wrap_future(self.submit(fn))

    def write_now(self, fn: Callable[[Tx], T]) -> T:
        """The same, blocking; for the command line, the simulator and start-up."""
        return self.submit(fn).result()

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run a query on a read-only connection in a worker thread."""
        if self._thread is None:
            return self.read_now(fn)
        return await asyncio.to_thread(self.read_now, fn)

    def read_now(self, fn: Callable[[Connection], T]) -> T:
        """The same, blocking."""
        if self._reader is self._engine:
            return fn(self._connection)
        with self._reader.connect() as connection:
            connection.exec_driver_sql("BEGIN")  # one snapshot for the whole read
            try:
                return fn(connection)
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def close(self) -> None:
        """Finish what is queued, then let go of the file."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
        if self._reader is not self._engine:
            self._let_readers_end()
            self._reader.dispose()  # before the writer, who as the last one folds the WAL into the database
        self._connection.close()
        self._engine.dispose()
        if self._lock_file is not None:
            self._lock_file.close()

    def _let_readers_end(self) -> None:
        """Wait for reads that nobody awaits any more: a connection that is out while its pool ends stays open."""
        readers, until = self._reader.pool, time.monotonic() + _LAST_READ_S
        while isinstance(readers, pool.QueuePool) and readers.checkedout() > 0 and time.monotonic() < until:
            time.sleep(0.005)

    def _write_or_end(self) -> None:
        """Write until the end; a process that cannot write any more ends, so that its supervisor starts another."""
        try:
            self._write_loop()
        except BaseException as error:  # noqa: BLE001 - whatever it was: a mute process would take words and lose them
            self._tell_and_end(error)

    def _tell_and_end(self, error: BaseException) -> None:
        with contextlib.suppress(Exception):
            threading.excepthook(
                threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
            )
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(_NO_WRITER)

    def _refuse(self, group: list[Job], error: BaseException) -> None:
        """Tell all who wait for a group that it was not written."""
        for _, future in group:
            if not future.done():
                future.set_exception(error)
        if isinstance(error, MemoryError) and self._thread is not None:
            self._tell_and_end(error)  # half of what is tried fails now, wake-ups too: a fresh process has memory

    def _write_loop(self) -> None:
        while True:
            first = self._jobs.get()
            if first is None:
                return
            group = [first]
            stop = False
            while len(group) < GROUP_MAX:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stop = True
                    break
                group.append(job)
            self._commit_group(group)
            if stop:
                return

    def _commit_group(self, group: list[Job]) -> None:
        # a caller that was cancelled meanwhile is passed over; from here on none can be, or answering would raise
        # InvalidStateError and end the writer thread
        group = [job for job in group if job[1].set_running_or_notify_cancel()]
        tx = Tx(self._connection, self.audit_key)
        answers: list[tuple[Future[Any], Any]] = []
        try:
            tx.raw.execute("BEGIN IMMEDIATE")
            if len(group) == 1:  # the transaction itself is what is taken back: no page is copied for a savepoint
                answers.append((group[0][1], group[0][0](tx)))
            else:
                answers.extend(answer for fn, future in group for answer in run_one(tx, fn, future))
            fault("E4")
            tx.raw.execute("COMMIT")
            fault("E5")
        except BaseException as error:  # noqa: BLE001 - whatever broke the commit, every caller must hear of it
            with contextlib.suppress(sqlite3.Error):
                tx.raw.execute("ROLLBACK")
            self._refuse(group, error)
            return
        for act in tx.take_after():
            with contextlib.suppress(RuntimeError):  # a loop that closed meanwhile: a wake-up is only a hint
                act()
        fault("E6")
        for future, answer in answers:
            future.set_result(answer)


def run_one(
    tx: Tx,
    fn: Callable[[Tx], Any],
    future: "Future[Any]",
    *,
    again: Callable[[BaseException], bool] = lambda _error: False,
) -> list[tuple["Future[Any]", Any]]:
    """Run one write of a group behind a savepoint of its own; its failure is its caller's, not its neighbours'.

    What `again` says of is the whole group's failure: it is raised, and the group run once more. So is what made the
    database end the transaction: there is no savepoint to go back to, and the caller must hear of the true cause; and
    memory that is used up, which is no one job's own.
    """
    waiting = tx.take_after()
    tx.raw.execute("SAVEPOINT job")
    try:
        answer = fn(tx)
    except Exception as error:
        if isinstance(error, MemoryError) or again(error) or not tx.is_open:
            raise
        tx.raw.execute("ROLLBACK TO job")
        tx.raw.execute("RELEASE job")
        tx.held.clear()
        tx.take_after()
        for act in waiting:
            tx.after_commit(act)
        future.set_exception(error)
        return []
    tx.raw.execute("RELEASE job")
    for act in waiting:
        tx.after_commit(act)
    return [(future, answer)]
