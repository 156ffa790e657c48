"""Stores for tests: SQLite, or with `pytest --store postgres` databases of one PostgreSQL server started for the run."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.proof.cluster import Cluster
from bot.store import migrate
from bot.store.database import Store
from bot.store.postgres import PostgresStore
from bot.store.tx import Tx

_TEMPLATE = "panah_template"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
#: A database in which a test has made or dropped something is not used again.
_SHAPE = (
    "SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_trigger),"
    " (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_policy)"
)
_OTHERS_GO = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
#: Behind the triggers' back, and with numbers that begin anew.
_EMPTY = "SET session_replication_role = replica; {} SELECT setval(seqrelid, 1, false) FROM pg_sequence"


class TestStores:
    """Makes stores of one kind; a file that is opened again is the same database."""

    __test__ = False

    def __init__(self) -> None:
        self.kind = "sqlite"
        self._cluster: Cluster | None = None
        self._numbers = itertools.count(1)
        self._databases: dict[Path, str] = {}
        self._clean: list[str] = []
        self._empty = ""
        self._shape: list[Any] = []

    @property
    def cluster(self) -> Cluster:
        """The server, started when it is first wanted."""
        if self._cluster is None:
            self._cluster = Cluster(syncs=False)
            store = PostgresStore(self._cluster.create(_TEMPLATE), threaded=False)
            migrate.upgrade(store.connection)
            store.close()
            tables = [row[0] for row in self._cluster.execute(_TABLES, database=_TEMPLATE)]
            self._empty = _EMPTY.format("".join(f"DELETE FROM {table};" for table in tables))
            self._shape = self._cluster.execute(_SHAPE, database=_TEMPLATE)
        return self._cluster

    def open(self, path: Path | None = None, *, threaded: bool = True, tables: bool = True) -> Store:
        """Open a database with all tables in it."""
        if self.kind == "sqlite":
            store = Store(path, threaded=threaded)
            if tables:
                migrate.upgrade(store.connection)
            return store
        return _Disposable(self.database(path), threaded=threaded, on_close=None if path else self._drop)

    def database(self, path: Path | None = None) -> str:
        """Give the address of a PostgreSQL database with all tables in it."""
        if path is not None and path in self._databases:
            return self._databases[path]
        cluster = self.cluster
        url = self._clean.pop() if self._clean else cluster.create(f"t{next(self._numbers)}", template=_TEMPLATE)
        if path is not None:
            self._databases[path] = url
        return url

    def _drop(self, url: str) -> None:
        """Empty a database for the next test: thirty times as fast as another copy of the template."""
        name = url.partition("@/")[2].partition("?")[0]
        self.cluster.execute(_OTHERS_GO.format(name))
        if self.cluster.execute(_SHAPE, database=name) != self._shape:
            self.cluster.drop(name)
            return
        self.cluster.execute(self._empty, database=name)
        self._clean.append(url)

    def end_test(self) -> None:
        """Drop what this test had by name."""
        for url in self._databases.values():
            self._drop(url)
        self._databases.clear()

    def close(self) -> None:
        """Stop the server."""
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None
            self._clean.clear()


class _Disposable(PostgresStore):
    def __init__(self, url: str, *, threaded: bool, on_close: object) -> None:
        super().__init__(url, threaded=threaded)
        self._gone = on_close

    def close(self) -> None:
        super().close()
        if self._gone is not None:
            self._gone(self._url)


def refuse_inserts(tx: Tx, table: str) -> None:
    """Have the database refuse every new row of a table until `take_inserts`."""
    if not tx.is_shared:
        tx.raw.execute(f"CREATE TRIGGER no_more BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END")
        return
    tx.raw.execute(
        "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$"
    )
    tx.raw.execute(f"CREATE TRIGGER no_more BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_more()")


def take_inserts(tx: Tx, table: str) -> None:
    """Let new rows in again."""
    tx.raw.execute(f"DROP TRIGGER no_more ON {table}" if tx.is_shared else "DROP TRIGGER no_more")


@contextmanager
def stores_of(kind: str) -> Iterator[TestStores]:
    """Give stores of another kind for a while."""
    before, STORES.kind = STORES.kind, kind
    try:
        yield STORES
    finally:
        STORES.kind = before


STORES = TestStores()
